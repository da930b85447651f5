"""What the library holds, clip by clip."""

from .again import AGAIN
from .made import MADE
from .nature import NATURE
from .source import Source

SOURCES: tuple[Source, ...] = (*NATURE, *MADE, *AGAIN)
