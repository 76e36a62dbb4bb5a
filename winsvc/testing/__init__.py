"""A simulated SCM, to run and test services on any system."""

from winsvc.registrations import Subject as Subject
from winsvc.testing.reports import Report as Report
from winsvc.testing.reports import Subscription as Subscription
from winsvc.testing.reports import Violation as Violation
from winsvc.testing.scm import SimulatedScm as SimulatedScm
