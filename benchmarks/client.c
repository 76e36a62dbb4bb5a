/* The client: no Python, the same for every service.
 *
 *     client PLAN OUT
 *
 * does what the lines of PLAN say, one after the other, and writes a line to
 * OUT for everything that it has measured.  Tabs are between the words, since
 * paths have spaces.  Times are nanoseconds of the performance counter, which
 * all processes share (Python's perf_counter_ns).
 *
 *     start NAME [ARGUMENT...]    start NAME BEFORE AFTER
 *     watch NAME STATE PAUSE_MS   status NAME AT STATE CHECKPOINT HINT, for
 *                                 each change, until STATE is there
 *     control NAME CODE           control NAME BEFORE AFTER CODE ERROR
 *     flood NAME CODE COUNT       flood NAME BEFORE AFTER SENT REFUSED
 *     gone NAME                   gone NAME AT: its process has ended
 *     run COMMAND LINE            run - BEFORE AFTER EXIT_CODE
 *     sleep MS                    -
 *
 * A control that is refused is a result; everything else that fails ends the
 * program.  Services that are up then stay up. */
#ifndef _CRT_SECURE_NO_WARNINGS
#define _CRT_SECURE_NO_WARNINGS
#endif
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <mmsystem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SERVICES 256u
#define MAX_LINE 4096
#define MAX_WORDS 8u
#define MAX_TRIES 3u
#define OUT_BUFFER (1u << 20)
/* A service that holds the GIL takes its time. */
#define PATIENCE_MS 120000u
#define NS_PER_S 1000000000ull
#define RIGHTS                                                                \
    (SERVICE_START | SERVICE_STOP | SERVICE_PAUSE_CONTINUE |                  \
     SERVICE_QUERY_STATUS | SERVICE_INTERROGATE |                             \
     SERVICE_USER_DEFINED_CONTROL)

typedef unsigned long long ns;

typedef struct subject {
    char name[64];
    SC_HANDLE service;
    HANDLE process;
} subject;

static subject subjects[MAX_SERVICES];
static DWORD subject_count;
static SC_HANDLE manager;
static ULONGLONG frequency;
static FILE *out;

static ns
now(void)
{
    LARGE_INTEGER ticks;
    ULONGLONG count;

    QueryPerformanceCounter(&ticks);
    count = (ULONGLONG)ticks.QuadPart;
    return count / frequency * NS_PER_S +
           count % frequency * NS_PER_S / frequency;
}

static int
fail(const char *what)
{
    fprintf(stderr, "client: %s: error %lu\n", what, GetLastError());
    return 0;
}

