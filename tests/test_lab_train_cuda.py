"""The same training on a GPU, where there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from passt_core.lab.pretrain import pretrain
from passt_core.lab.train import EpochReport, Traces, train
from tests.labs import QUICK, tones_and_noises

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is there")


def test_it_learns_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    clips = tones_and_noises(tmp_path / "tones")
    config = replace(
        QUICK, device="cuda", precision="bf16", specaugment=True, band_jitter=True, mixup_rate=0.5
    )
    traces = Traces(state=tmp_path / "state.safetensors")

    def stop(report: EpochReport) -> None:
        if report.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(clips.without(2), config, validation=clips.only(2), traces=traces, progress=stop)
    trained = train(clips.without(2), config, validation=clips.only(2), traces=traces)
    assert trained.losses[-1] < 0.8 * trained.losses[0]
    assert trained.scores["accuracy"] >= 0.9
    assert next(trained.network.parameters()).device.type == "cpu"


def test_pretraining(tmp_path: Path) -> None:
    clips = tones_and_noises(tmp_path / "tones")
    config = replace(QUICK, device="cuda", epochs=4, learning_rate=2e-3)
    found = pretrain([clip.path for clip in clips.clips], config)
    assert found.losses[-1] < found.losses[0]
