"""PaSST for anyone who wants to script, train or deploy it without the browser."""

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passt_core.errors import PasstError
    from passt_core.inference.analysis import ClipAnalysis
    from passt_core.inference.predictor import Predictor
    from passt_core.network.patchout import PatchoutSpec

__all__ = ["ClipAnalysis", "PasstError", "PatchoutSpec", "Predictor", "__version__"]
__version__ = "0.1.0"

_HOMES = MappingProxyType(
    {
        "ClipAnalysis": "passt_core.inference.analysis",
        "PasstError": "passt_core.errors",
        "PatchoutSpec": "passt_core.network.patchout",
        "Predictor": "passt_core.inference.predictor",
    }
)


def __getattr__(name: str) -> object:
    """Import a name when it is first used: ``--help`` need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
