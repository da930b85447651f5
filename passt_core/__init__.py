"""PaSST for anyone who wants to script, train or deploy it without the browser."""

from passt_core.errors import PasstError
from passt_core.inference.analysis import ClipAnalysis
from passt_core.inference.predictor import Predictor
from passt_core.network.patchout import PatchoutSpec

__all__ = ["ClipAnalysis", "PasstError", "PatchoutSpec", "Predictor", "__version__"]
__version__ = "0.1.0"
