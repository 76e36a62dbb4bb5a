"""A service on pywin32 that does nothing, hosted as its documentation shows."""

import servicemanager
import win32event
import win32service
import win32serviceutil


class Quick(win32serviceutil.ServiceFramework):
    """Starts at once, and is idle."""

    _svc_name_ = "BenchQuickPywin32"
    _svc_display_name_ = "BenchQuickPywin32"

    def __init__(self, args: list[str]) -> None:
        super().__init__(args)
        self.stop = win32event.CreateEvent(None, True, False, None)

    def SvcStop(self) -> None:
        self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING)
        win32event.SetEvent(self.stop)

    def SvcDoRun(self) -> None:
        win32event.WaitForSingleObject(self.stop, win32event.INFINITE)


def host(cls: type[win32serviceutil.ServiceFramework]) -> None:
    """Host a class under the SCM."""
    servicemanager.Initialize()
    servicemanager.PrepareToHostSingle(cls)
    servicemanager.StartServiceCtrlDispatcher()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    host(Quick)
