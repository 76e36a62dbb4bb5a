# PYTHON_ARGCOMPLETE_OK
"""``python -m winsvc``: as a service (``host``), or as the command line."""

import sys

from winsvc import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

    from winsvc.shared import Services


def parse_host(words: list[str]) -> tuple[str, str | None, tuple[str, ...]] | None:
    """Parse ``[--log-file F] [--path DIR]... TARGET`` without argparse.

    Returns:
        Target, log file and folders; ``None`` when it is something else.

    The SCM waits for this process to connect: nothing is imported for it.
    """
    words, log_file, path = _split_options(words)
    if len(words) != 1 or words[0].startswith("-"):
        return None
    return words[0], log_file, path


def parse_shared_host(
    words: list[str],
) -> "tuple[Services, str | None, tuple[str, ...]] | None":
    """Parse the same with several ``NAME=TARGET``, for a shared process."""
    from winsvc.shared import parse_services

    words, log_file, path = _split_options(words)
    services = parse_services(words)
    return (services, log_file, path) if services is not None else None


def _split_options(
    words: list[str],
) -> tuple[list[str], str | None, tuple[str, ...]]:
    log_file = None
    path = []
    while len(words) > 2 and words[0] in ("--log-file", "--path"):
        option, value, *words = words
        if option == "--path":
            path.append(value)
        else:
            log_file = value
    return words, log_file, tuple(path)


def main() -> None:
    """Host a service or several, or run a command."""
    command, *words = sys.argv[1:] or [""]
    if command != "host":
        _run_command()
    if (hosted := parse_host(words)) is not None:
        target, log_file, path = hosted
        services: Services = (target,), ()
    elif (shared := parse_shared_host(words)) is not None:
        services, log_file, path = shared
    else:
        _run_command()
    from winsvc.process import host

    targets, names = services
    try:
        code = host(targets, names=names, log_file=log_file, path=path)
    except OSError as error:
        print(f"winsvc: {error}", file=sys.stderr)
        code = 1
    sys.exit(code)


def _run_command() -> "NoReturn":
    try:
        if sys.argv[1:2] == ["status"]:
            from winsvc.glance import glance

            if (code := glance(sys.argv[1:])) is not None:
                sys.exit(code)
        from winsvc.cli import main as command_line

        command_line()
    except KeyboardInterrupt as error:  # before the command line looks to it itself
        from winsvc.cli import interrupted

        interrupted(sys.argv[1:], error)


if __name__ == "__main__":
    main()
