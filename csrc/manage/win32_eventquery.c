/* Reading the event log.  wevtapi.dll is loaded when first asked: a service
 * that only writes does without it, and Wine's is a stub (H-38). */
#define WIN32_LEAN_AND_MEAN
#include <string.h>
#include <wchar.h>
#include <windows.h>
#include <winevt.h>

#include "manage/eventlog.h"
#include "os/os.h"

/* EvtNext fails with RPC_S_INVALID_BOUND when a batch exceeds 2 MB; an event
 * has 64 KB at most. */
#define BATCH 16u
#define FIRST_BYTES (16u * 1024u)
#define MOST_BYTES (16u * 1024u * 1024u)

/* winerror.h of older SDKs and of mingw does not have them all. */
#define UNRESOLVED_VALUE_INSERT 15029
#define UNRESOLVED_PARAMETER_INSERT 15030
#define MAX_INSERTS_REACHED 15031

typedef EVT_HANDLE(WINAPI *open_session_fn)(EVT_LOGIN_CLASS kind, PVOID login,
                                            DWORD timeout, DWORD flags);
typedef EVT_HANDLE(WINAPI *query_fn)(EVT_HANDLE session, LPCWSTR path,
                                     LPCWSTR query, DWORD flags);
typedef BOOL(WINAPI *next_fn)(EVT_HANDLE events, DWORD size, EVT_HANDLE *batch,
                              DWORD timeout, DWORD flags, PDWORD returned);
typedef EVT_HANDLE(WINAPI *context_fn)(DWORD count, LPCWSTR *paths,
                                       DWORD flags);
typedef BOOL(WINAPI *render_fn)(EVT_HANDLE context, EVT_HANDLE event,
                                DWORD flags, DWORD size, PVOID buffer,
                                PDWORD used, PDWORD properties);
typedef EVT_HANDLE(WINAPI *publisher_fn)(EVT_HANDLE session, LPCWSTR name,
                                         LPCWSTR file, LCID locale,
                                         DWORD flags);
typedef BOOL(WINAPI *format_fn)(EVT_HANDLE metadata, EVT_HANDLE event,
                                DWORD id, DWORD count, PEVT_VARIANT values,
                                DWORD flags, DWORD units, LPWSTR buffer,
                                PDWORD used);
typedef BOOL(WINAPI *close_fn)(EVT_HANDLE object);

typedef struct event_api {
    open_session_fn open_session;
    query_fn query;
    next_fn next;
    context_fn create_context;
    render_fn render;
    publisher_fn open_publisher;
    format_fn format;
    close_fn close;
} event_api;

/* The texts of one provider's events; NULL: they are not to be had. */
typedef struct publisher {
    struct publisher *next;
    EVT_HANDLE metadata;
    wchar_t name[1]; /* as long as it is */
} publisher;

typedef struct node {
    struct node *next;
    wsv_wchar *xml;
    wsv_wchar *message;
} node;

struct wsv_eventlog_answer {
    node *first;
    node **end;
    node *current;
    uint32_t count;
};

/* What a query has open. */
typedef struct reader {
    event_api evt;
    EVT_HANDLE session;
    EVT_HANDLE events;
    EVT_HANDLE context; /* renders the provider's name */
    publisher *publishers;
    void *buffer;
    DWORD size; /* bytes */
    wsv_oserr *why;
} reader;

static wsv_err
failed(wsv_oserr *why, const char *call, DWORD code)
{
    why->call = call;
    /* Wine's stubs fail without a code. */
    why->code = code != ERROR_SUCCESS ? code : ERROR_CALL_NOT_IMPLEMENTED;
    return WSV_E_OS;
}

/* --- the library --------------------------------------------------------- */

typedef void (*any_fn)(void);

