"""Libraries of uploaded sounds: a folder of a visit, or the storage that all visitors share.

``index/NAME`` is a library; ``sounds/NAME/000`` and so on are its batches, the sounds that came
together. A name is checked before it becomes that of a folder; nothing else of a visitor does.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from passt_core.errors import LibraryError
from passt_core.library import journal, store
from passt_core.library.manifest import Manifest, check_name
from passt_ui.library.listed import ListedLibrary, Owner

_ABANDONED_S = 3600.0


class UploadedLibraries:
    """The libraries of one folder; safe between threads."""

    def __init__(self, root: Path, owner: Owner) -> None:
        """Take a folder in use; nothing is written yet."""
        self.owner = owner
        self._root = root.resolve()
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    @classmethod
    def of_storage(cls, root: Path) -> UploadedLibraries:
        """Those that stay, and that all visitors share.

        Raises:
            LibraryError: the folder cannot be made or written to.
        """
        libraries = cls(root, Owner.STORED)
        try:
            for folder in (libraries.index, libraries.sounds):
                folder.mkdir(parents=True, exist_ok=True)
            probe = libraries.index / f".probe-{secrets.token_hex(8)}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise LibraryError(
                f"libraries cannot be stored in {root} ({error.strerror or error}); "
                "set PASST_STORAGE to a folder that can be written to, or leave it out"
            ) from error
        return libraries

    @property
    def index(self) -> Path:
        """Folder of the libraries."""
        return self._root / "index"

    @property
    def sounds(self) -> Path:
        """Folder of their sounds."""
        return self._root / "sounds"

    def listed(self) -> list[ListedLibrary]:
        """The libraries there are, by name."""
        return [self.library(name) for name in store.names(self.index)]

    def library(self, name: str) -> ListedLibrary:
        """The library of a name, whether it is there or not."""
        return ListedLibrary(owner=self.owner, name=name, folder=self.index / check_name(name))

    def holds(self, library: ListedLibrary) -> bool:
        """Whether a library is one of these, and there."""
        return library in self.listed()

    def room(self, name: str, most_bytes: int) -> int:
        """Bytes that a library's sounds may still take."""
        files = (path for path in (self.sounds / check_name(name)).rglob("*") if path.is_file())
        return max(0, most_bytes - sum(path.stat().st_size for path in files))

    @contextmanager
    def working(self, name: str) -> Iterator[None]:
        """Keep a library for one who changes it.

        Raises:
            LibraryError: another does.
        """
        check_name(name)
        with self._lock:
            if name in self._busy:
                raise LibraryError(
                    f"the library {name} is being changed just now; try again when that is done"
                )
            self._busy.add(name)
        try:
            self._remove_abandoned(name)
            yield
        finally:
            with self._lock:
                self._busy.discard(name)

    @contextmanager
    def batch(self, name: str) -> Iterator[Path]:
        """A new folder for sounds of a library; unless the block ends well, it is removed."""
        folder = self._new_batch(name)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                folder.parent.rmdir()
            raise

    def delete(self, name: str) -> None:
        """Delete a library and its sounds.

        Raises:
            LibraryError: there is none, another changes it, or it cannot be deleted.
        """
        with self.working(name):
            library = self.library(name)
            store.delete(library.folder)
            journal.remove(library.folder)
            shutil.rmtree(self.sounds / name, ignore_errors=True)

    def said(self, message: str) -> str:
        """A message without the folders of this machine."""
        return message.replace(f"{self._root}{os.sep}", "")

    def _new_batch(self, name: str) -> Path:
        for number in count():
            folder = self.sounds / check_name(name) / f"{number:03d}"
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise LibraryError(
                    f"the sounds cannot be kept ({error.strerror or error}); "
                    "tell who runs this app to make room"
                ) from error
            return folder
        raise AssertionError("numbers do not end")

    def _remove_abandoned(self, name: str) -> None:
        """Remove batches that a process which was killed left behind."""
        home = self.index / name
        try:
            used = {(home / source.root).resolve() for source in Manifest.read(home).sources}
        except LibraryError:
            used = set()
        for batch in (self.sounds / name).glob("*"):
            with suppress(OSError):
                old = time.time() - batch.stat().st_mtime > _ABANDONED_S
                if old and batch.resolve() not in used:
                    shutil.rmtree(batch)
