"""A clip in, everything the model makes of it out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from passt_core import ClipAnalysis, PatchoutSpec, Predictor
from passt_core.errors import AudioError, PatchoutError
from passt_core.inference.analysis import PatchGrid
from passt_core.inference.windows import Windowing, joined
from passt_core.network import checkpoints
from passt_core.network.model import PasstConfig
from passt_core.signal.audio import load
from passt_core.signal.mel import MelConfig
from tests.sounds import RATE, TINY, cut_while_read, noise, randomised, save_network, tone, write

SPEC = PatchoutSpec(time=20, freq=2, unstructured=30)


def assert_alike(one: ClipAnalysis, other: ClipAnalysis, *, within: float = 1e-5) -> None:
    """Two ways to hear the same clip."""
    assert one.duration_s == other.duration_s
    assert len(one.windows) == len(other.windows)
    np.testing.assert_array_equal(one.kept, other.kept)
    pairs = ((one, other), *zip(one.windows, other.windows, strict=True))
    for a, b in pairs:
        np.testing.assert_allclose(a.logits, b.logits, rtol=0, atol=within)
        np.testing.assert_allclose(a.probabilities, b.probabilities, rtol=0, atol=within)
        np.testing.assert_allclose(a.embedding, b.embedding, rtol=0, atol=within)
    np.testing.assert_allclose(one.mel, other.mel, rtol=0, atol=within)


# --- windows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "starts"),
    (
        (0.5, (0,)),
        (9.98, (0,)),
        (10.0, (0,)),
        (10.5, (0, 0.5)),
        (12.0, (0, 2)),
        (15.0, (0, 5)),
        (25.0, (0, 5, 10, 15)),
        (27.3, (0, 5, 10, 15, 17.3)),
    ),
)
def test_long_clips_are_windowed(tiny: Predictor, seconds: float, starts: tuple[float]) -> None:
    analysis = tiny.analyze(noise(seconds), RATE)
    assert [window.start_s for window in analysis.windows] == pytest.approx(starts)
    assert analysis.duration_s == pytest.approx(seconds)
    if seconds >= 10:
        assert analysis.windows[-1].end_s == pytest.approx(seconds)
        assert {round(w.end_s - w.start_s, 9) for w in analysis.windows} == {10.0}


def test_the_clip_is_the_mean_of_its_windows(tiny: Predictor) -> None:
    clip = noise(25.0)
    analysis = tiny.analyze(clip, RATE)
    for field in ("logits", "probabilities", "embedding"):
        each = [getattr(window, field) for window in analysis.windows]
        np.testing.assert_allclose(getattr(analysis, field), np.mean(each, axis=0), rtol=1e-5)
    for window in analysis.windows:
        first = round(window.start_s * RATE)
        alone = tiny.analyze(clip[first : first + 10 * RATE], RATE)
        np.testing.assert_allclose(window.logits, alone.logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("frames", "hop", "stride", "seconds"),
    (
        (998, 320, 10, 10.0),
        (998, 320, 16, 10.0),
        (2000, 160, 10, 10.0),
        (3200, 100, 10, 10.0),
        (2000, 320, 10, 20.0),
        (3000, 320, 10, 30.0),
        (480, 320, 16, 4.8),
        (47, 320, 16, 0.47),
    ),
)
def test_windows_are_whole_tenths_where_the_grid_has_room(
    frames: int, hop: int, stride: int, seconds: float
) -> None:
    config = replace(TINY, frames=frames, stride_freq=stride, stride_time=stride)
    front_end = MelConfig(hop=hop)
    windowing = Windowing.of(config, front_end)
    assert windowing.length == seconds * RATE
    assert windowing.hop % hop == 0
    assert abs(windowing.hop - windowing.length / 2) < hop
    assert config.patch <= front_end.frames(windowing.least) <= config.max_frames
    assert front_end.frames(windowing.length) <= config.max_frames


@given(
    length=st.integers(1, 60),
    total=st.integers(1, 400),
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=8),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_windows_cover_a_clip_however_it_arrives(length: int, total: int, sizes: list[int]) -> None:
    length = 2 * length
    windowing = Windowing(length=length, hop=length // 2, least=min(length, 7))
    clip = np.arange(1, total + 1, dtype=np.float32)
    cuts = np.cumsum(sizes)
    windows = list(windowing.cut(np.split(clip, cuts[cuts < total])))
    if total <= length:
        [(start, samples)] = windows
        assert start == 0
        np.testing.assert_array_equal(samples[:total], clip)
        assert len(samples) == max(total, windowing.least)
        assert not samples[total:].any()
        return
    starts = [start for start, _ in windows]
    assert starts == [*range(0, total - length, windowing.hop), total - length]
    for start, samples in windows:
        np.testing.assert_array_equal(samples, clip[start : start + length])


# --- the same clip, another way --------------------------------------------------------------


def test_a_batch_is_its_clips(tiny: Predictor) -> None:
    clips = [
        (noise(3.0, seed=1), RATE),
        (noise(12.0, seed=2), RATE),
        (noise(0.03, seed=3), RATE),
        (noise(3.0, seed=4), RATE),
        ((noise(2.0, rate=44_100, seed=5) * 32_767).astype(np.int16)[:, None], 44_100),
        (noise(31.0, seed=6), RATE),
    ]
    for spec in (None, PatchoutSpec(freq=3)):
        together = tiny.analyze_batch(clips, spec, seed=4)
        for analysis, (audio, rate) in zip(together, clips, strict=True):
            assert_alike(analysis, tiny.analyze(audio, rate, spec, seed=4))
    assert tiny.analyze_batch([]) == []


@pytest.mark.parametrize("seconds", (3.0, 10.0, 34.567))
def test_a_file_is_its_samples(tiny: Predictor, seconds: float, tmp_path: Path) -> None:
    clip = noise(seconds)
    path = write(tmp_path / "clip.wav", clip, subtype="FLOAT")
    from_file = tiny.analyze_file(path, SPEC if seconds > 9 else None, seed=2)
    assert_alike(from_file, tiny.analyze(clip, RATE, SPEC if seconds > 9 else None, seed=2))


def test_many_may_ask_at_once(tiny: Predictor) -> None:
    clips = [noise(10.0, seed=seed) for seed in range(8)]
    alone = [tiny.analyze(clip, RATE, SPEC, seed=1) for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda clip: tiny.analyze(clip, RATE, SPEC, seed=1), clips))
    for one, other in zip(alone, together, strict=True):
        assert_alike(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
@pytest.mark.parametrize("precision", ("fp32", "bf16"))
def test_a_gpu_agrees(tiny_checkpoint: Path, precision: str) -> None:
    one = Predictor.from_checkpoint(tiny_checkpoint, device="cpu")
    other = Predictor.from_checkpoint(tiny_checkpoint, precision=precision)
    clip, within = noise(25.0), 1e-3 if precision == "fp32" else 0.1
    assert_alike(one.analyze(clip, RATE, SPEC), other.analyze(clip, RATE, SPEC), within=within)


# --- the spectrogram of a whole clip ---------------------------------------------------------


@pytest.mark.parametrize("seconds", (4.0, 10.0, 25.0, 27.3, 61.52))
def test_the_joined_spectrogram_is_that_of_the_clip(tiny: Predictor, seconds: float) -> None:
    clip = noise(seconds)
    analysis, whole = tiny.analyze(clip, RATE), tiny.spectrogram(clip)
    assert analysis.mel.shape == whole.shape
    np.testing.assert_allclose(analysis.mel, whole, rtol=0, atol=1e-3)


def test_a_clip_between_two_frames_is_joined_to_the_nearest(tiny: Predictor) -> None:
    for extra in (1, 100, 160, 161, 319):
        clip = noise(12.0 + extra / RATE)
        frames = tiny.analyze(clip, RATE).mel.shape[1]
        assert abs(frames - tiny.spectrogram(clip).shape[1]) <= 1


def test_joining_holds_what_stays() -> None:
    whole = np.arange(20, dtype=np.float32)[None]
    mels = [(first, whole[:, first : first + 8]) for first in (0, 4, 8, 12)]
    np.testing.assert_array_equal(joined(mels, overlap=2), whole)


HOUR = """
import resource, sys
from passt_core import Predictor
predictor = Predictor.from_checkpoint(sys.argv[1], device="cpu")
def peak(path):
    analysis = predictor.analyze_file(path)
    print(len(analysis.windows), analysis.mel.nbytes, sep=",", end=",")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
