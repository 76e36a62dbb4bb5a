/* Drives the reading of the event log with made-up functions of wevtapi.dll.
 * Wine's are stubs (H-38); what is checked here is what becomes of answers,
 * errors, short buffers and short memory, and that every handle is closed.
 *
 * Prints "ok" and exits 0, or says which line was wrong. */
#define WIN32_LEAN_AND_MEAN
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
#include <winevt.h>

static FARPROC fake_function(HMODULE dll, const char *name);
#define GetProcAddress fake_function
#include "manage/win32_eventquery.c"
#undef GetProcAddress

#define CHECK(what)                                                           \
    do {                                                                      \
        if (!(what)) {                                                        \
            printf("line %d: %s\n", __LINE__, #what);                         \
            exit(1);                                                          \
        }                                                                     \
    } while (0)

/* --- memory, which fails at the nth call ----------------------------------
 */

static long live, allocations, fail_at;

void *
wsv_os_alloc(size_t size)
{
    void *memory;

    if (++allocations == fail_at)
        return NULL;
    memory = calloc(1, size);
    if (memory != NULL)
        live++;
    return memory;
}

void
wsv_os_free(void *memory)
{
    if (memory != NULL)
        live--;
    free(memory);
}

/* --- the log: events numbered from 1 --------------------------------------
 */

enum { SESSION = 1, QUERY, RENDERER, PUBLISHER, EVENT = 1000 };

static long handles;
static DWORD total, given, query_error, next_error, next_error_at;
static DWORD format_error, flags_seen;
static DWORD publishers_opened;
static const wchar_t *server;
static size_t big; /* characters in each text */
static bool no_provider;

static EVT_HANDLE
opened(ULONG_PTR kind)
{
    handles++;
    return (EVT_HANDLE)kind;
}

static EVT_HANDLE WINAPI
open_session(EVT_LOGIN_CLASS kind, PVOID login, DWORD timeout, DWORD flags)
{
    CHECK(kind == EvtRpcLogin && timeout == 0 && flags == 0);
    server = ((EVT_RPC_LOGIN *)login)->Server;
    return opened(SESSION);
}

static EVT_HANDLE WINAPI
query(EVT_HANDLE session, LPCWSTR path, LPCWSTR text, DWORD flags)
{
    CHECK(session == (server != NULL ? (EVT_HANDLE)SESSION : NULL));
    CHECK(wcscmp(path, L"Application") == 0 && wcscmp(text, L"*") == 0);
    flags_seen = flags;
    given = 0;
    if (query_error != 0) {
        SetLastError(query_error == 1 ? 0 : query_error);
        return NULL;
    }
    return opened(QUERY);
}

static BOOL WINAPI
next(EVT_HANDLE events, DWORD size, EVT_HANDLE *batch, DWORD timeout,
     DWORD flags, PDWORD returned)
{
    CHECK(events == (EVT_HANDLE)QUERY && timeout == INFINITE && flags == 0);
    if (next_error != 0 && given >= next_error_at) {
        SetLastError(next_error);
        return FALSE;
    }
    if (given == total) {
        SetLastError(ERROR_NO_MORE_ITEMS);
        return FALSE;
    }
    for (*returned = 0; *returned < size && given < total; given++)
        batch[(*returned)++] = opened(EVENT + given + 1);
    return TRUE;
}

static EVT_HANDLE WINAPI
create_context(DWORD count, LPCWSTR *paths, DWORD flags)
{
    CHECK(count == 1 && flags == EvtRenderContextValues);
    CHECK(wcscmp(paths[0], L"Event/System/Provider/@Name") == 0);
    return opened(RENDERER);
}

/* Fill a buffer of bytes with "<what><number>", and as much as is big. */
static DWORD
text_of(wchar_t *buffer, DWORD bytes, const wchar_t *what, EVT_HANDLE event)
{
    wchar_t begin[32];
    int number = (int)((ULONG_PTR)event - EVENT);
    size_t length = (size_t)swprintf(begin, 32, L"%ls%d", what, number);
    size_t i;

    if ((length + big + 1) * sizeof(wchar_t) <= bytes) {
        wcscpy(buffer, begin);
        for (i = 0; i < big; i++)
            buffer[length + i] = L'x';
        buffer[length + big] = 0;
    }
    return (DWORD)((length + big + 1) * sizeof(wchar_t));
}

static BOOL WINAPI
render_one(EVT_HANDLE context, EVT_HANDLE event, DWORD flags, DWORD size,
           PVOID buffer, PDWORD used, PDWORD properties)
{
    EVT_VARIANT *value = buffer;
    wchar_t *name;

    CHECK((ULONG_PTR)event > EVENT);
    if (flags == EvtRenderEventXml) {
        CHECK(context == NULL);
        *used = text_of(buffer, size, L"xml", event);
    }
    else {
        CHECK(context == (EVT_HANDLE)RENDERER &&
              flags == EvtRenderEventValues);
        *used = sizeof(*value) + 16;
        *properties = 1;
        if (*used <= size) {
            name = (wchar_t *)(value + 1);
            /* Two providers, in turn. */
            wcscpy(name, (ULONG_PTR)event % 2 ? L"odd" : L"even");
            value->StringVal = name;
            value->Type = no_provider ? EvtVarTypeNull : EvtVarTypeString;
        }
    }
    if (*used <= size)
        return TRUE;
    SetLastError(ERROR_INSUFFICIENT_BUFFER);
    return FALSE;
}

static EVT_HANDLE WINAPI
open_publisher(EVT_HANDLE session, LPCWSTR name, LPCWSTR file, LCID locale,
               DWORD flags)
{
    CHECK(session == (server != NULL ? (EVT_HANDLE)SESSION : NULL));
    CHECK(file == NULL && locale == 0 && flags == 0);
    publishers_opened++;
    if (wcscmp(name, L"even") == 0)
        return NULL; /* is not registered */
    return opened(PUBLISHER);
}

static BOOL WINAPI
format_one(EVT_HANDLE metadata, EVT_HANDLE event, DWORD id, DWORD count,
           PEVT_VARIANT values, DWORD flags, DWORD units, LPWSTR buffer,
           PDWORD used)
{
    CHECK(metadata == (EVT_HANDLE)PUBLISHER && id == 0 && count == 0);
    CHECK(values == NULL && flags == EvtFormatMessageEvent);
    *used = text_of(buffer, units * (DWORD)sizeof(wchar_t), L"text", event) /
            (DWORD)sizeof(wchar_t);
    SetLastError(*used > units ? ERROR_INSUFFICIENT_BUFFER : format_error);
    return *used <= units && format_error == 0;
}

static BOOL WINAPI
close_one(EVT_HANDLE object)
{
    CHECK(object != NULL);
    handles--;
    return TRUE;
}

static const char *missing;

static FARPROC
fake_function(HMODULE dll, const char *name)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } known[] = {
        {"EvtOpenSession", (any_fn)open_session},
        {"EvtQuery", (any_fn)query},
        {"EvtNext", (any_fn)next},
        {"EvtCreateRenderContext", (any_fn)create_context},
        {"EvtRender", (any_fn)render_one},
        {"EvtOpenPublisherMetadata", (any_fn)open_publisher},
        {"EvtFormatMessage", (any_fn)format_one},
        {"EvtClose", (any_fn)close_one},
    };
    size_t i;

    CHECK(dll != NULL);
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0)
            return missing != NULL && strcmp(missing, name) == 0
                       ? NULL
                       : (FARPROC)known[i].function;
    }
    CHECK(!"a function that is not known here");
    return NULL;
}

