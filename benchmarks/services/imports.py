"""Import the modules that a file names.

With more arguments: print the process id then, and sleep so many seconds, in so many
threads besides the main one.
"""

import sys

with open(sys.argv[1], encoding="utf-8") as names:
    for name in names.read().split():
        __import__(name)
if sys.argv[2:]:
    import os
    import threading
    import time

    seconds = (float(sys.argv[2]),)
    for _ in range(int(sys.argv[3])):
        threading.Thread(target=time.sleep, args=seconds, daemon=True).start()
    print(os.getpid(), flush=True)
    time.sleep(*seconds)
