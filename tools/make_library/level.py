"""Loudness after ITU-R BS.1770 / EBU R 128, a look-ahead limiter, fades."""

import numpy as np
from scipy import ndimage, signal

from .dsp import SR, Signal, gain, samples

TARGET_LUFS = -23.0
PEAK_DBFS = -1.0
ENCODER_MARGIN_DB = 1.5
LIMITER_MAX_DB = 6.0
FADE_SECONDS = 0.010
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0


def _shelf() -> tuple[Signal, Signal]:
    """BS.1770 head shelf at `SR` (analogue prototype of the standard's 48 kHz filter)."""
    k = np.tan(np.pi * 1681.974450955533 / SR)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    b = np.array([high + middle * k / q + k * k, 2 * (k * k - high), high - middle * k / q + k * k])
    a = np.array([1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k])
    return b / a[0], a / a[0]


def _rumble() -> tuple[Signal, Signal]:
    """BS.1770 high-pass at `SR`."""
    k = np.tan(np.pi * 38.13547087602444 / SR)
    q = 0.5003270373238773
    a = np.array([1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k])
    return np.array([1.0, -2.0, 1.0]), a / a[0]


def loudness(x: Signal) -> float:
    """Integrated, gated loudness of a mono signal in LUFS; -inf for silence.

    Blocks of 400 ms, 75 % overlap; a shorter signal is one block.
    """
    weighted = signal.lfilter(*_rumble(), signal.lfilter(*_shelf(), x))
    size, hop = samples(0.4), samples(0.1)
    starts = range(0, max(len(x) - size, 0) + 1, hop)
    power = np.array([np.mean(weighted[i : i + size] ** 2) for i in starts]) + 1e-20
    level = -0.691 + 10 * np.log10(power)
    kept = power[level > ABSOLUTE_GATE_LUFS]
    if not len(kept):
        return float("-inf")
    gate = -0.691 + 10 * np.log10(np.mean(kept)) + RELATIVE_GATE_LU
    kept = kept[-0.691 + 10 * np.log10(kept) > gate]
    return float(-0.691 + 10 * np.log10(np.mean(kept)))


def limit(x: Signal, ceiling: float) -> Signal:
    """`x` with no sample above `ceiling`: look-ahead of 2.5 ms, smooth gain."""
    size = samples(0.005) | 1
    hull = ndimage.maximum_filter1d(np.abs(x), size)
    wanted = np.minimum(1.0, ceiling / np.maximum(hull, 1e-12))
    window = signal.windows.hann(size + 2)[1:-1]
    smooth = ndimage.convolve1d(wanted, window / window.sum(), mode="nearest")
    return np.asarray(x * smooth, dtype=np.float64)


def fade(x: Signal) -> Signal:
    """`x` with raised-cosine ends of `FADE_SECONDS`."""
    n = samples(FADE_SECONDS)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(n) / n)
    out = x.copy()
    out[:n] *= ramp
    out[-n:] *= ramp[::-1]
    return out


def level(x: Signal) -> Signal:
    """`x` at `TARGET_LUFS`, or as near as `LIMITER_MAX_DB` of limiting under the peak allows."""
    sos = signal.butter(2, 20.0, "high", fs=SR, output="sos")
    steady = fade(np.asarray(signal.sosfilt(sos, x - np.mean(x)), dtype=np.float64))
    ceiling = gain(PEAK_DBFS - ENCODER_MARGIN_DB)
    wanted = gain(TARGET_LUFS - loudness(steady))
    most = ceiling * gain(LIMITER_MAX_DB) / max(float(np.max(np.abs(steady))), 1e-12)
    return limit(steady * min(wanted, most), ceiling)