static subject *
find(const char *name)
{
    subject *it;
    DWORD i;

    for (i = 0; i < subject_count; i++)
        if (strcmp(subjects[i].name, name) == 0)
            return &subjects[i];
    if (subject_count == MAX_SERVICES || strlen(name) >= sizeof(it->name)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    it = &subjects[subject_count];
    it->service = OpenServiceA(manager, name, RIGHTS);
    if (it->service == NULL)
        return NULL;
    strcpy(it->name, name);
    subject_count++;
    return it;
}

static int
start(subject *it, DWORD argc, char **argv)
{
    DWORD tries;
    ns before;

    for (tries = 1;; tries++) {
        before = now();
        if (StartServiceA(it->service, argc, (LPCSTR *)argv))
            break;
        /* Wine's: the new process died before its loader was done. */
        if (GetLastError() != ERROR_INTERNAL_ERROR || tries == MAX_TRIES)
            return fail("StartService");
        fprintf(stderr, "client: %s could not be started, and is again\n",
                it->name);
    }
    fprintf(out, "start %s %llu %llu\n", it->name, before, now());
    return 1;
}

/* The first look at a new process keeps a handle of it, for gone(). */
static int
look(subject *it, SERVICE_STATUS_PROCESS *status)
{
    DWORD needed;

    if (!QueryServiceStatusEx(it->service, SC_STATUS_PROCESS_INFO,
                              (LPBYTE)status, sizeof(*status), &needed))
        return fail("QueryServiceStatusEx");
    if (it->process == NULL && status->dwProcessId != 0)
        it->process = OpenProcess(SYNCHRONIZE, FALSE, status->dwProcessId);
    return 1;
}

static int
watch(subject *it, DWORD state, DWORD pause)
{
    SERVICE_STATUS_PROCESS last, status;
    ULONGLONG end = GetTickCount64() + PATIENCE_MS;

    memset(&last, 0, sizeof(last));
    for (;;) {
        if (!look(it, &status))
            return 0;
        if (status.dwCurrentState != last.dwCurrentState ||
            status.dwCheckPoint != last.dwCheckPoint ||
            status.dwWaitHint != last.dwWaitHint)
            fprintf(out, "status %s %llu %lu %lu %lu\n", it->name, now(),
                    status.dwCurrentState, status.dwCheckPoint,
                    status.dwWaitHint);
        if (status.dwCurrentState == state)
            return 1;
        last = status;
        if (GetTickCount64() > end) {
            SetLastError(ERROR_TIMEOUT);
            return fail("wait for the state");
        }
        if (pause > 0)
            Sleep(pause);
    }
}

static int
control(subject *it, DWORD code)
{
    SERVICE_STATUS status;
    ns before = now(), after;
    DWORD error = NO_ERROR;

    if (!ControlService(it->service, code, &status))
        error = GetLastError();
    after = now();
    fprintf(out, "control %s %llu %llu %lu %lu\n", it->name, before, after,
            code, error);
    return 1;
}

static int
flood(subject *it, DWORD code, DWORD count)
{
    SERVICE_STATUS status;
    DWORD i, refused = 0;
    ns before = now();

    for (i = 0; i < count; i++)
        refused += !ControlService(it->service, code, &status);
    fprintf(out, "flood %s %llu %llu %lu %lu\n", it->name, before, now(),
            count, refused);
    return 1;
}

static int
gone(subject *it)
{
    if (it->process == NULL)
        return fail("open the process");
    if (WaitForSingleObject(it->process, PATIENCE_MS) != WAIT_OBJECT_0)
        return fail("wait for the end of the process");
    fprintf(out, "gone %s %llu\n", it->name, now());
    CloseHandle(it->process);
    it->process = NULL;
    return 1;
}

static int
run(char *command)
{
    STARTUPINFOA startup;
    PROCESS_INFORMATION process;
    DWORD exit_code;
    ns before, after;

    memset(&startup, 0, sizeof(startup));
    startup.cb = sizeof(startup);
    before = now();
    if (!CreateProcessA(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL,
                        &startup, &process))
        return fail("CreateProcess");
    if (WaitForSingleObject(process.hProcess, PATIENCE_MS) != WAIT_OBJECT_0)
        return fail("wait for the end of the command");
    after = now();
    GetExitCodeProcess(process.hProcess, &exit_code);
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    fprintf(out, "run - %llu %llu %lu\n", before, after, exit_code);
    return 1;
}

static DWORD
number(const char *word)
{
    return (DWORD)strtoul(word, NULL, 10);
}

static int
is_command(char **words, DWORD count, const char *name, DWORD wanted)
{
    return strcmp(words[0], name) == 0 && count >= wanted;
}

static int
execute(char *line)
{
    char *words[MAX_WORDS], *word;
    DWORD count = 0;
    subject *it;

    if (strncmp(line, "run\t", 4) == 0)
        return run(line + 4);
    for (word = strtok(line, "\t"); word != NULL && count < MAX_WORDS;
         word = strtok(NULL, "\t"))
        words[count++] = word;
    if (count == 2 && strcmp(words[0], "sleep") == 0) {
        Sleep(number(words[1]));
        return 1;
    }
    it = count >= 2 ? find(words[1]) : NULL;
    if (it == NULL)
        return fail("OpenService");
    if (is_command(words, count, "start", 2))
        return start(it, count - 2, words + 2);
    if (is_command(words, count, "watch", 4))
        return watch(it, number(words[2]), number(words[3]));
    if (is_command(words, count, "control", 3))
        return control(it, number(words[2]));
    if (is_command(words, count, "flood", 4))
        return flood(it, number(words[2]), number(words[3]));
    if (is_command(words, count, "gone", 2))
        return gone(it);
    SetLastError(ERROR_INVALID_PARAMETER);
    return fail("understand the line");
}

int
main(int argc, char **argv)
{
    static char line[MAX_LINE], copy[MAX_LINE];
    LARGE_INTEGER ticks_per_second;
    unsigned long at = 0;
    FILE *plan;
    int good = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: client PLAN OUT\n");
        return 2;
    }
    /* Else Sleep(1) is one of up to 15.6 ms. */
    timeBeginPeriod(1);
    QueryPerformanceFrequency(&ticks_per_second);
    frequency = (ULONGLONG)ticks_per_second.QuadPart;
    plan = fopen(argv[1], "r");
    out = fopen(argv[2], "w");
    manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    if (plan == NULL || out == NULL || manager == NULL) {
        fail("open the files or the SCM");
        return 1;
    }
    /* No write to the disk comes between two measurements. */
    setvbuf(out, NULL, _IOFBF, OUT_BUFFER);
    while (good && fgets(line, sizeof(line), plan) != NULL) {
        at++;
        line[strcspn(line, "\r\n")] = '\0';
        strcpy(copy, line);
        good = execute(line);
    }
    if (!good)
        fprintf(stderr, "client: in line %lu: %s\n", at, copy);
    if (fclose(out) != 0)
        good = fail("write the file");
    fclose(plan);
    CloseServiceHandle(manager);
    return good ? 0 : 1;
}
