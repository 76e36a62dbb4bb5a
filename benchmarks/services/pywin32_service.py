"""The measured service on pywin32, hosted as its documentation shows."""

import servicemanager
import win32event
import win32service
import win32serviceutil
from load import Load

STOP, PAUSE, CONTINUE = 1, 2, 3


class Latency(win32serviceutil.ServiceFramework):
    """Answers controls while it works."""

    _svc_name_ = "BenchPywin32"
    _svc_display_name_ = "BenchPywin32"

    def __init__(self, args: list[str]) -> None:
        super().__init__(args)
        self.load = Load(args[1:])
        self.stop = win32event.CreateEvent(None, True, False, None)
        self.stopping = False

    def SvcStop(self) -> None:
        self.load.came(STOP)
        self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING)
        self.load.handle()
        self.stopping = True
        win32event.SetEvent(self.stop)

    SvcShutdown = SvcStop

    def SvcPause(self) -> None:
        self.load.came(PAUSE)
        self.ReportServiceStatus(win32service.SERVICE_PAUSE_PENDING)
        self.load.handle()
        self.ReportServiceStatus(win32service.SERVICE_PAUSED)

    def SvcContinue(self) -> None:
        self.load.came(CONTINUE)
        self.ReportServiceStatus(win32service.SERVICE_CONTINUE_PENDING)
        self.load.handle()
        self.ReportServiceStatus(win32service.SERVICE_RUNNING)

    def SvcOther(self, control: int) -> None:
        self.load.came(control)
        self.load.handle()

    def SvcDoRun(self) -> None:
        self.load.work(
            lambda: win32event.WaitForSingleObject(self.stop, win32event.INFINITE),
            lambda: self.stopping,
        )
        self.load.write()


if __name__ == "__main__":
    servicemanager.Initialize()
    servicemanager.PrepareToHostSingle(Latency)
    servicemanager.StartServiceCtrlDispatcher()  # type: ignore[no-untyped-call]
