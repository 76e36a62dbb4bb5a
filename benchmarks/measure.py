"""Measure groups on the SCM of this Windows, or Wine; the results go to a file.

    python -P -m winsvc.bench.measure [--rounds N] --programs DIR --output FILE GROUP...

``cli.py`` calls it, having compiled the programs.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from importlib import import_module
from pathlib import Path

from .results import Run, Series, save, where
from .subjects import Bench, say

GROUPS = (
    *("control", "callback", "start", "checkpoint"),
    *("flood", "many", "manage", "footprint"),
)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="winsvc.bench.measure")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("groups", nargs="+", choices=GROUPS, metavar="GROUP")
    options = parser.parse_args()
    bench = Bench(options.programs.resolve(), options.rounds)
    series: list[Series] = []
    failed = []
    for name in options.groups:
        say(f"{name}:")
        try:
            for one in import_module(f".{name}", __package__).measure(bench):
                series.append(one)
        except Exception:
            traceback.print_exc()
            failed.append(name)
        # After each group: what fails later loses nothing of this one.
        save(options.output, [Run(where(), tuple(series))])
    if failed:
        sys.exit(f"failed, at least in part: {', '.join(failed)}")


if __name__ == "__main__":
    main()