/* The library stays loaded: who follows a log asks every second. */
static bool
load(event_api *evt)
{
    HMODULE dll =
        LoadLibraryExW(L"wevtapi.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

    if (dll == NULL)
        return false;
#define FIND(type, name) (type)(any_fn) GetProcAddress(dll, name)
    evt->open_session = FIND(open_session_fn, "EvtOpenSession");
    evt->query = FIND(query_fn, "EvtQuery");
    evt->next = FIND(next_fn, "EvtNext");
    evt->create_context = FIND(context_fn, "EvtCreateRenderContext");
    evt->render = FIND(render_fn, "EvtRender");
    evt->open_publisher = FIND(publisher_fn, "EvtOpenPublisherMetadata");
    evt->format = FIND(format_fn, "EvtFormatMessage");
    evt->close = FIND(close_fn, "EvtClose");
#undef FIND
    return evt->open_session != NULL && evt->query != NULL &&
           evt->next != NULL && evt->create_context != NULL &&
           evt->render != NULL && evt->open_publisher != NULL &&
           evt->format != NULL && evt->close != NULL;
}

/* --- texts --------------------------------------------------------------- */

/* Make the buffer larger: to `bytes`, if that is more than it has. */
static wsv_err
grow(reader *r, DWORD bytes)
{
    DWORD size = bytes > r->size ? bytes : r->size * 2;

    if (size > MOST_BYTES)
        return WSV_E_MEMORY;
    wsv_os_free(r->buffer);
    r->size = 0;
    r->buffer = wsv_os_alloc(size);
    if (r->buffer == NULL)
        return WSV_E_MEMORY;
    r->size = size;
    return WSV_OK;
}

/* A copy of the buffer's text, which `units` bound. */
static wsv_wchar *
copy_text(const reader *r, size_t units)
{
    size_t most = r->size / sizeof(wchar_t), length;
    wsv_wchar *text;

    length = wcsnlen(r->buffer, units < most ? units : most);
    text = wsv_os_alloc((length + 1) * sizeof(*text));
    if (text != NULL)
        memcpy(text, r->buffer, length * sizeof(*text));
    return text;
}

/* Render into the buffer; the bytes used, or an error. */
static wsv_err
render(reader *r, EVT_HANDLE context, EVT_HANDLE event, DWORD what,
       DWORD *used)
{
    DWORD properties, code;
    wsv_err err;

    for (;;) {
        *used = properties = 0;
        if (r->evt.render(context, event, what, r->size, r->buffer, used,
                          &properties))
            return WSV_OK;
        code = GetLastError();
        if (code != ERROR_INSUFFICIENT_BUFFER)
            return failed(r->why, "read an event (EvtRender)", code);
        err = grow(r, *used);
        if (err != WSV_OK)
            return err;
    }
}

/* --- messages ------------------------------------------------------------ */

/* Leave the name of an event's provider in the buffer; false: it has none. */
static bool
provider_of(reader *r, EVT_HANDLE event, const wchar_t **name)
{
    LPCWSTR path = L"Event/System/Provider/@Name";
    const EVT_VARIANT *value;
    DWORD used;

    if (r->context == NULL)
        r->context = r->evt.create_context(1, &path, EvtRenderContextValues);
    if (r->context == NULL ||
        render(r, r->context, event, EvtRenderEventValues, &used) != WSV_OK)
        return false;
    value = r->buffer;
    *name = value->StringVal;
    return used >= sizeof(*value) && value->Type == EvtVarTypeString &&
           value->StringVal != NULL;
}

/* Opened once a query: for events of the System log it is a file each. */
static wsv_err
find_publisher(reader *r, EVT_HANDLE event, EVT_HANDLE *metadata)
{
    const wchar_t *name;
    publisher *each;
    size_t length;

    *metadata = NULL;
    if (!provider_of(r, event, &name))
        return WSV_OK;
    for (each = r->publishers; each != NULL; each = each->next) {
        if (wcscmp(each->name, name) == 0) {
            *metadata = each->metadata;
            return WSV_OK;
        }
    }
    length = wcslen(name);
    each = wsv_os_alloc(sizeof(*each) + length * sizeof(*name));
    if (each == NULL)
        return WSV_E_MEMORY;
    memcpy(each->name, name, (length + 1) * sizeof(*name));
    each->metadata = r->evt.open_publisher(r->session, each->name, NULL, 0, 0);
    each->next = r->publishers;
    r->publishers = each;
    *metadata = each->metadata;
    return WSV_OK;
}

/* An event's text with its strings put in; NULL when it cannot be had. */
static wsv_err
message_of(reader *r, EVT_HANDLE event, wsv_wchar **out)
{
    EVT_HANDLE metadata;
    DWORD units, used, code;
    wsv_err err;

    *out = NULL;
    err = find_publisher(r, event, &metadata);
    if (err != WSV_OK || metadata == NULL)
        return err;
    for (;;) {
        units = r->size / (DWORD)sizeof(wchar_t);
        used = 0;
        code = ERROR_SUCCESS;
        if (!r->evt.format(metadata, event, 0, 0, NULL, EvtFormatMessageEvent,
                           units, r->buffer, &used))
            code = GetLastError();
        if (code == ERROR_INSUFFICIENT_BUFFER) {
            err = used > MOST_BYTES ? WSV_E_MEMORY
                                    : grow(r, used * (DWORD)sizeof(wchar_t));
            if (err != WSV_OK)
                return err;
            continue;
        }
        /* An insert that is missing stands there as "%1". */
        if (code != ERROR_SUCCESS && code != UNRESOLVED_VALUE_INSERT &&
            code != UNRESOLVED_PARAMETER_INSERT && code != MAX_INSERTS_REACHED)
            return WSV_OK;
        *out = copy_text(r, used);
        return *out != NULL ? WSV_OK : WSV_E_MEMORY;
    }
}

/* --- the query ----------------------------------------------------------- */

static wsv_err
add_event(reader *r, EVT_HANDLE event, wsv_eventlog_answer *answer)
{
    node *made;
    DWORD used;
    wsv_err err = render(r, NULL, event, EvtRenderEventXml, &used);

    if (err != WSV_OK)
        return err;
    made = wsv_os_alloc(sizeof(*made));
    if (made == NULL)
        return WSV_E_MEMORY;
    *answer->end = made; /* the answer frees what comes of it */
    answer->end = &made->next;
    answer->count++;
    made->xml = copy_text(r, used / sizeof(wchar_t));
    if (made->xml == NULL)
        return WSV_E_MEMORY;
    return message_of(r, event, &made->message);
}

static wsv_err
collect(reader *r, uint32_t limit, wsv_eventlog_answer *answer)
{
    EVT_HANDLE batch[BATCH];
    DWORD wanted, got, i, code;
    wsv_err err = WSV_OK;

    while (err == WSV_OK && answer->count < limit) {
        wanted = limit - answer->count < BATCH ? limit - answer->count : BATCH;
        got = 0;
        if (!r->evt.next(r->events, wanted, batch, INFINITE, 0, &got)) {
            code = GetLastError();
            if (code == ERROR_NO_MORE_ITEMS)
                break;
            return failed(r->why, "read the event log (EvtNext)", code);
        }
        if (got == 0 || got > wanted)
            break;
        for (i = 0; i < got; i++) {
            if (err == WSV_OK)
                err = add_event(r, batch[i], answer);
            (void)r->evt.close(batch[i]);
        }
    }
    return err;
}

static wsv_err
open_query(reader *r, const wsv_eventlog_question *question)
{
    EVT_RPC_LOGIN login = {NULL, NULL, NULL, NULL, EvtRpcLoginAuthDefault};
    DWORD direction = question->newest_first ? EvtQueryReverseDirection
                                             : EvtQueryForwardDirection;

    if (question->machine != NULL) {
        /* Not const, but only read. */
        login.Server = (LPWSTR)(uintptr_t)question->machine;
        SetLastError(ERROR_SUCCESS);
        r->session = r->evt.open_session(EvtRpcLogin, &login, 0, 0);
        if (r->session == NULL)
            return failed(r->why,
                          "connect to another event log (EvtOpenSession)",
                          GetLastError());
    }
    SetLastError(ERROR_SUCCESS);
    r->events = r->evt.query(r->session, question->channel, question->xpath,
                             EvtQueryChannelPath | direction);
    if (r->events == NULL)
        return failed(r->why, "search the event log (EvtQuery)",
                      GetLastError());
    return grow(r, FIRST_BYTES);
}

static void
close_query(reader *r)
{
    publisher *each;

    while (r->publishers != NULL) {
        each = r->publishers;
        r->publishers = each->next;
        if (each->metadata != NULL)
            (void)r->evt.close(each->metadata);
        wsv_os_free(each);
    }
    if (r->context != NULL)
        (void)r->evt.close(r->context);
    if (r->events != NULL)
        (void)r->evt.close(r->events);
    if (r->session != NULL)
        (void)r->evt.close(r->session);
    wsv_os_free(r->buffer);
}

wsv_err
wsv_eventlog_query(const wsv_eventlog_question *question,
                   wsv_eventlog_answer **out, wsv_oserr *why)
{
    reader r;
    wsv_err err;

    memset(&r, 0, sizeof(r));
    r.why = why;
    if (!load(&r.evt))
        return failed(why, "read the event log (wevtapi.dll)",
                      ERROR_CALL_NOT_IMPLEMENTED);
    *out = wsv_os_alloc(sizeof(**out));
    if (*out == NULL)
        return WSV_E_MEMORY;
    (*out)->end = &(*out)->first;
    err = open_query(&r, question);
    if (err == WSV_OK)
        err = collect(&r, question->limit, *out);
    close_query(&r);
    if (err != WSV_OK)
        wsv_eventlog_answer_free(*out);
    else
        (*out)->current = (*out)->first;
    return err;
}

bool
wsv_eventlog_answer_next(wsv_eventlog_answer *answer, wsv_eventlog_found *out)
{
    if (answer->current == NULL)
        return false;
    out->xml = answer->current->xml;
    out->message = answer->current->message;
    answer->current = answer->current->next;
    return true;
}

void
wsv_eventlog_answer_free(wsv_eventlog_answer *answer)
{
    node *each;

    while (answer->first != NULL) {
        each = answer->first;
        answer->first = each->next;
        wsv_os_free(each->xml);
        wsv_os_free(each->message);
        wsv_os_free(each);
    }
    wsv_os_free(answer);
}
