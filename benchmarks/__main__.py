"""``python -m winsvc.bench``: the same as ``python -m winsvc bench``."""

import sys

from winsvc.cli import main

if __name__ == "__main__":
    main(argv=["bench", *sys.argv[1:]])
