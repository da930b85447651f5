"""Precisions other than float32: how near their answers are, and which one a machine is given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from passt_core import Predictor
from passt_core.errors import AudioError, PasstError
from passt_core.files import ASSETS
from passt_core.inference import fastest
from passt_core.inference.fastest import Measured, choose, measure
from passt_core.inference.precision import prepared
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.lowered import Precision, available, layer, lowered
from passt_core.network.merging import Merged
from passt_core.network.model import Passt, PasstConfig
from passt_core.signal import audio

LEAST_COSINE = {"bf16": 0.999, "int8": 0.99}
LARGEST: dict[Precision, float] = {"fp32": 1e-5, "bf16": 0.1, "int8": 0.4}
"""Difference of an embedding of a random network."""
CLIPS = sorted((ASSETS / "examples").glob("*.ogg"))
SHAPES = {
    "plain": PasstConfig(dim=64, depth=3, heads=2, classes=5),
    "shared": PasstConfig(dim=64, depth=4, heads=2, classes=5, share=2),
    "pruned": PasstConfig(
        dim=64, depth=2, heads=2, classes=5, heads_left=(1, 2), units_left=(100, 256)
    ),
    "conv stem": PasstConfig(
        dim=64, depth=2, heads=2, classes=5, stride_freq=16, stride_time=16, stem="conv"
    ),
    "one token": PasstConfig(dim=64, depth=2, heads=2, classes=5, distilled=False),
}


def made(config: PasstConfig) -> Passt:
    torch.manual_seed(0)
    network = Passt(config).eval()
    nn.init.normal_(network.head[1].weight, std=0.2)
    return network


@pytest.fixture(scope="module")
def bundled() -> Predictor:
    return Predictor.from_checkpoint(device="cpu")


@pytest.fixture
def small(bundled: Predictor) -> Checkpoint:
    """A checkpoint that is measured quickly."""
    return replace(bundled.checkpoint, network=made(SHAPES["plain"]))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PASST_CACHE", str(tmp_path))
    return tmp_path / "precision.json"


def skip_unless_here(precision: str) -> None:
    if precision not in available():
        pytest.skip(f"this CPU has no products in {precision}")


@pytest.mark.parametrize("precision", ("bf16", "int8"))
def test_real_clips_keep_their_answers(bundled: Predictor, precision: str) -> None:
    skip_unless_here(precision)
    rough = Predictor.from_checkpoint(device="cpu", precision=precision)
    assert rough.precision == precision
    assert len(CLIPS) >= 6
    agreed = 0
    for path in CLIPS:
        exact, near = bundled.analyze_file(path), rough.analyze_file(path)
        assert near.logits.dtype == near.embedding.dtype == np.float32
        assert float(exact.unit_embedding @ near.unit_embedding) >= LEAST_COSINE[precision]
        assert float(np.abs(exact.probabilities - near.probabilities).max()) < 0.05
        agreed += exact.top_k(1)[0].label == near.top_k(1)[0].label
    assert agreed == len(CLIPS)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("frames", (16, 250, 998))
@torch.inference_mode()
def test_every_shape_can_be_lowered(name: str, frames: int) -> None:
    network, mel = made(SHAPES[name]), torch.randn(3, 128, frames)
    exact = network(mel)
    for precision in available():
        near = lowered(network, precision)(mel)
        most = LARGEST[precision]
        torch.testing.assert_close(near.embedding, exact.embedding, rtol=0, atol=most)
        cosine = nn.functional.cosine_similarity(near.embedding, exact.embedding).min()
        assert cosine >= LEAST_COSINE.get(precision, 0.999999)


@torch.inference_mode()
def test_large_products_do_not_overflow_in_8_bits() -> None:
    """Weights and activations of one sign: where pairs are summed in 16 bits, all would be cut."""
    skip_unless_here("int8")
    linear = nn.Linear(768, 64)
    nn.init.constant_(linear.weight, 0.03)
    x = torch.linspace(0.5, 1.5, 768).repeat(8, 1)
    torch.testing.assert_close(layer(linear, "int8")(x), linear(x), rtol=0.01, atol=0)


@torch.inference_mode()
def test_without_onednn_fp32_is_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert "bf16" not in available()
    network, mel = made(SHAPES["plain"]), torch.randn(2, 128, 100)
    torch.testing.assert_close(lowered(network, "fp32")(mel).logits, network(mel).logits)


@torch.inference_mode()
def test_patchout_and_merging_go_with_it() -> None:
    network, mel = made(SHAPES["plain"]), torch.randn(2, 128, 400)
    kept = torch.arange(0, 400, 3)
    for precision in available():
        rough = lowered(network, precision)
        for exact, near in (
            (network(mel, kept=kept), rough(mel, kept=kept)),
            (Merged(network, per_block=0)(mel), Merged(rough, per_block=0)(mel)),
        ):
            cosine = nn.functional.cosine_similarity(near.embedding, exact.embedding).min()
            assert cosine >= LEAST_COSINE.get(precision, 0.999999)


@torch.inference_mode()
def test_the_network_itself_is_left_as_it_was() -> None:
    network, mel = made(SHAPES["plain"]), torch.randn(1, 128, 100)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    said = network(mel).logits
    for precision in available():
        lowered(network, precision)(mel)
    for key, value in network.state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)
    torch.testing.assert_close(network(mel).logits, said, rtol=0, atol=0)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_what_is_measured_is_kept_with_the_machine(
    small: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Predictor(small, device="cpu", precision="auto")
    kept = json.loads(cache.read_text())
    assert list(kept.values()) == [first.precision]

    def refuse(*_: object) -> None:
        raise AssertionError("it was measured again")

    monkeypatch.setattr(fastest, "measure", refuse)
    second = Predictor(small, device="cpu", precision="auto")
    assert second.precision == first.precision
    other = replace(small, sha256="0" * 64)
    with pytest.raises(AssertionError, match="measured again"):
        Predictor(other, device="cpu", precision="auto")


@pytest.mark.parametrize("content", ("", "{", "[]", '{"a": 1}'))
def test_a_damaged_memory_is_measured_anew(small: Checkpoint, cache: Path, content: str) -> None:
    cache.write_text(content)
    found = Predictor(small, device="cpu", precision="auto").precision
    assert found in json.loads(cache.read_text()).values()


def test_the_measurement_compares_with_fp32(bundled: Predictor) -> None:
    exact, *others = measure(bundled.checkpoint)
    assert (exact.precision, exact.speedup, exact.change) == ("fp32", 1.0, 0.0)
    assert tuple(row.precision for row in others) == available()[1:]
    for row in others:
        assert row.cosine >= LEAST_COSINE[row.precision]
        assert 0.0 < row.change < 0.05
        assert row.speedup == pytest.approx(exact.seconds / row.seconds)


def rows(**seconds_and_cosines: tuple[float, float]) -> tuple[Measured, ...]:
    return tuple(
        Measured(
            precision=name,  # type: ignore[arg-type]
            seconds=seconds,
            speedup=1.0 / seconds,
            cosine=cosine,
            change=0.0,
        )
        for name, (seconds, cosine) in seconds_and_cosines.items()
    )


def test_the_fastest_that_is_exact_enough_is_taken(small: Checkpoint, cache: Path) -> None:
    assert choose(small, rows(fp32=(1.0, 1.0), bf16=(0.5, 0.9999), int8=(0.3, 0.995))) == "bf16"
    assert choose(small, rows(fp32=(1.0, 1.0), bf16=(1.5, 0.9999), int8=(0.3, 0.995))) == "fp32"
    assert choose(small, rows(fp32=(1.0, 1.0), bf16=(0.5, 0.99), int8=(0.3, 0.9995))) == "int8"
    assert list(json.loads(cache.read_text()).values()) == ["int8"]


def damaged(checkpoint: Checkpoint, name: str) -> Checkpoint:
    network = made(checkpoint.config)
    with torch.no_grad():
        network.get_parameter(name).fill_(torch.nan)
    return replace(checkpoint, network=network)


@pytest.mark.parametrize("name", ("norm.weight", "blocks.0.attn.qkv.weight"))
def test_damaged_weights_are_told_by_who_listens(small: Checkpoint, cache: Path, name: str) -> None:
    ill = damaged(small, name)
    assert Predictor(ill, device="cpu", precision="auto").precision == "fp32"
    for precision in available():
        found = Predictor(ill, device="cpu", precision=precision)
        with pytest.raises(AudioError, match="is not finite; the weights"):
            found.analyze(audio.load(CLIPS[0]), 32_000)


def test_a_memory_that_cannot_be_written_is_no_obstacle(
    small: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PASST_CACHE", str(tmp_path / "file" / "folder"))
    assert Predictor(small, device="cpu", precision="auto").precision


def test_what_is_not_there_is_refused(bundled: Predictor, small: Checkpoint) -> None:
    with pytest.raises(PasstError, match="precision is 'fp8'; use one of auto, fp32, bf16, int8"):
        Predictor(bundled.checkpoint, device="cpu", precision="fp8")
    with pytest.raises(PasstError, match="compiling is for CUDA"):
        Predictor(bundled.checkpoint, device="cpu", compiled=True)
    with pytest.raises(PasstError, match="int8 is for the CPU, and the device is meta"):
        prepared(small, torch.device("meta"), "int8")


def test_a_gpu_is_measured_too(
    small: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device of no memory stands in for one; what it would have measured is said."""
    gpu, asked = torch.device("meta"), []

    def measured(_: Checkpoint, device: torch.device) -> tuple[Measured, ...]:
        asked.append(device)
        return rows(fp32=(1.0, 1.0), bf16=(0.5, 0.9))

    monkeypatch.setattr(fastest, "measure", measured)
    for _ in range(2):
        assert prepared(small, gpu, "auto")[1] == "fp32"
    assert asked == [gpu]
    [key] = json.loads(cache.read_text())
    assert json.loads(key)["gpu"] == "meta"
    Predictor(small, device="cpu", precision="fp32")
    with monkeypatch.context() as there:
        there.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
        cuda = torch.device("cuda", 1)
        assert fastest.fastest(small, cuda) == fastest.fastest(small, cuda) == "fp32"
    assert asked == [gpu, cuda]


