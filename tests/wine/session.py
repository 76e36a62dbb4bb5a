"""Run one Windows program in the prefix and relay what it prints."""

import subprocess
import sys
import threading

from prefix import Prefix
from tools import PROJECT, Tools, say

TIMED_OUT = 124
# Wine waits 3 s after PRESHUTDOWN and 2 s after SHUTDOWN for each service.
SHUTDOWN_TIMEOUT = 15


def run_windows(
    tools: Tools,
    prefix: Prefix,
    command: list[str],
    *,
    variables: dict[str, str],
    timeout: float,
) -> int:
    """Run a program to its end and return its exit code.

    Everything in the prefix ends with it: Wine then shuts its services down,
    and what is left is killed.  Only the exit code's low eight bits arrive.

    Args:
        tools: Where Wine is.
        prefix: The prefix, prepared.
        command: Windows path of a program, and its arguments.
        variables: Environment variables that the program sees.
        timeout: Seconds, after which everything is killed.
    """
    # Python cannot use the handles that Wine makes of terminals and sockets.
    process = subprocess.Popen(
        [tools.wine, *command],
        cwd=PROJECT,
        env=prefix.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Ctrl+C is for us: wineserver ends everything in order.
        start_new_session=True,
    )
    relay = threading.Thread(target=_relay, args=(process,), daemon=True)
    relay.start()
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        say(f"TIMED OUT after {timeout:g} s, killing everything: {' '.join(command)}")
        return TIMED_OUT
    else:
        if not prefix.settle(SHUTDOWN_TIMEOUT):
            say(f"killing what still runs {SHUTDOWN_TIMEOUT} s after the end")
        return code
    finally:
        prefix.kill()
        if process.poll() is None:
            process.kill()
            process.wait()
        # Wine's own processes share the pipe, so it ends only now.
        relay.join(timeout=10)


def _relay(process: subprocess.Popen[bytes]) -> None:
    for line in process.stdout or ():
        print(_decode(line).rstrip("\r\n"), flush=True)


def _decode(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        # Wine's ANSI code page, which Python writes to a pipe.
        text = line.decode("cp1252", "replace")
    target = sys.stdout.encoding or "ascii"
    return text.encode(target, "backslashreplace").decode(target)
