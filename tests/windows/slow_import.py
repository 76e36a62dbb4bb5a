"""A module that takes longer to import than Wine's SCM waits (H-1, H-2)."""

import time

import winsvc

time.sleep(11.0)


class SlowImport(winsvc.Service):
    """Takes 11 s before there is even a class."""

    name = "SlowImport"
