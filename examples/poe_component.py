"""The two ways of Perl's POE::Component::Daemon::Win32, translated line by line.

Run either in this terminal; the second is what this script installs:

    python -m winsvc debug examples/poe_component.py:generic
    python examples/poe_component.py debug

A callback is called once a cycle until it says next_state.  The comments have
Perl's lines; docs/from-perl.md has the whole translation.
"""

# use POE qw( Component::Daemon::Win32 );
import winsvc
from winsvc.constants import (
    SERVICE_CONTROL_SHUTDOWN,
    SERVICE_START_PENDING,
    SERVICE_STOPPED,
)
from winsvc.daemon import Daemon

# --- generic callback - all events call the same subroutine ---------------------


# sub service_state {
#   my ($kernel, $state, $message) = @_[KERNEL, ARG0, ARG1];
def service_state(daemon: Daemon, state: int, message: int) -> None:
    """Do what the state asks for."""
    daemon.log.info("called with state %d and message %#x", state, message)

    # if ($state == SERVICE_START_PENDING) {
    if state == SERVICE_START_PENDING:
        daemon.log.info("do some sort of initialization here")

    if state == SERVICE_STOPPED:
        daemon.log.info("no further service communications will take place")

    if message == SERVICE_CONTROL_SHUTDOWN:
        # allow 45 seconds for service shutdown
        # $kernel->yield ('next_state', 45 * 1000);
        daemon.next_state(45 * 1000)
    else:
        # $kernel->yield ('next_state');
        daemon.next_state()


# POE::Component::Daemon::Win32->spawn ( Callback => \&service_state );
generic = winsvc.daemon.spawn(callback=service_state, alias="PyPoeGeneric")


# --- state-specific callback -----------------------------------------------------

PARTS = 3
loaded: list[int] = []


# sub service_start_pending {
#   my $kernel = $_[KERNEL];
def service_start_pending(daemon: Daemon, state: int, message: int) -> None:
    """Load one part each cycle: no next_state, and we are called again."""
    loaded.append(len(loaded) + 1)
    daemon.log.info("loaded part %d of %d", len(loaded), PARTS)
    if len(loaded) == PARTS:
        # $kernel->yield ('next_state');
        daemon.next_state()


def service_running(daemon: Daemon, state: int, message: int) -> None:
    """Work for a moment: called each cycle, as long as the service runs."""
    daemon.log.info("working with %d parts", len(loaded))


def service_pause_pending(daemon: Daemon, state: int, message: int) -> None:
    """Pause: without this callback it would happen by itself."""
    daemon.log.info("pausing")
    daemon.next_state()


def service_shutdown(daemon: Daemon, state: int, message: int) -> None:
    """Ask for the time that putting everything away takes."""
    # allow 45 seconds for service shutdown
    # $kernel->yield ('next_state', 45 * 1000);
    daemon.next_state(45 * 1000)


def service_stop_pending(daemon: Daemon, state: int, message: int) -> None:
    """Put one part away each cycle."""
    daemon.log.info("put part %d away", loaded.pop())
    if not loaded:
        daemon.next_state()


def service_stopped(daemon: Daemon, state: int, message: int) -> None:
    """Say good-bye: STOPPED is reported when this has returned."""
    daemon.log.info("no further service communications will take place")


# POE::Component::Daemon::Win32->spawn (
#   Callback => {
states = winsvc.daemon.spawn(
    callback={
        # start_pending => \&service_start_pending,
        "start_pending": service_start_pending,
        "running": service_running,
        "pause_pending": service_pause_pending,
        "shutdown": service_shutdown,
        # stop_pending  => \&service_stop_pending,
        "stop_pending": service_stop_pending,
        # stopped       => \&service_stopped,
        "stopped": service_stopped,
    },
    # Alias => 'win32daemon', PollInterval => 1
    alias="PyPoeStates",
    poll_interval=1,
    description="POE::Component::Daemon::Win32's example, in Python.",
)

if __name__ == "__main__":
    # $poe_kernel->run();
    winsvc.main(states)