def test_a_checkpoint_stays_where_and_what_it_was(
    small: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that listen by one checkpoint do not hang on each other."""
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda module, **_: compiled.append(module))
    here = Predictor(small, device="cpu")
    said = here.analyze(audio.load(CLIPS[0]), 32_000)
    for keep_tokens in (1.0, 0.5):
        network, _ = prepared(
            small, torch.device("meta"), "fp32", keep_tokens=keep_tokens, compiled=True
        )
        assert {value.device.type for value in network.state_dict().values()} == {"meta"}
        assert compiled.pop() is network is not small.network
    assert {value.device.type for value in small.network.state_dict().values()} == {"cpu"}
    again = here.analyze(audio.load(CLIPS[0]), 32_000)
    np.testing.assert_array_equal(again.logits, said.logits)


def test_on_a_gpu_merging_is_within_autocast(small: Checkpoint) -> None:
    network, _ = prepared(small, torch.device("meta"), "bf16", keep_tokens=0.5)
    assert isinstance(network.network, Merged)


def test_a_precision_that_the_cpu_lacks_is_refused(
    small: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Predictor(small, device="cpu", precision="auto")
    [key] = json.loads(cache.read_text())
    cache.write_text(json.dumps({key: "bf16"}))  # as from a machine that has it
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert available() == ("fp32", "int8")
    with pytest.raises(PasstError, match="is bf16, which this CPU .* use auto, fp32 or int8"):
        Predictor(small, device="cpu", precision="bf16")
    assert Predictor(small, device="cpu", precision="auto").precision in available()


def test_windows_that_share_frames_answer_as_alone(bundled: Predictor) -> None:
    clip = np.concatenate([audio.load(path) for path in CLIPS[:5]])[: 23 * 32_000]
    whole = bundled.analyze(clip, 32_000)
    assert len(whole.windows) > 3
    for window in whole.windows:
        first, last = round(window.start_s * 32_000), round(window.end_s * 32_000)
        alone = bundled.analyze(clip[first:last], 32_000)
        np.testing.assert_allclose(window.logits, alone.logits, rtol=0, atol=1e-4)


def test_merging_is_an_option_in_any_precision(bundled: Predictor) -> None:
    [clip] = [audio.load(path) for path in CLIPS[:1]]
    whole = bundled.analyze(clip, 32_000)
    for precision in available():
        merged = Predictor(
            bundled.checkpoint, device="cpu", precision=precision, keep_tokens=0.6
        ).analyze(clip, 32_000)
        assert 0.9 < float(whole.unit_embedding @ merged.unit_embedding) < 0.99999
    with pytest.raises(PasstError, match="keep is 0.0; it is a share of the tokens"):
        Predictor(bundled.checkpoint, device="cpu", keep_tokens=0.0)


def test_an_analysis_tells_what_was_merged(bundled: Predictor) -> None:
    clip = audio.load(CLIPS[0])[:160_000]
    whole = bundled.analyze(clip, 32_000)
    assert (whole.precision, whole.merged_to) == ("fp32", whole.sequence_length)
    assert whole.flops_share == 1.0
    half = Predictor(bundled.checkpoint, device="cpu", precision="int8", keep_tokens=0.5)
    told = half.analyze(clip, 32_000)
    merged = Merged(bundled.checkpoint.network, keep=0.5)
    tokens = merged.network.patch_tokens(torch.from_numpy(told.mel[None, :, :500]))
    before_last, _ = list(merged.steps(tokens[:, : told.grid.patches]))[-2]
    assert told.merged_to == before_last.shape[1]
    assert 0.5 < told.flops_share < 0.9
    assert told.report(1)["precision"] == "int8"
