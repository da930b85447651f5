"""hear21passt around our weights: what people use today."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from importlib import import_module
from types import MappingProxyType

import torch
from torch import Tensor, nn

from passt_core.network.model import Passt

WINDOWS = MappingProxyType(
    {
        "base20sec": {"max_model_window": 20_000, "scene_hop": 5000},
        "base30sec": {"max_model_window": 30_000, "scene_hop": 10_000},
    }
)
"""What its variants give its wrapper, in ms."""


class Reference:
    """The reference's HEAR model with the weights of a network; its own code runs unchanged.

    Raises:
        ImportError: hear21passt is not installed.
    """

    def __init__(
        self, network: Passt, variant: str = "base", *, hop: int = 320, mode: str = "all"
    ) -> None:
        with _quiet():
            passt = import_module("hear21passt.models.passt")
            preprocess = import_module("hear21passt.models.preprocess")
            wrapper = import_module("hear21passt.wrapper")
            self._module = import_module(f"hear21passt.{variant}")
            config = network.config
            net = passt.PaSST(
                img_size=(config.mel_bands, config.frames),
                stride=(config.stride_freq, config.stride_time),
                num_classes=config.classes,
                embed_dim=config.dim,
                depth=config.depth,
                num_heads=config.heads,
                distilled=True,
            )
            mel = preprocess.AugmentMelSTFT(hopsize=hop, fmin_aug_range=10, fmax_aug_range=2000)
            net.load_state_dict(network.state_dict())
            options = WINDOWS.get(variant, {})
            self._model: nn.Module = wrapper.PasstBasicWrapper(
                mel=mel, net=net, mode=mode, **options
            ).eval()

    def scenes(self, audio: Tensor) -> Tensor:
        """Scene embeddings, (n_sounds, size), of (n_sounds, n_samples)."""
        with _quiet():
            found: Tensor = self._module.get_scene_embeddings(audio, self._model)
        return found

    def timestamps(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Timestamp embeddings, (n_sounds, n_timestamps, size), and times in ms."""
        with _quiet():
            embeddings, times = self._module.get_timestamp_embeddings(audio, self._model)
        return embeddings, times


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """It prints, warns of every input that is not 998 frames, and uses what torch retires."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        yield
