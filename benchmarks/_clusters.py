"""Made-up embeddings that lie as those of sounds do, as many as are wanted.

A hierarchical Gaussian mixture: families of classes, classes of sources, sources of clips. Sizes
are heavy-tailed (class r has a share of 1/r, source s of 1/s^0.6), and so are the spreads of the
sources. All of it lies in 64 of the dimensions, the later the less, turned at random, with a
little noise in the others and a common direction that lets a random pair have a cosine of about
0.2. Dimensions are scaled unequally (log-normal), as in trained networks a few are large.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LATENT = 64
FAMILIES = 25
CLASSES = 600
PER_SOURCE = 40
"""Clips per source, in the mean."""
WIDTHS = (0.5, 0.6, 0.45, 0.35)
"""Of families about the middle, classes about families, sources, clips."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """A mixture for ``count`` clips; ``seed`` places its clusters, the space is always the same."""

    count: int
    dim: int
    seed: int = 0
    scales: Floats = field(init=False)
    basis: Floats = field(init=False)
    middle: Floats = field(init=False)
    decay: Floats = field(init=False)
    centres: Floats = field(init=False)
    classes: NDArray[np.int32] = field(init=False)
    spreads: Floats = field(init=False)
    shares: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        """Draw the space, then the clusters."""
        space, draw = np.random.default_rng(0), np.random.default_rng(self.seed)
        latent = min(LATENT, self.dim)
        decay = np.arange(1, latent + 1) ** -0.3
        decay /= np.linalg.norm(decay)

        def around(centres: NDArray[np.floating], width: float) -> NDArray[np.floating]:
            return centres + width * decay * draw.standard_normal((len(centres), latent))

        sources = max(self.count // PER_SOURCE, CLASSES)
        of_class = draw.choice(CLASSES, sources, p=zipf(CLASSES, 1.0))
        families = around(np.zeros((FAMILIES, latent)), WIDTHS[0])
        classes = around(families[draw.choice(FAMILIES, CLASSES, p=zipf(FAMILIES, 1.0))], WIDTHS[1])
        middle = space.standard_normal(self.dim)
        known = {
            "scales": np.exp(0.5 * space.standard_normal(self.dim)),
            "basis": np.linalg.qr(space.standard_normal((self.dim, latent)))[0].T,
            "middle": 0.5 * middle / np.linalg.norm(middle),
            "decay": decay,
            "centres": around(classes[of_class], WIDTHS[2]),
            "spreads": WIDTHS[3] * np.exp(0.4 * draw.standard_normal(sources)),
        }
        for name, values in known.items():
            object.__setattr__(self, name, values.astype(np.float32))
        object.__setattr__(self, "classes", of_class.astype(np.int32))
        object.__setattr__(self, "shares", np.cumsum(draw.permutation(zipf(sources, 0.6))))

    def draw(self, count: int, block: int) -> tuple[Floats, NDArray[np.int32]]:
        """Embeddings of length 1, (count, dim), and their classes: the same for the same block."""
        draw = np.random.default_rng((self.seed, block))
        source = np.searchsorted(self.shares, draw.random(count)).clip(max=len(self.shares) - 1)
        latent = draw.standard_normal((count, len(self.decay)), dtype=np.float32) * self.decay
        latent = self.centres[source] + self.spreads[source, None] * latent
        noise = draw.standard_normal((count, self.dim), dtype=np.float32)
        vectors = self.middle + latent @ self.basis + 0.15 / np.sqrt(np.float32(self.dim)) * noise
        vectors *= self.scales
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), self.classes[source]


def zipf(count: int, power: float) -> NDArray[np.float64]:
    shares = np.arange(1, count + 1) ** -power
    return shares / shares.sum()
