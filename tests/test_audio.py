"""Any file or array → mono float32 at 32 kHz."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import av
import numpy as np
import pytest
import scipy.signal
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from passt_core.errors import AudioError
from passt_core.signal import audio, decoding
from tests.sounds import RATE, encode, noise, tone, write

Floats = NDArray[np.float32]


# --- helpers ---------------------------------------------------------------------------------


def sweep(seconds: float, rate: int) -> Floats:
    """A tone that climbs and fades: every moment of it is at one place only."""
    time = np.arange(round(seconds * rate)) / rate
    fade = np.clip((seconds - time) / 0.5, 0, 1)
    return (0.4 * fade * np.sin(2 * np.pi * (300 + 150 * time) * time)).astype(np.float32)


def lag_and_error(found: Floats, expected: Floats, *, most: int = 2400) -> tuple[int, float]:
    """(how many samples later ``found`` is, largest error there relative to the peak)."""
    middle = expected[len(expected) // 4 : len(expected) // 2]
    first = len(expected) // 4
    around = found[first - most : first + len(middle) + most]
    scores = np.correlate(around, middle, "valid")
    lag = int(scores.argmax()) - most
    there = around[lag + most : lag + most + len(middle)]
    return lag, float(np.abs(there - middle).max() / np.abs(middle).max())


def decoded_by_soundfile(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of what libsndfile decodes from now on."""
    lengths: list[int] = []
    read = soundfile.SoundFile.read

    def counted(file: soundfile.SoundFile, *args: object, **options: object) -> Floats:
        block = read(file, *args, **options)
        lengths.append(len(block))
        return block

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    return lengths


# --- formats ---------------------------------------------------------------------------------

EXACT = (
    ("wav", "PCM_U8", 1 / 100),
    ("wav", "PCM_16", 1 / 30_000),
    ("wav", "PCM_24", 1e-6),
    ("wav", "PCM_32", 1e-6),
    ("wav", "FLOAT", 1e-7),
    ("wav", "DOUBLE", 1e-7),
    ("wav", "ULAW", 0.03),
    ("wav", "ALAW", 0.03),
    ("w64", "PCM_16", 1 / 30_000),
    ("rf64", "PCM_24", 1e-6),
    ("caf", "PCM_16", 1 / 30_000),
    ("aiff", "PCM_S8", 1 / 100),
    ("aiff", "PCM_16", 1 / 30_000),
    ("aiff", "PCM_24", 1e-6),
    ("aiff", "FLOAT", 1e-7),
    ("flac", "PCM_S8", 1 / 100),
    ("flac", "PCM_16", 1 / 30_000),
    ("flac", "PCM_24", 1e-6),
)


@pytest.mark.parametrize(("suffix", "subtype", "error"), EXACT)
def test_uncompressed_and_lossless_files(
    suffix: str, subtype: str, error: float, tmp_path: Path
) -> None:
    samples = noise(0.5)
    options = {"format": "RF64"} if suffix == "rf64" else {}
    path = write(tmp_path / f"clip.{suffix}", samples, subtype=subtype, **options)
    loaded = audio.load(path)
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, samples, rtol=0, atol=error)


LOSSY_SOUNDFILE = (("ogg", "VORBIS"), ("ogg", "OPUS"), ("opus", "OPUS"), ("mp3", "MPEG_LAYER_III"))
LOSSY_FFMPEG = (("m4a", "aac"), ("aac", "aac"), ("mp4", "aac"), ("webm", "libopus"))


def lossy_file(folder: Path, suffix: str, codec: str, samples: Floats) -> Path:
    path = folder / f"clip.{suffix}"
    if (suffix, codec) in LOSSY_FFMPEG:
        return encode(path, samples, 48_000, codec, strict="experimental")
    options = {"format": "OGG"} if suffix == "opus" else {}
    return write(path, samples, 48_000, subtype=codec, **options)


