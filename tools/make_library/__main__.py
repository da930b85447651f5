"""`python -m tools.make_library [--out DIR] [--examples DIR] [--check]`."""

import argparse
import itertools
import sys
from pathlib import Path

from passt_core.errors import PasstError

from . import speech
from .check import example_faults, library_faults
from .render import render_examples, render_library


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_library", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("assets/library"))
    parser.add_argument("--examples", type=Path, default=Path("assets/examples"))
    parser.add_argument("--check", action="store_true", help="verify the files, render nothing")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Render everything, or check it; 1 if there is a fault, 2 if nothing can be rendered."""
    options = parse(arguments)
    if not options.check:
        try:
            speech.require()
        except PasstError as error:
            print(error, file=sys.stderr)
            return 2
        files = itertools.chain(render_library(options.out), render_examples(options.examples))
        for count, name in enumerate(files, 1):
            print(f"{count:4d}  {name}")
    faults = [*library_faults(options.out), *example_faults(options.examples)]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
