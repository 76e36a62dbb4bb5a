"""The same service on pywin32, in a script that imports for five seconds."""

import time

from quick_pywin32 import Quick, host

time.sleep(5)


class Slow(Quick):
    """Starts when its script has been imported."""

    _svc_name_ = "BenchSlowPywin32"
    _svc_display_name_ = "BenchSlowPywin32"


if __name__ == "__main__":
    host(Slow)