@pytest.mark.parametrize(("suffix", "codec"), LOSSY_SOUNDFILE + LOSSY_FFMPEG)
def test_lossy_files(suffix: str, codec: str, tmp_path: Path) -> None:
    samples = sweep(3.0, 48_000)
    path = lossy_file(tmp_path, suffix, codec, samples)
    loaded = audio.load(path)
    lag, error = lag_and_error(loaded, audio.from_array(samples, 48_000))
    assert error < 0.25
    # Raw AAC carries no count of the encoder's delay; every other container does.
    assert abs(lag) <= (1100 if suffix == "aac" else 2)
    assert len(loaded) == pytest.approx(3 * RATE, abs=0.1 * RATE)
    found = audio.info(path)
    assert found.channels == 1
    assert found.sample_rate == 48_000
    assert found.duration_s == pytest.approx(3.0, abs=0.15)


def test_lossless_sound_in_matroska(tmp_path: Path) -> None:
    samples = noise(1.0, rate=48_000)
    path = encode(tmp_path / "clip.mka", samples, 48_000, "flac")
    np.testing.assert_allclose(
        audio.load(path, sample_rate=48_000), samples, rtol=0, atol=1 / 16_000
    )


def test_a_picture_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "silent film.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
        container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
    with pytest.raises(AudioError, match="no sound in it"):
        audio.load(path)


def test_tags_that_are_not_utf8_do_no_harm(tmp_path: Path) -> None:
    path = encode(tmp_path / "tags.m4a", noise(1.0, rate=48_000), 48_000, "aac")
    with av.open(str(path)) as source, av.open(str(tmp_path / "t.m4a"), "w") as target:
        target.metadata["title"] = "XXXXXX"
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    tagged = (tmp_path / "t.m4a").read_bytes()
    assert b"XXXXXX" in tagged
    path.write_bytes(tagged.replace(b"XXXXXX", b"\xe9t\xe9\xff\xfe\xe8"))
    assert len(audio.load(path)) > 0.9 * RATE


# --- rates and channels ----------------------------------------------------------------------

RATES = (4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000)


@pytest.mark.parametrize("rate", RATES)
def test_resampling_agrees_with_two_others(rate: int, tmp_path: Path) -> None:
    samples = noise(1.0, rate=min(rate, 16_000))
    if rate > 16_000:  # one sound of at most 4.8 kHz, at every rate
        samples = scipy.signal.resample(samples, rate).astype(np.float32)
    path = write(tmp_path / "clip.wav", samples, rate, subtype="FLOAT")
    streamed = audio.load(path)
    at_once = audio.from_array(samples, rate)
    assert len(streamed) == pytest.approx(RATE, abs=2)
    assert len(at_once) == pytest.approx(RATE, abs=2)
    by_soxr = soxr.resample(samples, rate, RATE, "VHQ")
    by_scipy = scipy.signal.resample(samples.astype(np.float64), RATE)
    inside = slice(1600, 30_000)  # the Fourier method takes the clip for periodic
    for ours in (streamed, at_once):
        np.testing.assert_allclose(ours[inside], by_soxr[inside], rtol=0, atol=2e-4)
        np.testing.assert_allclose(ours[inside], by_scipy[inside], rtol=0, atol=2e-4)


