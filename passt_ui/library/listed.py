"""The libraries that a visitor may choose among, each under a key that is text only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from passt_core.errors import LibraryError
from passt_core.files import INDEX
from passt_core.library import store
from passt_core.library.manifest import Manifest


class Owner(StrEnum):
    """Whose a library is."""

    APP = "app"
    """It lies in ``index/``; the page changes none of these."""
    STORED = "stored"
    """It lies in the storage folder, and all visitors share it."""
    OWN = "own"
    """It lies in a folder of the visit, and goes with it."""


_SAID = MappingProxyType({Owner.APP: "", Owner.STORED: " · stored", Owner.OWN: " · yours"})


@dataclass(frozen=True, kw_only=True)
class ListedLibrary:
    """A library that can be chosen: whose it is, its name, and the folder it lies in."""

    owner: Owner
    name: str
    folder: Path

    @property
    def key(self) -> str:
        """What the page knows it by."""
        return f"{self.owner}:{self.name}"

    @property
    def changeable(self) -> bool:
        """Whether visitors may add to it, remove from it and delete it."""
        return self.owner is not Owner.APP

    @property
    def choice(self) -> tuple[str, str]:
        """What the list of libraries calls it, and its key."""
        try:
            amount = f"{Manifest.read(self.folder).count} sounds"
        except LibraryError:
            amount = "cannot be read"
        return f"{self.name} · {amount}{_SAID[self.owner]}", self.key


def of_app(name: str) -> ListedLibrary:
    """The library of a name in ``index/``."""
    return ListedLibrary(owner=Owner.APP, name=name, folder=INDEX / name)


def all_of_app() -> list[ListedLibrary]:
    """The libraries in ``index/``."""
    return [of_app(name) for name in store.names(INDEX)]


def choices(libraries: Iterable[ListedLibrary]) -> list[tuple[str, str]]:
    """(what the page says, key) of each."""
    return [library.choice for library in libraries]


def chosen_key(chosen: ListedLibrary | None, libraries: Sequence[ListedLibrary]) -> str | None:
    """The key of the library that was chosen; None if it is not among these."""
    return chosen.key if chosen is not None and chosen in libraries else None


def find(key: str, libraries: Sequence[ListedLibrary]) -> ListedLibrary:
    """The library of a key.

    Raises:
        LibraryError: none of these has it.
    """
    found = next((library for library in libraries if library.key == key), None)
    if found is None:
        name = key.partition(":")[2] or key
        raise LibraryError(
            f"there is no library {name[:80]!r} any more; choose another of the list"
        )
    return found
