"""What a class of the library is: its name, its family, how many clips, what makes them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from numpy.random import Generator

from .dsp import Signal

SALT = "second edition"
"""Part of every seed: no clip is one that the models were taught with."""


def seed_of(name: str, index: int) -> int:
    """Seed of a clip: 32 bits of SHA-256 of its slug, its number and `SALT`."""
    return int.from_bytes(hashlib.sha256(f"{SALT}/{name}#{index}".encode()).digest()[:4], "big")


@dataclass(frozen=True)
class Source:
    """Clips of one making; `label` and `also` are AudioSet display names.

    `also` holds further labels of what is heard beside the main one. Clips are named by `slug`
    and a number, or by `slug` alone where `numbered` is false (then `count` is one).
    """

    label: str
    slug: str
    family: str
    count: int
    generate: Callable[[Generator], Signal]
    also: tuple[str, ...] = ()
    numbered: bool = True

    def name(self, index: int) -> str:
        """Id of the clip of that number, from one."""
        return f"{self.slug}-{index:02d}" if self.numbered else self.slug

    @property
    def generator(self) -> str:
        """Name of the generator as the catalogue gives it: module.function, with its arguments."""
        if isinstance(self.generate, partial):
            values = " ".join(map(str, self.generate.keywords.values()))
            return f"{_name(self.generate.func)}({values})"
        return _name(self.generate)


def _name(function: Callable[..., Signal]) -> str:
    """Module and name of a function."""
    return f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}"