/* --- the tests ------------------------------------------------------------
 */

static wsv_err
ask(wsv_eventlog_answer **answer, wsv_oserr *why, DWORD limit, bool newest)
{
    wsv_eventlog_question question = {
        (const wsv_wchar *)server,
        (const wsv_wchar *)L"Application",
        (const wsv_wchar *)L"*",
        limit,
        newest,
    };
    wsv_err err;

    publishers_opened = 0;
    err = wsv_eventlog_query(&question, answer, why);
    CHECK(handles == 0);
    return err;
}

static void
reset(DWORD events)
{
    CHECK(live == 0);
    total = events;
    query_error = next_error = next_error_at = format_error = 0;
    allocations = fail_at = 0;
    big = 0;
    no_provider = false;
    server = NULL;
    missing = NULL;
}

static void
check_answer(wsv_eventlog_answer *answer, DWORD count, bool with_text)
{
    wsv_eventlog_found found;
    wchar_t expected[32];
    DWORD number = 0;

    while (wsv_eventlog_answer_next(answer, &found)) {
        number++;
        swprintf(expected, 32, L"xml%d", (int)number);
        CHECK(wcsncmp(found.xml, expected, wcslen(expected)) == 0);
        CHECK(wcslen(found.xml) == wcslen(expected) + big);
        swprintf(expected, 32, L"text%d", (int)number);
        if (with_text && number % 2 == 1) {
            CHECK(found.message != NULL);
            CHECK(wcsncmp(found.message, expected, wcslen(expected)) == 0);
            CHECK(wcslen(found.message) == wcslen(expected) + big);
        }
        else
            CHECK(found.message == NULL);
    }
    CHECK(number == count);
    wsv_eventlog_answer_free(answer);
    CHECK(live == 0);
}

