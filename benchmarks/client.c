/* The client: no Python, the same for every service.
 *
 *     client SERVICE CONDITION CONTROLS WARM_UP FILE TAG
 *
 * starts SERVICE with the parameter CONDITION, sends CONTROLS times
 * INTERROGATE and as often a user control, stops it, waits for the end of its
 * process, and appends "TAG,control,microseconds" lines to FILE. */
#ifndef _CRT_SECURE_NO_WARNINGS
#define _CRT_SECURE_NO_WARNINGS
#endif
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

#define USER_CONTROL 200u
/* Controls of one kind in a row; then a pause, after which the busy threads
 * have had other turns and the scheduler may have moved everybody. */
#define BLOCK 5u
#define PAUSE_MS 20u
#define POLL_MS 20u
/* A service that holds the GIL takes its time to stop. */
#define PATIENCE_MS 60000u
/* From RUNNING to the first control: all threads are at work then. */
#define SETTLE_MS 200u

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
send_all(SC_HANDLE service, DWORD warm_up, DWORD controls, double *times)
{
    LARGE_INTEGER frequency;
    double rate;
    DWORD i, block, end;

    QueryPerformanceFrequency(&frequency);
    rate = (double)frequency.QuadPart;
    for (i = 0; i < warm_up; i++)
        if (time_one(service, SERVICE_CONTROL_INTERROGATE, rate) < 0 ||
            time_one(service, USER_CONTROL, rate) < 0)
            return 0;
    for (block = 0; block < controls; block += BLOCK) {
        end = controls - block < BLOCK ? controls : block + BLOCK;
        for (i = block; i < end; i++)
            times[i] = time_one(service, SERVICE_CONTROL_INTERROGATE, rate);
        Sleep(PAUSE_MS);
        for (i = block; i < end; i++)
            times[controls + i] = time_one(service, USER_CONTROL, rate);
        Sleep(PAUSE_MS);
    }
    for (i = 0; i < 2 * controls; i++)
        if (times[i] < 0)
            return 0;
    return 1;
}

static int
write_all(const char *file, const char *tag, DWORD controls,
          const double *times)
{
    FILE *out = fopen(file, "a");
    DWORD i;

    if (out == NULL)
        return 0;
    for (i = 0; i < 2 * controls; i++)
        fprintf(out, "%s,%s,%.1f\n", tag,
                i < controls ? "interrogate" : "user", times[i]);
    return fclose(out) == 0;
}

int
main(int argc, char **argv)
{
    SERVICE_STATUS_PROCESS running, stopped;
    SERVICE_STATUS status;
    SC_HANDLE manager, service;
    DWORD controls, warm_up;
    HANDLE process;
    double *times;
    const char *condition;
    int sent;

    if (argc != 7) {
        fprintf(stderr, "usage: client SERVICE CONDITION CONTROLS WARM_UP "
                        "FILE TAG\n");
        return 2;
    }
    condition = argv[2];
    controls = (DWORD)strtoul(argv[3], NULL, 10);
    warm_up = (DWORD)strtoul(argv[4], NULL, 10);
    times = calloc(2 * (size_t)controls + 1, sizeof(*times));
    if (times == NULL)
        return fail("memory");
    manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    if (manager == NULL)
        return fail("OpenSCManager");
    service =
        OpenServiceA(manager, argv[1],
                     SERVICE_START | SERVICE_STOP | SERVICE_QUERY_STATUS |
                         SERVICE_INTERROGATE | SERVICE_USER_DEFINED_CONTROL);
    if (service == NULL)
        return fail("OpenService");
    if (!StartServiceA(service, 1, &condition))
        return fail("StartService");
    if (!wait_for(service, SERVICE_RUNNING, &running))
        return fail("wait for RUNNING");
    process = OpenProcess(SYNCHRONIZE, FALSE, running.dwProcessId);
    if (process == NULL)
        return fail("OpenProcess");
    Sleep(SETTLE_MS);
    sent = send_all(service, warm_up, controls, times);
    if (!sent)
        fail("ControlService");
    /* The process may have ended before its answer left it. */
    if (!ControlService(service, SERVICE_CONTROL_STOP, &status) &&
        GetLastError() != ERROR_BROKEN_PIPE)
        return fail("ControlService(STOP)");
    if (!wait_for(service, SERVICE_STOPPED, &stopped))
        return fail("wait for STOPPED");
    /* Its threads must not take the next service's time. */
    if (WaitForSingleObject(process, PATIENCE_MS) != WAIT_OBJECT_0)
        return fail("wait for the end of the process");
    if (sent && !write_all(argv[5], argv[6], controls, times))
        return fail("write the file");
    CloseHandle(process);
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    free(times);
    return sent ? 0 : 1;
}
