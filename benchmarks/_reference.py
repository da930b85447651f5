"""hear21passt around our weights: what people use today."""

from __future__ import annotations

import contextlib
import io
from importlib import import_module

import torch
from torch import Tensor, nn

from passt_core.network.model import Passt


class Reference:
    """The reference's HEAR model with the weights of a network; its own code runs unchanged.

    Raises:
        ImportError: hear21passt is not installed.
    """

    def __init__(self, network: Passt) -> None:
        passt = import_module("hear21passt.models.passt")
        preprocess = import_module("hear21passt.models.preprocess")
        wrapper = import_module("hear21passt.wrapper")
        config = network.config
        with contextlib.redirect_stdout(io.StringIO()):
            net = passt.PaSST(
                img_size=(config.mel_bands, config.frames),
                stride=(config.stride_freq, config.stride_time),
                num_classes=config.classes,
                embed_dim=config.dim,
                depth=config.depth,
                num_heads=config.heads,
                distilled=True,
            )
            mel = preprocess.AugmentMelSTFT(fmin_aug_range=10, fmax_aug_range=2000)
        net.load_state_dict(network.state_dict())
        self._model: nn.Module = wrapper.PasstBasicWrapper(mel=mel, net=net).eval()

    def scenes(self, audio: Tensor) -> Tensor:
        """Scene embeddings, (n_sounds, classes + d), of (n_sounds, n_samples)."""
        with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            found: Tensor = self._model.get_scene_embeddings(audio)
        return found

    def timestamps(self, audio: Tensor) -> Tensor:
        """Timestamp embeddings, (n_sounds, n_timestamps, classes + d)."""
        with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            found: Tensor = self._model.get_timestamp_embeddings(audio)[0]
        return found