@pytest.mark.parametrize("rate", (3_999, 400_000))
def test_rates_outside_the_limits_are_refused(rate: int, tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", noise(0.5, rate=rate), rate)
    for read in (lambda: audio.load(path), lambda: audio.from_array(noise(0.5), rate)):
        with pytest.raises(AudioError, match=f"sample rate of {rate} Hz"):
            read()


@pytest.mark.parametrize("channels", (1, 2, 3, 6, 8, 32))
def test_channels_are_averaged(channels: int, tmp_path: Path) -> None:
    each = np.stack([noise(0.2, seed=seed) for seed in range(channels)], axis=1)
    path = write(tmp_path / "clip.wav", each, subtype="FLOAT")
    assert audio.info(path).channels == channels
    for mono in (audio.load(path), audio.from_array(each, RATE)):
        np.testing.assert_allclose(mono, each.mean(axis=1), rtol=0, atol=1e-6)


def test_too_many_channels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", np.zeros((100, 33), np.float32))
    with pytest.raises(AudioError, match="33 channels"):
        audio.load(path)
    with pytest.raises(AudioError, match="33 channels"):
        audio.from_array(np.zeros((9_000, 33)), RATE)


@given(
    dtype=st.sampled_from(
        ("float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "int64")
    ),
    channels=st.integers(1, 4),
    rate=st.sampled_from((8_000, 32_000, 44_100)),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_arrays_of_any_type_mean_the_same_sound(dtype: str, channels: int, rate: int) -> None:
    wave = np.repeat(tone(0.1, hz=400, rate=rate)[:, None], channels, axis=1).astype(np.float64)
    kind = np.dtype(dtype)
    if kind.kind == "i":
        given_ = (wave * -float(np.iinfo(kind).min)).astype(kind)
    elif kind.kind == "u":
        given_ = ((wave + 1) * (np.iinfo(kind).max + 1) / 2).astype(kind)
    else:
        given_ = wave.astype(kind)
    kept = given_.copy()
    found = audio.from_array(given_, rate)
    np.testing.assert_array_equal(given_, kept)
    coarse = {1: 0.02}.get(kind.itemsize, 2e-3)
    np.testing.assert_allclose(
        found[200:-200], audio.from_array(wave, rate)[200:-200], rtol=0, atol=coarse
    )


@pytest.mark.parametrize(
    ("samples", "message"),
    (
        (np.zeros(0), "0 samples"),
        (np.zeros((0, 2), np.int16), "0 samples"),
        (np.ones(1, np.float32), r"1 sample at 32000 Hz \(0.0312 ms\)"),
        (np.zeros(799, np.float32), "799 samples"),
        (np.float32(3.0), r"shape \(\)"),
        (np.zeros((2, 9, 9)), r"shape \(2, 9, 9\)"),
        (np.zeros((9_000, 0)), "0 channels"),
        (np.full(9_000, np.nan), "9000 samples that are NaN or infinite"),
        (np.r_[np.zeros(9_000), np.inf], "1 sample that is NaN or infinite"),
        (np.full(9_000, 1e300), "NaN or infinite"),
        (np.full(9_000, 20_000.0), "peaks at 20000"),
        (np.zeros(9_000, bool), "type bool"),
        (np.zeros(9_000, complex), "type complex128"),
    ),
)
def test_arrays_that_are_no_sound(samples: NDArray[np.generic], message: str) -> None:
    with pytest.raises(AudioError, match=message):
        audio.from_array(samples, RATE)


def test_an_array_may_be_silent() -> None:
    assert not audio.from_array(np.zeros(RATE, np.int16), RATE).any()


# --- stretches and streams -------------------------------------------------------------------

STRETCHED = (
    ("wav", "PCM_16", 44_100),
    ("wav", "FLOAT", 22_050),
    ("flac", "PCM_16", 48_000),
    ("aiff", "PCM_16", 11_025),
    ("ogg", "VORBIS", 44_100),
    ("opus", "OPUS", 48_000),
    ("mp3", "MPEG_LAYER_III", 44_100),
    ("m4a", "aac", 44_100),
    ("aac", "aac", 48_000),
    ("mka", "flac", 48_000),
)
STRETCHES = ((0.0, 1.0), (0.05, 0.5), (1.2345, 2.0), (3.33333, 0.1), (5.5, None), (5.5, 2.0))


@pytest.mark.parametrize(("suffix", "codec", "rate"), STRETCHED)
def test_a_stretch_is_a_slice_of_the_whole(
    suffix: str, codec: str, rate: int, tmp_path: Path
) -> None:
    path, samples = tmp_path / f"clip.{suffix}", noise(6.0, rate=rate)
    if suffix in {"m4a", "aac", "mka"}:
        # A decoder fills noisy bands of AAC with noise of its own, which does not compare.
        samples = sweep(6.0, rate) if codec == "aac" else samples
        encode(path, samples, rate, codec)
    else:
        write(path, samples, rate, subtype=codec, **({"format": "OGG"} if suffix == "opus" else {}))
    whole, error = audio.load(path), 5e-3 if codec == "aac" else 2e-4
    for start_s, duration_s in STRETCHES:
        first = round(start_s * RATE)
        last = None if duration_s is None else first + round(duration_s * RATE)
        stretch = audio.load(path, start_s=start_s, duration_s=duration_s)
        np.testing.assert_allclose(stretch, whole[first:last], rtol=0, atol=error)


@pytest.mark.parametrize("options", ({}, {"live": "1"}), ids=("indexed", "live"))
def test_a_stretch_of_webm_is_true_to_its_clock(options: dict[str, str], tmp_path: Path) -> None:
    """Matroska counts in whole milliseconds, and a browser's recording has no index."""
    path = encode(tmp_path / "clip.webm", noise(6.0, rate=48_000), 48_000, "libopus", **options)
    whole = audio.load(path)
    stretch = audio.load(path, start_s=2.0, duration_s=3.0)
    assert len(stretch) == 3 * RATE
    lag, error = lag_and_error(stretch, whole[2 * RATE : 5 * RATE])
    assert abs(lag) <= 2 * RATE // 1000
    assert error < 0.02


def test_times_in_a_file_need_not_begin_at_zero(tmp_path: Path) -> None:
    path, samples = tmp_path / "late.mka", noise(4.0, rate=48_000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=48_000, layout="mono")
        for first in range(0, len(samples), 4800):
            block = (samples[None, first : first + 4800] * 32_767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48_000, first + 5 * 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    stretch = audio.load(path, start_s=2.0, duration_s=1.0, sample_rate=48_000)
    np.testing.assert_allclose(stretch, samples[96_000:144_000], rtol=0, atol=1e-4)


def test_blocks_make_the_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.flac", noise(25.0, rate=44_100), 44_100)
    blocks = list(audio.stream(path))
    assert len(blocks) > 2
    np.testing.assert_array_equal(np.concatenate(blocks), audio.load(path))


@pytest.mark.parametrize(("start_s", "duration_s"), ((-0.1, 1.0), (0.0, 0.0), (1.0, -2.0)))
def test_impossible_stretches(start_s: float, duration_s: float, tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", noise(1.0))
    with pytest.raises(AudioError, match="a stretch from"):
        audio.load(path, start_s=start_s, duration_s=duration_s)


def test_a_stretch_after_the_end_has_no_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", noise(1.0))
    with pytest.raises(AudioError, match="0 samples"):
        audio.load(path, start_s=2.0, duration_s=1.0)


@pytest.fixture(scope="module")
def half_an_hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rate = 8_000
    minute = noise(60.0, rate=rate)
    path = tmp_path_factory.mktemp("long") / "half an hour.wav"
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for _ in range(30):
            file.write(minute)
    return path


def test_a_long_file_is_never_held_whole(half_an_hour: Path) -> None:
    tracemalloc.start()
    try:
        total = sum(len(block) for block in audio.stream(half_an_hour))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == pytest.approx(30 * 60 * RATE, abs=2)
    assert peak < 16e6 < total * 4 / 10


def test_a_stretch_of_a_long_file_is_all_that_is_decoded(
    half_an_hour: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = decoded_by_soundfile(monkeypatch)
    assert len(audio.load(half_an_hour, start_s=1700.0, duration_s=2.0)) == 2 * RATE
    assert sum(decoded) <= 2.5 * 8_000


def test_a_stretch_of_a_film_is_all_that_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / "clip.m4a", noise(60.0, rate=16_000), 16_000, "aac")
    frames = decoding._ffmpeg_frames
    decoded: list[int] = []

    def counted(*args: object) -> Iterator[tuple[Floats, int]]:
        for block, begin in frames(*args):  # type: ignore[arg-type]
            decoded.append(len(block))
            yield block, begin

    monkeypatch.setattr(decoding, "_ffmpeg_frames", counted)
    assert len(audio.load(path, start_s=50.0, duration_s=2.0)) == 2 * RATE
    assert sum(decoded) <= 3 * 16_000


# --- what is no sound ------------------------------------------------------------------------


def assert_refused(path: Path, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        audio.load(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert_refused(tmp_path / "none.wav", "is not a file")
    assert_refused(tmp_path, "is not a file")
    assert_refused(tmp_path / ("n" * 5000 + ".wav"), "cannot be opened")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    assert_refused(tmp_path / "empty.wav", "empty .0 bytes.")


@pytest.mark.parametrize(
    "suffix", ("wav", "mp3", "flac", "m4a", "webm", "raw", "RAW", "txt", "ogg")
)
@pytest.mark.parametrize("content", (b"hello, world\n" * 500, bytes(range(256)) * 40, b"\0" * 9000))
def test_what_is_no_sound_whatever_its_name(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"notes.{suffix}"
    path.write_bytes(content)
    with pytest.raises(AudioError):
        audio.load(path)
    with pytest.raises(AudioError):
        audio.info(path)


def test_files_with_hardly_a_sample(tmp_path: Path) -> None:
    for count in (0, 1, 799):
        path = write(tmp_path / f"{count}.wav", noise(1.0)[:count])
        assert_refused(path, f"has {count} sample")
    assert len(audio.load(write(tmp_path / "800.wav", noise(1.0)[:800]))) == 800


@pytest.mark.parametrize("bad", (np.nan, np.inf, -np.inf))
def test_samples_that_are_not_numbers(bad: float, tmp_path: Path) -> None:
    samples = noise(0.5)
    samples[77] = bad
    path = write(tmp_path / "bad.wav", samples, subtype="FLOAT")
    assert_refused(path, "bad.wav has 1 sample that is NaN or infinite")


def test_samples_that_are_not_numbers_are_counted_as_the_file_holds_them(tmp_path: Path) -> None:
    """In blocks of ten seconds, and at a rate where a resampler would spread them."""
    samples = noise(12.0, rate=44_100)
    samples[440_600:441_600] = np.nan
    path = write(tmp_path / "bad.wav", samples, 44_100, subtype="FLOAT")
    assert_refused(path, "bad.wav has 1000 samples that are NaN or infinite")
    with pytest.raises(AudioError, match="the clip has 1000 samples that are NaN"):
        audio.from_array(samples, 44_100)
    with pytest.raises(AudioError, match=r"from 9.7 s to 10 s, has 400 samples that are NaN"):
        audio.load(path, start_s=9.8, duration_s=0.1)
    assert len(audio.load(path, start_s=2.0, duration_s=3.0)) == 3 * RATE


def test_digital_silence(tmp_path: Path) -> None:
    path = write(tmp_path / "silence.wav", np.zeros(RATE))
    assert_refused(path, "digital silence")
    assert not audio.load(path, silence_allowed=True).any()


def test_unnormalised_floats(tmp_path: Path) -> None:
    path = write(tmp_path / "loud.wav", noise(0.5) * 32_768, subtype="FLOAT")
    assert_refused(path, "float samples must lie in")


@pytest.mark.parametrize(("suffix", "codec"), LOSSY_SOUNDFILE + LOSSY_FFMPEG)
@pytest.mark.parametrize("left", (0.02, 0.5, 0.95))
def test_a_truncated_file_gives_what_is_left_or_one_message(
    suffix: str, codec: str, left: float, tmp_path: Path
) -> None:
    path = lossy_file(tmp_path, suffix, codec, noise(3.0, rate=48_000))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left)])
    try:
        loaded = audio.load(path)
    except AudioError as error:
        assert path.name in str(error)
    else:
        assert np.isfinite(loaded).all()
        assert 0 < len(loaded) <= 3.2 * RATE


@given(data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_damaged_files_give_sound_or_an_audio_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    suffix = data.draw(st.sampled_from(("wav", "flac", "ogg", "mp3", "m4a", "webm")))
    original = tmp_path_factory.getbasetemp() / f"whole.{suffix}"
    if not original.exists():
        codec = {"m4a": "aac", "webm": "libopus"}.get(suffix)
        sound = noise(0.5, rate=48_000)
        encode(original, sound, 48_000, codec) if codec else write(original, sound, 48_000)
    content = bytearray(original.read_bytes())
    places = data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20))
    for place in places:
        content[place] = data.draw(st.integers(0, 255))
    damaged = original.with_name(f"damaged.{suffix}")
    damaged.write_bytes(content)
    try:
        assert np.isfinite(audio.load(damaged)).all()
    except AudioError as error:
        assert "damaged" in str(error)


@pytest.mark.parametrize("name", ("дождь 雨 🌧.wav", "a" * 200 + ".flac", "quote'\".wav", "-n.wav"))
def test_names_of_all_kinds(name: str, tmp_path: Path) -> None:
    assert len(audio.load(write(tmp_path / name, noise(0.2)))) == 0.2 * RATE


# --- files that point to other files ---------------------------------------------------------

POINTERS = (
    ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{0}\n#EXT-X-ENDLIST\n"),
    ("list.wav", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{0}\n#EXT-X-ENDLIST\n"),
    ("list.m3u", "#EXTM3U\n{0}\n"),
    ("list.ffconcat", "ffconcat version 1.0\nfile '{0}'\n"),
    ("list.mp3", "ffconcat version 1.0\nfile '{0}'\n"),
    ("list.pls", "[playlist]\nFile1={0}\nLength1=1\nNumberOfEntries=1\n"),
    (
        "list.sdp",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    ),
    ("list.asx", '<asx version="3.0"><entry><ref href="{0}"/></entry></asx>'),
    (
        "list.mpd",
        (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
            'mediaPresentationDuration="PT1S" '
            'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
            '<AdaptationSet mimeType="audio/mp4"><Representation id="0" bandwidth="1">'
            "<BaseURL>{0}</BaseURL></Representation></AdaptationSet></Period></MPD>"
        ),
    ),
)


@pytest.mark.parametrize(("name", "text"), POINTERS)
def test_playlists_do_not_open_other_files(name: str, text: str, tmp_path: Path) -> None:
    """What waits in a pipe at the other end is still there afterwards: nobody read it."""
    secret = write(tmp_path / "plain.wav", noise(0.3)).read_bytes()
    pipe = tmp_path / "secret.wav"
    os.mkfifo(pipe)
    ours = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(ours, secret)
        for pointer in (str(pipe), "secret.wav", f"file://{pipe}", f"concat:{pipe}"):
            (tmp_path / name).write_text(text.format(pointer))
            assert_refused(tmp_path / name, "not a sound that can be read")
        assert os.read(ours, len(secret) + 1) == secret
    finally:
        os.close(ours)


@contextmanager
def counting_server() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/clip.wav", asked
        finally:
            server.shutdown()
            thread.join()


def test_playlists_do_not_reach_the_network(tmp_path: Path) -> None:
    with counting_server() as (address, asked):
        for name, text in POINTERS:
            (tmp_path / name).write_text(text.format(address))
            assert_refused(tmp_path / name, "not a sound that can be read")
        assert asked == []


# --- files that change while they are read ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stretch"),
    (
        ("cut.wav", {}),
        ("cut.wav", {"sample_rate": 16_000}),
        ("cut.wav", {"start_s": 5.0}),
        ("cut.wav", {"start_s": 5.0, "duration_s": 35.0}),
        ("cut.flac", {}),
    ),
)
def test_a_file_that_becomes_shorter_while_it_is_read_is_refused(
    name: str, stretch: dict[str, float], tmp_path: Path
) -> None:
    path = write(tmp_path / name, noise(40.0))
    blocks = audio.stream(path, **stretch)
    next(blocks)
    os.truncate(path, path.stat().st_size * 21 // 40)
    with pytest.raises(AudioError, match=r"cut\.\w+ became shorter .* after \d\d\.\d\d s; let no"):
        list(blocks)


def test_a_film_that_becomes_shorter_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "cut.webm", noise(40.0, rate=48_000), 48_000, "libopus")
    blocks = audio.stream(path)
    next(blocks)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(AudioError, match="became shorter while it was read"):
        list(blocks)


def test_a_stretch_that_was_read_before_its_file_became_shorter_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.wav", noise(40.0))
    blocks = audio.stream(path, duration_s=15.0)
    first = next(blocks)
    os.truncate(path, 2 * 21 * RATE)
    assert len(first) + sum(map(len, blocks)) == 15 * RATE


def test_a_stretch_is_told_only_where_it_is_not_the_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.wav", np.full(RATE, np.nan, np.float32), subtype="FLOAT")
    with pytest.raises(AudioError, match=r"^bad\.wav has 32000 samples that are NaN"):
        audio.load(path, duration_s=2.0)
    with pytest.raises(AudioError, match=r"^bad\.wav, from 0 s to 0\.6 s, has"):
        audio.load(path, duration_s=0.5)


def test_a_file_that_another_takes_the_place_of_is_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.wav", noise(40.0))
    blocks = audio.stream(path)
    first = next(blocks)
    write(tmp_path / "other.wav", noise(1.0)).replace(path)
    assert len(first) + sum(map(len, blocks)) == 40 * RATE
