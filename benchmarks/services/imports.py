"""Import the modules that a file names.

With a second argument: print the process id then, and sleep so many seconds.
"""

import sys

with open(sys.argv[1], encoding="utf-8") as names:
    for name in names.read().split():
        __import__(name)
if sys.argv[2:]:
    import os
    import time

    print(os.getpid(), flush=True)
    time.sleep(float(sys.argv[2]))
