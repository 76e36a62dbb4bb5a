"""A simulated SCM, to run and test services on any system."""

from winsvc.testing.scm import Report as Report
from winsvc.testing.scm import SimulatedScm as SimulatedScm
from winsvc.testing.scm import Violation as Violation
