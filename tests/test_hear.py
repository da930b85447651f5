"""The HEAR 2021 modules against hear21passt's, on the same random weights, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks._reference import Reference
from passt_core.errors import AudioError, CheckpointError, PasstError
from passt_core.inference import hear
from passt_core.inference import precision as precisions
from passt_core.inference.hear import VARIANTS, HearModel
from passt_core.inference.passes import TOKENS
from passt_core.network import checkpoints
from passt_core.network.lowered import available
from passt_core.network.model import Passt
from passt_core.signal.mel import MelConfig
from tests.sounds import RATE, TINY, noise, randomised, save_network, tone

TOLERANCE = 1e-4
FRAMES = {"base20sec": 2000, "base30sec": 3000}
SMALL = replace(TINY, dim=64, heads=1, stride_freq=10, stride_time=10, classes=5)
"""64 dimensions a head, which is how a bare file is read."""
STRIDE_16 = {"stride_freq": 16, "stride_time": 16}


def sounds(seconds: float, count: int = 1) -> Tensor:
    """(count, samples), no two alike."""
    each = [
        noise(seconds, seed=seed) + tone(seconds, hz=300 * (seed + 1), amplitude=0.2)
        for seed in range(count)
    ]
    return torch.stack([torch.from_numpy(sound) for sound in each])


def reference(variant: str, network: Passt, *, hop: int = 320, mode: str = "all") -> Reference:
    """hear21passt's module of a variant around our weights."""
    pytest.importorskip("hear21passt", reason="hear21passt is not installed")
    return Reference(network, variant, hop=hop, mode=mode)


def pair(
    variant: str, folder: Path, *, mode: str = "all", **changes: Any
) -> tuple[HearModel, Reference]:
    """Our model, loaded from a file as theirs are published, and theirs."""
    network = randomised(replace(SMALL, frames=FRAMES.get(variant, 998), **changes))
    path = folder / "published.pt"
    torch.save(network.state_dict(), path)
    ours = import_module(f"passt_core.inference.hear.{variant}").load_model(
        path, mode=mode, device="cpu"
    )
    return ours, reference(variant, network, mode=mode)


def assert_same_scenes(ours: HearModel, theirs: Reference, audio: Tensor) -> None:
    found, wanted = hear.get_scene_embeddings(audio, ours), theirs.scenes(audio)
    assert found.shape == (len(audio), ours.scene_embedding_size)
    assert wanted.std() > 0.1, "weights that do nothing prove nothing"
    torch.testing.assert_close(found, wanted, rtol=0, atol=TOLERANCE)


