"""The measured service on pywin32, hosted as its documentation shows."""

import servicemanager
import win32event
import win32service
import win32serviceutil
from load import work


class Latency(win32serviceutil.ServiceFramework):
    """Answers controls while it works."""

    _svc_name_ = "Pywin32Latency"
    _svc_display_name_ = "Pywin32Latency"

    def __init__(self, args: list[str]) -> None:
        """Remember the condition: the first start parameter."""
        super().__init__(args)
        self.condition = args[1]
        self.stop = win32event.CreateEvent(None, True, False, None)
        self.stopping = False
        self.user_controls = 0

    def SvcStop(self) -> None:
        """Stop."""
        self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING)
        self.stopping = True
        win32event.SetEvent(self.stop)

    SvcShutdown = SvcStop

    def SvcOther(self, control: int) -> None:
        """Count."""
        del control
        self.user_controls += 1

    def SvcDoRun(self) -> None:
        """Work under the condition."""
        work(
            self.condition,
            lambda: win32event.WaitForSingleObject(self.stop, win32event.INFINITE),
            lambda: self.stopping,
        )


if __name__ == "__main__":
    servicemanager.Initialize()
    servicemanager.PrepareToHostSingle(Latency)
    servicemanager.StartServiceCtrlDispatcher()  # type: ignore[no-untyped-call]
