/* The client: no Python, the same for every service.
 *
 *     client FILE CONDITION CONTROLS WARM_UP SERVICE...
 *
 * starts each SERVICE with the parameter CONDITION, sends each of them
 * CONTROLS times INTERROGATE and as often a user control, one service after
 * the other, stops them, waits for the end of their processes, and appends
 * "service,control,microseconds" lines to FILE. */
#ifndef _CRT_SECURE_NO_WARNINGS
#define _CRT_SECURE_NO_WARNINGS
#endif
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

#define USER_CONTROL 200u
#define MAX_SERVICES 8u
/* Before each control: what the last one has set going is over, and in the
 * busy services the scheduler may have moved everybody. */
#define PAUSE_MS 2u
#define POLL_MS 20u
/* A service that holds the GIL takes its time to stop. */
#define PATIENCE_MS 60000u
/* From RUNNING to the first control: all threads are at work then. */
#define SETTLE_MS 200u

typedef struct subject {
    const char *name;
    SC_HANDLE service;
    HANDLE process;
} subject;

static int
fail(const char *what)
{
    fprintf(stderr, "client: %s: error %lu\n", what, GetLastError());
    return 1;
}

static int
wait_for(SC_HANDLE service, DWORD state, SERVICE_STATUS_PROCESS *status)
{
    DWORD waited, needed;

    for (waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
        if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO,
                                  (LPBYTE)status, sizeof(*status), &needed))
            return 0;
        if (status->dwCurrentState == state)
            return 1;
        Sleep(POLL_MS);
    }
    SetLastError(ERROR_TIMEOUT);
    return 0;
}

/* Time one control; a negative time: it failed. */
static double
time_one(SC_HANDLE service, DWORD control, double frequency)
{
    LARGE_INTEGER before, after;
    SERVICE_STATUS status;
    BOOL sent;

    QueryPerformanceCounter(&before);
    sent = ControlService(service, control, &status);
    QueryPerformanceCounter(&after);
    if (!sent)
        return -1.0;
    return (double)(after.QuadPart - before.QuadPart) * 1e6 / frequency;
}

static int
start(SC_HANDLE manager, subject *it, const char *condition)
{
    SERVICE_STATUS_PROCESS status;

    it->service =
        OpenServiceA(manager, it->name,
                     SERVICE_START | SERVICE_STOP | SERVICE_QUERY_STATUS |
                         SERVICE_INTERROGATE | SERVICE_USER_DEFINED_CONTROL);
    if (it->service == NULL)
        return fail("OpenService");
    if (!StartServiceA(it->service, 1, &condition))
        return fail("StartService");
    if (!wait_for(it->service, SERVICE_RUNNING, &status))
        return fail("wait for RUNNING");
    it->process = OpenProcess(SYNCHRONIZE, FALSE, status.dwProcessId);
    return it->process != NULL ? 0 : fail("OpenProcess");
}

static int
stop(subject *it)
{
    SERVICE_STATUS_PROCESS stopped;
    SERVICE_STATUS status;

    /* The process may have ended before its answer left it. */
    if (!ControlService(it->service, SERVICE_CONTROL_STOP, &status) &&
        GetLastError() != ERROR_BROKEN_PIPE)
        return fail("ControlService(STOP)");
    if (!wait_for(it->service, SERVICE_STOPPED, &stopped))
        return fail("wait for STOPPED");
    /* Its threads must not take the next service's time. */
    if (WaitForSingleObject(it->process, PATIENCE_MS) != WAIT_OBJECT_0)
        return fail("wait for the end of the process");
    CloseHandle(it->process);
    CloseServiceHandle(it->service);
    return 0;
}

/* Each service is first, second ... equally often. */
static int
measure(const subject *subjects, DWORD count, DWORD warm_up, DWORD controls,
        FILE *out)
{
    static const DWORD codes[] = {SERVICE_CONTROL_INTERROGATE, USER_CONTROL};
    static const char *const names[] = {"interrogate", "user"};
    LARGE_INTEGER frequency;
    DWORD turn, kind, i;

    QueryPerformanceFrequency(&frequency);
    for (turn = 0; turn < warm_up + controls; turn++)
        for (kind = 0; kind < 2; kind++)
            for (i = 0; i < count; i++) {
                const subject *it = &subjects[(turn + i) % count];
                double time;

                Sleep(PAUSE_MS);
                time = time_one(it->service, codes[kind],
                                (double)frequency.QuadPart);
                if (time < 0)
                    return fail("ControlService");
                if (turn >= warm_up)
                    fprintf(out, "%s,%s,%.1f\n", it->name, names[kind], time);
            }
    return 0;
}

int
main(int argc, char **argv)
{
    subject subjects[MAX_SERVICES];
    DWORD i, up, controls, warm_up, count = (DWORD)argc - 5;
    SC_HANDLE manager;
    FILE *out;
    int failed = 0;

    if (argc < 6 || count > MAX_SERVICES) {
        fprintf(stderr, "usage: client FILE CONDITION CONTROLS WARM_UP "
                        "SERVICE...\n");
        return 2;
    }
    controls = (DWORD)strtoul(argv[3], NULL, 10);
    warm_up = (DWORD)strtoul(argv[4], NULL, 10);
    out = fopen(argv[1], "a");
    if (out == NULL)
        return fail("open the file");
    manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    if (manager == NULL)
        return fail("OpenSCManager");
    for (up = 0; up < count; up++) {
        subjects[up].name = argv[5 + up];
        failed = start(manager, &subjects[up], argv[2]);
        if (failed)
            break;
    }
    if (!failed) {
        Sleep(SETTLE_MS);
        failed = measure(subjects, count, warm_up, controls, out);
    }
    for (i = 0; i < up; i++)
        failed |= stop(&subjects[i]);
    if (fclose(out) != 0)
        failed = fail("write the file");
    CloseServiceHandle(manager);
    return failed;
}
