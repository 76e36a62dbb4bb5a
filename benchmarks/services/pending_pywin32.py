"""The same on pywin32, idle: it sleeps where its users do what takes long.

Its handlers return at once, so that clients can see the state: one that sleeps
keeps the client in ControlService.
"""

import time

import servicemanager
import win32event
import win32service
import win32serviceutil

SECONDS = 8.0


class Pending(win32serviceutil.ServiceFramework):
    """Takes its time."""

    _svc_name_ = "BenchPendingPywin32"
    _svc_display_name_ = "BenchPendingPywin32"

    def __init__(self, args: list[str]) -> None:
        super().__init__(args)
        self.news = win32event.CreateEvent(None, False, False, None)
        self.is_stopping = False
        time.sleep(SECONDS)

    def SvcStop(self) -> None:
        self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING)
        self.is_stopping = True
        win32event.SetEvent(self.news)

    def SvcPause(self) -> None:
        self.ReportServiceStatus(win32service.SERVICE_PAUSE_PENDING)
        win32event.SetEvent(self.news)

    def SvcContinue(self) -> None:
        self.ReportServiceStatus(win32service.SERVICE_RUNNING)

    def SvcDoRun(self) -> None:
        while not self.is_stopping:
            win32event.WaitForSingleObject(self.news, win32event.INFINITE)
            time.sleep(SECONDS)
            if not self.is_stopping:
                self.ReportServiceStatus(win32service.SERVICE_PAUSED)


if __name__ == "__main__":
    servicemanager.Initialize()
    servicemanager.PrepareToHostSingle(Pending)
    servicemanager.StartServiceCtrlDispatcher()  # type: ignore[no-untyped-call]
