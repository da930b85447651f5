"""``python -m passt_core``."""

import sys

from passt_core.cli import main

sys.exit(main())
