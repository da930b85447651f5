"""``python -m passt_core``."""

import os
import sys
import warnings

from passt_core.cli import main


def _keep_stderr() -> None:
    """Keep standard error to our own words.

    Decoders in C (libmpg123) write their notes on damaged files to descriptor 2 past Python; it
    leads nowhere from here on, and ``sys.stderr`` goes on to where it led.
    """
    if sys.stderr is None:
        return
    own = os.dup(sys.stderr.fileno())
    sys.stderr = os.fdopen(own, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


if __name__ == "__main__":
    _keep_stderr()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    sys.exit(main())