def assert_same_timestamps(ours: HearModel, theirs: Reference, audio: Tensor) -> None:
    found, times = hear.get_timestamp_embeddings(audio, ours)
    wanted, their_times = theirs.timestamps(audio)
    assert found.shape == (*their_times.shape, ours.timestamp_embedding_size)
    torch.testing.assert_close(times, their_times, rtol=0, atol=1e-6)
    torch.testing.assert_close(found, wanted, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("seconds", (0.5, 1.0, 9.99, 10.0, 10.01, 15.0, 61.0))
def test_scenes_agree(seconds: float, tmp_path: Path) -> None:
    assert_same_scenes(*pair("base", tmp_path), sounds(seconds, 1 if seconds > 20 else 3))


@pytest.mark.parametrize("variant", ("base20sec", "base30sec"))
@pytest.mark.parametrize("seconds", (10.01, 20.0, 30.0, 30.03))
def test_scenes_of_longer_windows_agree(variant: str, seconds: float, tmp_path: Path) -> None:
    assert_same_scenes(*pair(variant, tmp_path, **STRIDE_16), sounds(seconds))


@pytest.mark.parametrize("variant", ("base", "base2level", "base2levelmel"))
@pytest.mark.parametrize(("seconds", "count"), ((0.5, 3), (1.0, 2), (3.01, 1)))
def test_timestamps_agree(variant: str, seconds: float, count: int, tmp_path: Path) -> None:
    assert_same_timestamps(*pair(variant, tmp_path, depth=1), sounds(seconds, count))


@pytest.mark.parametrize("seconds", (9.99, 10.0))
def test_timestamps_of_longer_sounds_agree(seconds: float, tmp_path: Path) -> None:
    assert_same_timestamps(*pair("base", tmp_path, depth=1), sounds(seconds))


@pytest.mark.parametrize("variant", ("base20sec", "base30sec"))
def test_timestamps_of_longer_windows_agree(variant: str, tmp_path: Path) -> None:
    assert_same_timestamps(*pair(variant, tmp_path), sounds(1.0, 2))


@pytest.mark.parametrize("mode", ("all", "embed_only", "logits"))
def test_modes_agree(mode: str, tmp_path: Path) -> None:
    ours, theirs = pair("base2levelmel", tmp_path, mode=mode)
    assert ours.scene_embedding_size == {"all": 69, "embed_only": 64, "logits": 5}[mode]
    assert ours.timestamp_embedding_size == 2 * ours.scene_embedding_size + 6 * 128
    assert_same_scenes(ours, theirs, sounds(1.0))
    assert_same_timestamps(ours, theirs, sounds(1.0))


def test_a_wide_network_agrees(tmp_path: Path) -> None:
    """As wide as PaSST-S, and two blocks deep: 1295 numbers a window."""
    shape = {"dim": 768, "heads": 12, "depth": 2, "classes": 527}
    ours, theirs = pair("base", tmp_path, **shape)
    assert (ours.scene_embedding_size, ours.timestamp_embedding_size) == (1295, 1295)
    assert_same_scenes(ours, theirs, sounds(0.5, 2))
    assert_same_timestamps(ours, theirs, sounds(0.2, 2))


@pytest.mark.parametrize(("hop", "frames"), ((160, 2000), (100, 3200)))
def test_a_front_end_of_another_hop_agrees(hop: int, frames: int, tmp_path: Path) -> None:
    network = randomised(replace(SMALL, frames=frames, **STRIDE_16))
    path = save_network(tmp_path / "hop.safetensors", network, front_end=MelConfig(hop=hop))
    ours = hear.load_model(path, variant="base2level", device="cpu")
    theirs = reference(f"hop{hop}base2lvl", network, hop=hop)
    assert_same_scenes(ours, theirs, sounds(10.01))
    assert_same_timestamps(ours, theirs, sounds(1.0))


# --- what stands on no reference -------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> HearModel:
    return hear.load_model(tiny_checkpoint, variant="base2levelmel", device="cpu")


@pytest.mark.parametrize("name", (None, *VARIANTS))
def test_every_variant_is_a_module(name: str | None, tiny_checkpoint: Path) -> None:
    module = import_module("passt_core.inference.hear" + (f".{name}" if name else ""))
    loaded = module.load_model(str(tiny_checkpoint))
    assert isinstance(loaded, torch.nn.Module)
    assert loaded.variant == VARIANTS[name or "base"]
    assert (loaded.sample_rate, loaded.scene_embedding_size) == (RATE, 7 + 32)
    levels, mels = len(loaded.variant.levels_ms), 128 * loaded.variant.mel_frames
    assert loaded.timestamp_embedding_size == levels * (7 + 32) + mels
    audio = sounds(0.3, 2).to(loaded.device)
    assert module.get_scene_embeddings(audio, loaded).shape == (2, 39)
    embeddings, times = module.get_timestamp_embeddings(audio, loaded)
    assert embeddings.shape == (2, 7, loaded.timestamp_embedding_size)
    assert times.tolist() == [[0.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0]] * 2


def test_without_a_path_the_bundled_model_is_loaded() -> None:
    bundled = checkpoints.load("bundled")
    loaded = hear.load_model()
    assert loaded.network.config == bundled.config
    assert loaded.scene_embedding_size == bundled.config.classes + bundled.config.dim


def test_a_batch_is_its_sounds(model: HearModel) -> None:
    audio = sounds(1.3, 4)
    together, _ = hear.get_timestamp_embeddings(audio, model)
    for index in range(4):
        alone, _ = hear.get_timestamp_embeddings(audio[index : index + 1], model)
        torch.testing.assert_close(together[index], alone[0], rtol=0, atol=1e-5)


def test_windows_of_all_sounds_share_few_passes(model: HearModel) -> None:
    """As few as the budget of tokens allows, and no pass above it."""
    passes: list[int] = []
    embed = model.network.patch_embed.register_forward_hook(
        lambda _, mels, tokens: passes.append(tokens.shape[0] * (tokens.shape[1] + 2))
    )
    with embed:
        hear.get_timestamp_embeddings(sounds(2.0, 16), model)
    windows = 16 * 41
    assert max(passes) <= TOKENS
    short, long = 8 * 1 + 2, 8 * 4 + 2
    assert len(passes) == -(-windows // (TOKENS // short)) + -(-windows // (TOKENS // long))
    assert sum(passes) == windows * (short + long)


def test_results_are_ordinary_tensors_without_gradients(model: HearModel) -> None:
    """They may go into a classifier's training, which inference tensors may not."""
    scenes = hear.get_scene_embeddings(sounds(0.5).requires_grad_(True), model)
    embeddings, _ = hear.get_timestamp_embeddings(sounds(0.5), model)
    for found in (scenes, embeddings):
        assert found.dtype == torch.float32
        assert not found.requires_grad
        assert not found.is_inference()


def test_training_mode_does_not_reach_the_embeddings(model: HearModel) -> None:
    wanted = hear.get_scene_embeddings(sounds(0.5), model)
    model.train()
    torch.testing.assert_close(hear.get_scene_embeddings(sounds(0.5), model), wanted)


@pytest.mark.parametrize("precision", ("auto", "fp32"))
def test_a_model_is_where_it_was_moved(
    tiny_checkpoint: Path, precision: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The benchmark's programs move a model after it is loaded."""
    monkeypatch.setenv("PASST_CACHE", str(tmp_path))
    monkeypatch.setattr(precisions, "fastest", lambda *_: "fp32")
    loaded = hear.load_model(tiny_checkpoint, device="cpu", precision=precision)
    assert loaded.device.type == "cpu"
    assert loaded.to("meta") is loaded
    assert loaded.device.type == "meta"
    assert loaded.network(torch.zeros(2, 128, 100, device="meta")).embedding.shape == (2, 32)


def test_a_move_does_not_touch_who_has_the_same_checkpoint(tiny_checkpoint: Path) -> None:
    checkpoint = checkpoints.load(tiny_checkpoint)
    moved, other = (HearModel(checkpoint, VARIANTS["base"]) for _ in range(2))
    wanted = other.scenes(sounds(0.5))
    moved.to("meta")
    torch.testing.assert_close(other.scenes(sounds(0.5)), wanted, rtol=0, atol=0)


def test_a_move_to_where_the_precision_is_not_is_refused(tiny_checkpoint: Path) -> None:
    if "int8" not in available():
        pytest.skip("this CPU has no products in int8")
    loaded = hear.load_model(tiny_checkpoint, device="cpu", precision="int8")
    wanted = loaded.scenes(sounds(0.5))
    with pytest.raises(PasstError, match="int8 is for the CPU, and the device is meta"):
        loaded.to("meta")
    torch.testing.assert_close(loaded.scenes(sounds(0.5)), wanted, rtol=0, atol=0)


def test_a_dtype_does_not_reach_the_embeddings(tiny_checkpoint: Path) -> None:
    """Precision is said when a model is loaded."""
    loaded = hear.load_model(tiny_checkpoint, device="cpu")
    wanted = loaded.scenes(sounds(0.5))
    torch.testing.assert_close(loaded.half().scenes(sounds(0.5)), wanted, rtol=0, atol=0)


@pytest.mark.parametrize("samples", (800, 2560, 4800, 12_800))
def test_sounds_that_the_reference_cannot_hear_are_heard(samples: int, model: HearModel) -> None:
    audio = sounds(1.0, 2)[:, :samples]
    scenes = hear.get_scene_embeddings(audio, model)
    embeddings, times = hear.get_timestamp_embeddings(audio, model)
    assert scenes.isfinite().all()
    assert embeddings.isfinite().all()
    assert times.shape == (2, 1 + samples // 1600)


def test_silence_has_an_embedding(model: HearModel) -> None:
    assert hear.get_scene_embeddings(torch.zeros(1, RATE), model).isfinite().all()


def test_doubles_are_heard_as_floats(model: HearModel) -> None:
    found = hear.get_scene_embeddings(sounds(0.5).double(), model)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, hear.get_scene_embeddings(sounds(0.5), model))


@pytest.mark.parametrize(
    ("audio", "message"),
    (
        (noise(1.0), "not a float tensor"),
        (torch.zeros(RATE), r"\(32000,\)"),
        (torch.zeros(1, RATE, dtype=torch.int16), "int16"),
        (torch.zeros(0, RATE), "0 sounds"),
        (torch.zeros(1, 799), "799 samples at 32000 Hz"),
        (torch.full((1, RATE), torch.nan), "nan; samples must be finite"),
        (torch.full((1, RATE), 20_000.0), "peak at 20000"),
    ),
)
@pytest.mark.parametrize("ask", (hear.get_scene_embeddings, hear.get_timestamp_embeddings))
def test_what_is_no_sound_is_refused(
    audio: Any, message: str, ask: Callable[..., object], model: HearModel
) -> None:
    with pytest.raises(AudioError, match=message):
        ask(audio, model)


@pytest.mark.parametrize(
    ("options", "message"),
    (({"variant": "base3level"}, "base2level"), ({"mode": "features"}, "embed_only")),
)
def test_what_is_no_choice_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(PasstError, match=message):
        hear.load_model(**options)


def test_a_network_of_short_windows_is_refused(tmp_path: Path) -> None:
    network = randomised(replace(TINY, frames=60))
    path = save_network(tmp_path / "short.safetensors", network)
    assert hear.load_model(path, variant="base").scene_window == 19_200
    with pytest.raises(PasstError, match="short takes windows of 4801 to 19200 samples"):
        hear.load_model(path, variant="base2level")


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    network = randomised(TINY)
    network.norm.weight.fill_(torch.nan)
    damaged = hear.load_model(save_network(tmp_path / "damaged.safetensors", network))
    with pytest.raises(CheckpointError, match="not finite"):
        hear.get_scene_embeddings(sounds(0.5), damaged)
