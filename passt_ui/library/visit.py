"""What belongs to one visitor of the Library tab: libraries of their own, and work that goes on."""

from __future__ import annotations

import secrets
import shutil
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradio.utils import get_upload_folder

from passt_core.errors import LibraryError
from passt_ui.library.listed import Owner
from passt_ui.library.uploaded import UploadedLibraries

_TOKEN_BYTES = 18


class Work:
    """Whether a build goes on, whether it was asked to stop, and what came of it.

    One thread builds, and others ask it to stop.
    """

    def __init__(self) -> None:
        self._running = threading.Lock()
        self._stopped = threading.Event()
        self.why = ""
        self.built = ""
        """Key of a library that was built, and is not in hand yet."""

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped.is_set()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._running.locked()

    def stop(self, why: str) -> None:
        """Ask it to stop after its next step, and tell why."""
        self.why = why
        self._stopped.set()

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Begin to build.

        Raises:
            LibraryError: another build of the visitor goes on.
        """
        if not self._running.acquire(blocking=False):
            raise LibraryError("a library of yours is being built; stop it, or wait until it ends")
        self._stopped.clear()
        self.why = self.built = ""
        try:
            yield
        finally:
            self._running.release()


class LibraryVisit:
    """A visitor's Library tab; made once in a visit.

    Attributes:
        folder: for what is written for them alone; it cannot be guessed, and goes with them.
        libraries: those that they may change: their own, or the stored ones.
        work: a build of theirs.
    """

    def __init__(self, storage: UploadedLibraries | None) -> None:
        """Begin a visit; nothing is written yet."""
        upload = Path(get_upload_folder())
        self.folder = upload / f"libraries-{secrets.token_urlsafe(_TOKEN_BYTES)}"
        self.libraries = storage or UploadedLibraries(self.folder, Owner.OWN)
        self.work = Work()
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


def left(visit: LibraryVisit | None) -> None:
    """A visitor has gone: end what goes on, delete what was theirs alone."""
    if visit is None:
        return
    visit.work.stop("The visit has ended.")
    shutil.rmtree(visit.folder, ignore_errors=True)
