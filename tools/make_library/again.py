"""Near duplicates: a clip of the library once more, a little apart, in another room."""

from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.random import PCG64, Generator
from scipy import signal

from .dsp import Signal, between, low, samples
from .made import MADE
from .nature import NATURE
from .source import Source, seed_of
from .space import room

LONGEST = 4.0
"""Seconds at which a clip that was slowed down is cut."""

ORIGINALS = (
    ("rain", 2), ("dog", 3), ("bird", 1), ("chainsaw", 2), ("church-bell", 2), ("doorbell", 1),
    ("piano", 2), ("drum-kit", 2), ("helicopter", 2),
)  # fmt: skip
"""Slug and number of the clips that come again."""

BY_SLUG = MappingProxyType({source.slug: source for source in (*NATURE, *MADE)})


def retake(rng: Generator, slug: str, number: int) -> Signal:
    """The clip of that slug and number, up to a third of a tone off, in another room."""
    source = BY_SLUG[slug]
    first = source.generate(Generator(PCG64(seed_of(slug, number))))
    ratio = 2 ** (rng.choice([-1, 1]) * between(rng, 0.2, 0.6) / 12)
    moved = np.asarray(signal.resample(first, round(len(first) * ratio)), dtype=np.float64)
    moved = low(moved[: samples(LONGEST)], between(rng, 6000, 12_000), 1)
    return room(rng, moved, rt60=between(rng, 0.4, 1.0), wet=between(rng, 0.3, 0.6), size=6)


AGAIN: tuple[Source, ...] = tuple(
    Source(
        BY_SLUG[slug].label,
        f"{BY_SLUG[slug].name(number)}-again",
        BY_SLUG[slug].family,
        1,
        partial(retake, slug=slug, number=number),
        BY_SLUG[slug].also,
        numbered=False,
    )
    for slug, number in ORIGINALS
)
