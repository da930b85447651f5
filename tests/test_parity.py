"""Our numbers against the reference implementation's, on the same random weights.

The weights go through a file: what is compared is what a user of a published checkpoint gets.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from passt_core.inference.predictor import Predictor
from tests.sounds import noise, tone

reference = pytest.importorskip("hear21passt.models.passt", reason="hear21passt is not installed")
reference_mel = pytest.importorskip("hear21passt.models.preprocess")

TOLERANCE = 1e-4
LENGTHS_S = (0.3, 1.0, 5.0, 9.98, 10.0)


@dataclass(frozen=True, kw_only=True)
class Shape:
    stride: int
    depth: int
    classes: int
    dim: int = 768
    distilled: bool = True


@contextmanager
def its_warnings_ignored() -> Iterator[None]:
    """The reference warns of every input that is not 998 frames, and uses what torch retires."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def reference_network(shape: Shape, seed: int = 0) -> nn.Module:
    """The reference's network with weights that all matter."""
    network = reference.PaSST(
        img_size=(128, 998),
        stride=(shape.stride, shape.stride),
        num_classes=shape.classes,
        embed_dim=shape.dim,
        depth=shape.depth,
        num_heads=shape.dim // 64,
        distilled=shape.distilled,
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            draw = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 2:
                parameter.copy_(draw * parameter.shape[1] ** -0.5)
            else:
                scale_of_norm = name.endswith("weight") and parameter.dim() == 1
                parameter.copy_(float(scale_of_norm) + 0.1 * draw)
    return network.eval()


def clip(seconds: float) -> NDArray[np.float32]:
    return noise(seconds, seed=3) + tone(seconds, hz=700, amplitude=0.2)


@torch.inference_mode()
def reference_answer(network: nn.Module, audio: NDArray[np.float32]) -> tuple[Tensor, ...]:
    """Mel (128, frames), logits (C,), features (D,)."""
    with its_warnings_ignored():
        front_end = reference_mel.AugmentMelSTFT(fmin_aug_range=10, fmax_aug_range=2000).eval()
        mel = front_end(torch.from_numpy(audio)[None])
        logits, features = network(mel.unsqueeze(1))
    return mel[0], logits[0], features[0]


def assert_same(predictor: Predictor, network: nn.Module, seconds: float) -> None:
    audio = clip(seconds)
    mel, logits, features = reference_answer(network, audio)
    ours = predictor.analyze(audio, 32_000)
    assert len(ours.windows) == 1
    np.testing.assert_allclose(ours.mel, mel, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(ours.embedding, features, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(ours.logits, logits, rtol=0, atol=TOLERANCE)
    assert logits.std() > 0.1, "weights that do nothing prove nothing"


@pytest.mark.parametrize(
    ("shape", "lengths"),
    (
        pytest.param(Shape(stride=10, depth=12, classes=527), (0.3, 10.0), id="S-s10-12-527"),
        pytest.param(Shape(stride=16, depth=12, classes=527), (1.0, 9.98), id="S-s16-12-527"),
        pytest.param(Shape(stride=16, depth=7, classes=50), LENGTHS_S, id="L-s16-7-50"),
        pytest.param(Shape(stride=10, depth=7, classes=50), LENGTHS_S, id="L-s10-7-50"),
    ),
)
@pytest.mark.slow
def test_full_size_networks_agree(shape: Shape, lengths: tuple[float, ...], tmp_path: Path) -> None:
    network = reference_network(shape)
    path = tmp_path / "published.pt"
    torch.save(network.state_dict(), path)
    predictor = Predictor.from_checkpoint(path, device="cpu")
    config = predictor.checkpoint.config
    assert (config.stride_freq, config.stride_time) == (shape.stride, shape.stride)
    assert (config.depth, config.classes, config.frames) == (shape.depth, shape.classes, 998)
    for seconds in lengths:
        assert_same(predictor, network, seconds)


SMALL = Shape(stride=16, depth=2, classes=5, dim=128)
State = dict[str, Tensor]
Wrapped = Mapping[str, object]


def prefixed(state: State, prefix: str) -> State:
    return {prefix + key: value for key, value in state.items()}


FORMS: tuple[tuple[str, Callable[[State, State], Wrapped]], ...] = (
    ("plain", lambda good, _: good),
    ("net", lambda good, _: prefixed(good, "net.")),
    ("net and mel", lambda good, _: prefixed(good, "net.") | {"mel.window": torch.zeros(800)}),
    ("swa over net", lambda good, bad: prefixed(bad, "net.") | prefixed(good, "net_swa.")),
    ("compiled", lambda good, _: prefixed(good, "net._orig_mod.")),
    ("data parallel", lambda good, _: prefixed(good, "module.")),
    ("stray", lambda good, _: good | {"device_proxy": torch.zeros(1)}),
    ("stray beside net", lambda good, _: prefixed(good, "net.") | {"device_proxy": torch.zeros(1)}),
    (
        "training",
        lambda good, bad: {
            "state_dict": prefixed(bad, "net.") | prefixed(good, "net_swa."),
            "epoch": 3,
            "optimizer_states": [{"lr": 1e-5}],
        },
    ),
    ("model", lambda good, _: {"model": good, "iteration": 10}),
)


@pytest.mark.parametrize(("name", "form"), FORMS, ids=[name for name, _ in FORMS])
@pytest.mark.parametrize("suffix", (".pt", ".ckpt"))
def test_wrapped_files_are_the_same_network(
    name: str, form: Callable[[State, State], Wrapped], suffix: str, tmp_path: Path
) -> None:
    good, bad = reference_network(SMALL), reference_network(SMALL, seed=1)
    path = tmp_path / f"wrapped{suffix}"
    torch.save(form(good.state_dict(), bad.state_dict()), path)
    assert_same(Predictor.from_checkpoint(path, device="cpu"), good, 1.0)


def test_a_network_without_a_distillation_token_agrees(tmp_path: Path) -> None:
    network = reference_network(Shape(stride=16, depth=2, classes=5, dim=128, distilled=False))
    torch.save(network.state_dict(), tmp_path / "plain.pt")
    assert_same(Predictor.from_checkpoint(tmp_path / "plain.pt", device="cpu"), network, 2.0)


def test_patchout_in_training_draws_what_the_reference_draws(tmp_path: Path) -> None:
    """The same state of the random generator drops the same tokens in the same order."""
    from passt_core.network import checkpoints
    from passt_core.network.patchout import PatchoutSpec, select

    theirs = reference_network(SMALL)
    torch.save(theirs.state_dict(), tmp_path / "net.pt")
    ours = checkpoints.load(tmp_path / "net.pt").network
    theirs.s_patchout_t, theirs.s_patchout_f, theirs.u_patchout = 20, 2, 30
    mel = torch.randn(2, 128, 998, generator=torch.Generator().manual_seed(5))
    torch.manual_seed(11)
    with torch.inference_mode(), its_warnings_ignored():
        logits, features = theirs.train()(mel.unsqueeze(1))
        spec = PatchoutSpec(time=20, freq=2, unstructured=30)
        kept = select((8, 62), spec, torch.Generator().manual_seed(11))
        output = ours(mel, kept=kept)
    torch.testing.assert_close(output.embedding, features, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(output.logits, logits, rtol=0, atol=TOLERANCE)
