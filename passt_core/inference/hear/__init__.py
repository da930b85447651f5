"""A HEAR 2021 module (https://hearbenchmark.com/hear-api.html), variant ``base``.

The benchmark's programs import a module by its name and call ``load_model``,
``get_scene_embeddings`` and ``get_timestamp_embeddings``. The modules beside this one are the
other variants of ``hear21passt``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from passt_core.errors import PasstError
from passt_core.inference.devices import device_of
from passt_core.inference.hear.model import HearModel
from passt_core.inference.hear.variants import MODES, VARIANTS, HearVariant
from passt_core.network import checkpoints

__all__ = [
    "MODES",
    "VARIANTS",
    "HearModel",
    "HearVariant",
    "get_scene_embeddings",
    "get_timestamp_embeddings",
    "load_model",
]


def load_model(
    model_file_path: str | Path = "",
    *,
    variant: str = "base",
    mode: str = "all",
    device: str = "auto",
    precision: str = "fp32",
) -> HearModel:
    """Load a model.

    Args:
        model_file_path: a name (``bundled``, or a published one, which is fetched) or a checkpoint
            file. Empty: what the variant names: the bundled model, which needs no network, but a
            published one for ``base20sec`` and ``base30sec``.
        variant: one of :data:`VARIANTS`.
        mode: one of :data:`MODES`.
        device: ``auto`` (CUDA where there is one), or a torch device.
        precision: ``auto``, ``fp32``, ``bf16`` or ``int8``: see
            :func:`passt_core.inference.precision.prepared`.

    Raises:
        CheckpointError: as :func:`passt_core.network.checkpoints.load`.
        PasstError: unknown variant or mode, or one that the model's windows do not fit.
    """
    if variant not in VARIANTS:
        raise PasstError(f"variant is {variant!r}; use one of {', '.join(VARIANTS)}")
    chosen = replace(VARIANTS[variant], mode=mode)
    checkpoint = checkpoints.load(model_file_path or chosen.weights)
    return HearModel(checkpoint, chosen, device=device_of(device), precision=precision)


def get_scene_embeddings(audio: Tensor, model: HearModel) -> Tensor:
    """Embed whole sounds: see :meth:`HearModel.scenes`."""
    model.eval()
    return model.scenes(audio)


def get_timestamp_embeddings(audio: Tensor, model: HearModel) -> tuple[Tensor, Tensor]:
    """Embed sounds every 50 ms: see :meth:`HearModel.timestamps`."""
    model.eval()
    return model.timestamps(audio)