peak(sys.argv[2])
peak(sys.argv[3])
"""


@pytest.mark.slow
def test_an_hour_is_heard_in_bounded_memory(tmp_path: Path) -> None:
    """Twice its own spectrogram and no more; a minute first, for what does not grow.

    The sound alone would be 460 MB.
    """
    config, front_end = replace(TINY, frames=499), MelConfig(hop=640)  # half the work
    path = save_network(tmp_path / "n.safetensors", randomised(config), front_end=front_end)
    rate, minute = 4_000, noise(60.0, rate=4_000)
    for name, minutes in (("minute", 1), ("hour", 60)):
        with soundfile.SoundFile(tmp_path / f"{name}.flac", "w", rate, 1) as file:
            for _ in range(minutes):
                file.write(minute)
    paths = [str(path), str(tmp_path / "minute.flac"), str(tmp_path / "hour.flac")]
    done = subprocess.run(
        [sys.executable, "-c", HOUR, *paths],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    minute_, hour = (list(map(int, line.split(","))) for line in done.stdout.split())
    assert (minute_[0], hour[0]) == (11, 719)
    grown, spectrogram = hour[2] - minute_[2], hour[1]
    assert spectrogram == 128 * 180_000 * 4
    assert grown < 3 * spectrogram


# --- the least and the odd -------------------------------------------------------------------


@pytest.mark.parametrize("seconds", (0.025, 0.03, 0.1, 0.16))
def test_very_short_clips_are_heard(tiny: Predictor, seconds: float) -> None:
    analysis = tiny.analyze(noise(seconds), RATE, PatchoutSpec(freq=2))
    assert np.isfinite(analysis.logits).all()
    assert analysis.duration_s == pytest.approx(seconds)
    assert analysis.grid.columns == 1
    assert analysis.sequence_length == 6 + 2


@pytest.mark.parametrize("channels", (1, 2))
def test_silence_is_heard_as_silence(tiny: Predictor, channels: int) -> None:
    analysis = tiny.analyze(np.zeros((RATE, channels), np.int16), RATE)
    assert np.isfinite(analysis.logits).all()
    np.testing.assert_allclose(analysis.mel, -1.4026, atol=1e-4)


def test_what_is_no_clip_is_refused(tiny: Predictor, tmp_path: Path) -> None:
    for bad in (np.zeros(0), np.ones(1), np.full(RATE, np.nan), np.full(RATE, 1e6)):
        with pytest.raises(AudioError):
            tiny.analyze(bad, RATE)
        with pytest.raises(AudioError):
            tiny.analyze_batch([(noise(1.0), RATE), (bad, RATE)])
    samples = noise(25.0)
    samples[-5] = np.inf
    with pytest.raises(AudioError, match="NaN or infinite"):
        tiny.analyze_file(write(tmp_path / "late.wav", samples, subtype="FLOAT"))
    with pytest.raises(AudioError, match="digital silence"):
        tiny.analyze_file(write(tmp_path / "silent.wav", np.zeros(25 * RATE)))
    with pytest.raises(AudioError, match="3 samples"):
        tiny.analyze_file(write(tmp_path / "short.wav", noise(1.0)[:3]))


def test_patchout_that_leaves_nothing_is_refused(tiny: Predictor) -> None:
    with pytest.raises(PatchoutError, match="8 of 8 frequency rows"):
        tiny.analyze(noise(1.0), RATE, PatchoutSpec(freq=8))
    with pytest.raises(PatchoutError, match="6 of 6 time columns"):
        tiny.analyze(noise(1.0), RATE, PatchoutSpec(time=6))


def test_damaged_weights_are_not_passed_on_as_numbers(tmp_path: Path) -> None:
    network = randomised(TINY)
    network.norm.bias[0] = torch.nan
    path = save_network(tmp_path / "nan.safetensors", network)
    with pytest.raises(AudioError, match="not finite; the weights or the sound are damaged"):
        Predictor.from_checkpoint(path).analyze(noise(1.0), RATE)


def test_progress_is_told(tiny: Predictor, tmp_path: Path) -> None:
    told: list[tuple[float, float | None]] = []
    path = write(tmp_path / "clip.wav", noise(35.0))
    tiny.analyze_file(path, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (35.0, 35.0)


# --- what an analysis says -------------------------------------------------------------------


def test_labels_are_in_head_order(tiny: Predictor) -> None:
    analysis = tiny.analyze(noise(2.0), RATE)
    assert analysis.labels == tiny.labels == tiny.checkpoint.labels
    assert analysis.model == tiny.name == "tiny"
    best = analysis.top_k(3)
    assert [score.score for score in best] == sorted(analysis.probabilities, reverse=True)[:3]
    assert all(score.label == tiny.labels[score.index] for score in best)
    assert all(score.logit == analysis.logits[score.index] for score in best)
    assert len(analysis.top_k(100)) == 7
    assert analysis.top_k(0) == analysis.top_k(-3) == []


def test_probabilities_are_what_the_checkpoint_says(tmp_path: Path) -> None:
    network, clip = randomised(TINY), noise(14.0)
    for activation in checkpoints.ACTIVATIONS:
        path = save_network(tmp_path / f"{activation}.safetensors", network, activation=activation)
        for window in Predictor.from_checkpoint(path).analyze(clip, RATE).windows:
            logits = window.logits.astype(np.float64)
            if activation == "softmax":
                expected = np.exp(logits) / np.exp(logits).sum()
            else:
                expected = 1 / (1 + np.exp(-logits))
            np.testing.assert_allclose(window.probabilities, expected, rtol=1e-4)


@pytest.mark.parametrize("activation", checkpoints.ACTIVATIONS)
def test_a_temperature_is_in_the_probabilities_and_not_in_the_logits(
    tmp_path: Path, activation: str
) -> None:
    network, clip = randomised(TINY), noise(1.0)
    plain, calibrated = (
        Predictor.from_checkpoint(
            save_network(
                tmp_path / f"{temperature}.safetensors",
                network,
                activation=activation,
                temperature=temperature,
            ),
            device="cpu",
        ).analyze(clip, RATE)
        for temperature in (1.0, 2.5)
    )
    np.testing.assert_array_equal(calibrated.logits, plain.logits)
    cooled = torch.from_numpy(plain.logits) / 2.5
    expected = cooled.softmax(dim=0) if activation == "softmax" else cooled.sigmoid()
    np.testing.assert_allclose(calibrated.probabilities, expected.numpy(), rtol=1e-5)
    assert np.abs(calibrated.probabilities - plain.probabilities).max() > 0.01


def test_embeddings_are_raw_or_of_length_one(tiny: Predictor) -> None:
    analysis = tiny.analyze(noise(2.0), RATE)
    assert analysis.embedding.shape == (tiny.embedding_dim,)
    np.testing.assert_array_equal(tiny.embed(noise(2.0), RATE), analysis.embedding)
    unit = tiny.embed(noise(2.0), RATE, normalize=True)
    assert np.linalg.norm(unit) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(unit * np.linalg.norm(analysis.embedding), analysis.embedding, 1e-5)


def test_kept_and_dropped_are_all(tiny: Predictor) -> None:
    analysis = tiny.analyze(noise(25.0), RATE, SPEC, seed=9)
    grid = analysis.grid
    assert (grid.rows, grid.columns, grid.frames) == (8, 62, 1000)
    assert len(analysis.kept) == (62 - 20) * (8 - 2) - 30
    np.testing.assert_array_equal(analysis.kept, tiny.kept(grid, SPEC, 9))
    both = np.concatenate([analysis.kept, analysis.dropped])
    np.testing.assert_array_equal(np.sort(both), np.arange(grid.patches))
    assert analysis.sequence_length == len(analysis.kept) + 2
    assert analysis.full_sequence_length == 498
    assert not np.array_equal(analysis.kept, tiny.kept(grid, SPEC, 10))


def test_no_patchout_keeps_all(tiny: Predictor) -> None:
    analysis = tiny.analyze(noise(2.0), RATE)
    np.testing.assert_array_equal(analysis.kept, np.arange(analysis.grid.patches))
    assert len(analysis.dropped) == 0
    assert analysis.flops_share == 1.0


def test_patchout_in_the_predictor_is_patchout_in_the_network(tiny: Predictor) -> None:
    clip = noise(10.0)
    analysis = tiny.analyze(clip, RATE, SPEC, seed=5)
    mel = torch.from_numpy(tiny.spectrogram(clip))[None]
    with torch.inference_mode():
        expected = tiny.checkpoint.network(mel, kept=torch.from_numpy(analysis.kept))
    np.testing.assert_allclose(analysis.logits, expected.logits[0], rtol=0, atol=1e-5)


def test_flops_are_those_that_torch_counts() -> None:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    network = randomised(TINY)
    for patches in (1, 62, 496):
        counter, plain = FlopCounterMode(display=False), sdpa_kernel(SDPBackend.MATH)
        with counter, plain, torch.no_grad():  # it does not count the fused kernel
            network.blocks(torch.zeros(1, patches + 2, TINY.dim), TINY.extra_tokens)
        assert counter.get_total_flops() == TINY.encoder_flops(patches)


# --- the grid --------------------------------------------------------------------------------


def grids() -> Iterator[PatchGrid]:
    for stride_freq, stride_time, frames in ((10, 10, 998), (16, 16, 1000), (12, 7, 123)):
        config = PasstConfig(stride_freq=stride_freq, stride_time=stride_time)
        yield PatchGrid.of(config, MelConfig(), frames)


@pytest.fixture(params=tuple(grids()), ids=lambda grid: f"{grid.rows}x{grid.columns}")
def grid(request: pytest.FixtureRequest) -> PatchGrid:
    return request.param


def test_a_patch_knows_where_it_lies(grid: PatchGrid) -> None:
    config = grid.config
    assert grid.patches == grid.rows * grid.columns
    assert grid.overlaps == (config.stride_time < 16 or config.stride_freq < 16)
    for column in (0, 1, grid.columns - 1):
        begin, end = grid.seconds(column)
        assert begin == pytest.approx(column * config.stride_time * 0.01)
        assert end - begin == pytest.approx(0.16)
    assert grid.seconds(grid.columns - 1)[1] <= grid.frames * 0.01 + 1e-9
    edges = [grid.hz(row) for row in range(grid.rows)]
    assert all(low < high for low, high in edges)
    if config.stride_freq == 16:
        assert [high for _, high in edges[:-1]] == [low for low, _ in edges[1:]]
    assert edges[0][0] < 20
    assert edges[-1][1] < 15_000


def seen_by_hand(grid: PatchGrid, kept: NDArray[np.int64]) -> NDArray[np.float32]:
    config, wanted = grid.config, set(kept.tolist())
    seen = np.full((128, grid.frames), np.nan, np.float32)
    for band in range(128):
        for frame in range(0, grid.frames, 7):
            covering = [
                row * grid.columns + column
                for row in range(grid.rows)
                if 0 <= band - row * config.stride_freq < 16
                for column in range(
                    max(0, (frame - 16) // config.stride_time),
                    min(grid.columns, frame // config.stride_time + 1),
                )
                if 0 <= frame - column * config.stride_time < 16
            ]
            if covering:
                seen[band, frame] = len(wanted & set(covering)) / len(covering)
    return seen


def test_what_is_seen_of_a_cell(grid: PatchGrid) -> None:
    kept = np.sort(np.random.default_rng(1).permutation(grid.patches)[: grid.patches // 2])
    np.testing.assert_allclose(grid.seen(kept)[:, ::7], seen_by_hand(grid, kept)[:, ::7])
    everything = grid.seen(np.arange(grid.patches))
    assert np.nanmin(everything) == 1.0
    assert np.nanmax(grid.seen(np.zeros(0, np.int64))) == 0.0
    reached = (grid.columns - 1) * grid.config.stride_time + 16
    assert np.isnan(everything[:, reached:]).all()
    assert not np.isnan(everything[:112, :reached]).any()


def test_a_tone_lies_in_the_row_that_says_so(tiny: Predictor) -> None:
    for hz in (300.0, 1000.0, 4000.0):
        analysis = tiny.analyze(tone(2.0, hz=hz), RATE)
        grid = analysis.grid
        loudest = int(analysis.mel[:, 100].argmax())
        low, high = grid.hz(loudest // 16)
        assert low * 0.95 <= hz <= high * 1.05


def test_a_file_that_becomes_shorter_while_it_is_read_is_refused(
    tiny: Predictor, tmp_path: Path
) -> None:
    for listen in (tiny.analyze_file, lambda path: list(tiny.stretches(path)), load):
        path = write(tmp_path / "cut.wav", noise(40.0))
        with pytest.MonkeyPatch.context() as patch:
            cut_while_read(path, patch)
            with pytest.raises(AudioError, match="became shorter while it was read"):
                listen(path)