static void
test_answers(void)
{
    static const DWORD counts[] = {0, 1, 15, 16, 17, 100};
    wsv_eventlog_answer *answer;
    wsv_oserr why;
    size_t i;

    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        reset(counts[i]);
        CHECK(ask(&answer, &why, UINT32_MAX, false) == WSV_OK);
        CHECK(flags_seen == (EvtQueryChannelPath | EvtQueryForwardDirection));
        CHECK(publishers_opened <= 2);
        check_answer(answer, counts[i], true);

        reset(counts[i]);
        server = L"elsewhere";
        CHECK(ask(&answer, &why, 16, true) == WSV_OK);
        CHECK(flags_seen == (EvtQueryChannelPath | EvtQueryReverseDirection));
        CHECK(wcscmp(server, L"elsewhere") == 0);
        check_answer(answer, counts[i] < 16 ? counts[i] : 16, true);
    }
    reset(5);
    CHECK(ask(&answer, &why, 0, false) == WSV_OK);
    check_answer(answer, 0, true);
}

static void
test_long_texts(void)
{
    static const size_t sizes[] = {8000, 8185, 8186, 8187, 8188,
                                   8189, 8190, 8191, 8192, 300000};
    wsv_eventlog_answer *answer;
    wsv_oserr why;
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        reset(3);
        big = sizes[i];
        CHECK(ask(&answer, &why, 10, false) == WSV_OK);
        check_answer(answer, 3, true);
    }
    reset(1);
    big = 9 * 1024 * 1024; /* more than any event has */
    CHECK(ask(&answer, &why, 10, false) == WSV_E_MEMORY);
}

static void
test_texts_that_are_not_to_be_had(void)
{
    static const DWORD codes[] = {15027, 15028, 2, 15029, 15030, 15031};
    wsv_eventlog_answer *answer;
    wsv_oserr why;
    size_t i;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        reset(3);
        format_error = codes[i];
        CHECK(ask(&answer, &why, 10, false) == WSV_OK);
        /* Of the last three there is a text, with "%1" in it. */
        check_answer(answer, 3, i >= 3);
    }
    reset(3);
    no_provider = true;
    CHECK(ask(&answer, &why, 10, false) == WSV_OK);
    CHECK(publishers_opened == 0);
    check_answer(answer, 3, false);
}

static void
test_errors(void)
{
    wsv_eventlog_answer *answer;
    wsv_oserr why;

    reset(3);
    query_error = 15007;
    CHECK(ask(&answer, &why, 10, false) == WSV_E_OS && why.code == 15007);
    reset(3);
    query_error = 1; /* a stub, which sets no code */
    CHECK(ask(&answer, &why, 10, false) == WSV_E_OS);
    CHECK(why.code == ERROR_CALL_NOT_IMPLEMENTED);
    reset(100);
    next_error = 15011;
    next_error_at = 32;
    CHECK(ask(&answer, &why, 100, false) == WSV_E_OS && why.code == 15011);
    reset(3);
    missing = "EvtRender";
    CHECK(ask(&answer, &why, 10, false) == WSV_E_OS);
    CHECK(why.code == ERROR_CALL_NOT_IMPLEMENTED);
}

static void
test_short_memory(void)
{
    wsv_eventlog_answer *answer;
    wsv_oserr why;
    wsv_err err;
    long nth;

    for (nth = 1;; nth++) {
        reset(20);
        big = 9000;
        fail_at = nth;
        err = ask(&answer, &why, 20, false);
        if (err == WSV_OK)
            break;
        CHECK(err == WSV_E_MEMORY && live == 0);
    }
    CHECK(nth > 40);
    check_answer(answer, 20, true);
}

int
main(void)
{
    test_answers();
    test_long_texts();
    test_texts_that_are_not_to_be_had();
    test_errors();
    test_short_memory();
    printf("ok\n");
    return 0;
}
