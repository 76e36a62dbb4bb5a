"""The same service, in a module that takes five seconds to import."""

import time

from quick_start import QuickStart

time.sleep(5)


class SlowStart(QuickStart):
    """Starts when its module has been imported."""

    name = "BenchSlowStart"
