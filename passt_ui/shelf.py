"""The libraries that the browser may hear, each under a key that tells nothing of this machine."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from dataclasses import asdict
from weakref import WeakValueDictionary

from passt_core.errors import LibraryError
from passt_core.library.store import SoundLibrary

_TOKEN_BYTES = 18
_DIGITS = 8


class LibraryShelf:
    """Open libraries by key; safe between threads.

    A library that all visitors share has a key that can be read, and stays. A visitor's own one
    has a random token for a key, and stays as long as the visitor's state holds it.
    """

    def __init__(self) -> None:
        self._shared: dict[str, SoundLibrary] = {}
        self._own: WeakValueDictionary[str, SoundLibrary] = WeakValueDictionary()
        self._lock = threading.Lock()

    def share(self, library: SoundLibrary) -> str:
        """Put a library there for all visitors; the same one has the same key each time."""
        key = f"{library.name}-{checksum(library)[:_DIGITS]}"
        with self._lock:
            self._shared[key] = library
        return key

    def keep(self, library: SoundLibrary) -> str:
        """Put a visitor's own library there, under a token that cannot be guessed."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._own[token] = library
        return token

    def is_shared(self, key: str) -> bool:
        """Whether all visitors may know the library of this key."""
        with self._lock:
            return key in self._shared

    def library(self, key: str) -> SoundLibrary:
        """The library of a key.

        Raises:
            LibraryError: there is none, or not any more.
        """
        with self._lock:
            found = self._shared.get(key, self._own.get(key))
        if found is None:
            raise LibraryError("There is no such library here any more; reload the page.")
        return found


def checksum(library: SoundLibrary) -> str:
    """SHA-256 of a library's manifest, which holds those of its files."""
    text = json.dumps(asdict(library.manifest), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
