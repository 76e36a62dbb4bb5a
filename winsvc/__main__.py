"""``python -m winsvc``: as a service (``host``), or as the command line."""

import sys


def parse_host(words: list[str]) -> tuple[str, str | None, tuple[str, ...]] | None:
    """Parse ``[--log-file F] [--path DIR]... TARGET`` without argparse.

    Returns:
        Target, log file and folders; ``None`` when it is something else.

    The SCM waits for this process to connect: nothing is imported for it.
    """
    log_file = None
    path = []
    while len(words) > 2 and words[0] in ("--log-file", "--path"):
        option, value, *words = words
        if option == "--path":
            path.append(value)
        else:
            log_file = value
    if len(words) != 1 or words[0].startswith("-"):
        return None
    return words[0], log_file, tuple(path)


def main() -> None:
    """Host a service, or run a command."""
    hosted = parse_host(sys.argv[2:]) if sys.argv[1:2] == ["host"] else None
    if hosted is None:
        from winsvc.cli import main as command_line

        command_line()
    target, log_file, path = hosted
    from winsvc.process import host

    try:
        code = host(target, log_file=log_file, path=path)
    except OSError as error:
        print(f"winsvc: {error}", file=sys.stderr)
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
