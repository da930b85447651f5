"""Building, adding to and rebuilding libraries from the page, while it tells how far it is.

A visitor's error is told in place; any other ends the work, and Gradio logs it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from passt_core.errors import LibraryError, PasstError
from passt_core.inference.predictor import Predictor
from passt_core.library.build import Steps, adding, building, rebuilding
from passt_core.library.manifest import Manifest, check_name
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import State
from passt_ui.library import views
from passt_ui.library.labels import titles
from passt_ui.library.listed import ListedLibrary
from passt_ui.library.uploaded import UploadedLibraries
from passt_ui.library.uploads import Arrived, Room, take_in
from passt_ui.library.visit import LibraryVisit, Work
from passt_ui.library.watch import watched
from passt_ui.models import OWN
from passt_ui.services import Services, Visitor, with_library
from passt_ui.tabs import library as tab_of
from passt_ui.tabs.library import LibraryTab

Changes = dict[Any, Any]
Built = Generator[Changes, None, tuple[SoundLibrary, Arrived | None]]
Job = Callable[[Visitor, LibraryVisit], Built]


@dataclass(frozen=True, kw_only=True, eq=False)
class BuildHandlers:
    """The handlers; what belongs to a visitor is in ``visit`` and in the page's state."""

    services: Services
    visit: gr.State
    tab: LibraryTab

    def build(
        self,
        visitor: Visitor | None,
        visit: LibraryVisit | None,
        name: str | None,
        files: Sequence[str] | None,
    ) -> Iterator[Changes]:
        """Make a library of what was uploaded."""

        def job(visitor: Visitor, visit: LibraryVisit) -> Built:
            wanted = self._new_name(name, visit.libraries)
            home = visit.libraries.library(wanted).folder
            listener = self._listener(visitor)
            return (
                yield from self._with_sounds(
                    visit, wanted, files, (), lambda batch: building(home, batch, listener)
                )
            )

        yield from self._done(visitor, visit, job, "is built")

    def add(
        self,
        visitor: Visitor | None,
        visit: LibraryVisit | None,
        files: Sequence[str] | None,
    ) -> Iterator[Changes]:
        """Add what was uploaded to the library in hand."""

        def job(visitor: Visitor, visit: LibraryVisit) -> Built:
            chosen = self.changeable(visitor, visit.libraries)
            library = with_library(visitor, chosen, None)
            if library.library is None:
                raise LibraryError(library.library_problem)
            ids = [clip.id.partition("#t=")[0] for clip in library.library.clips]
            listener = self._listener(visitor)
            _check_precision(library.library.manifest, listener.precision)
            return (
                yield from self._with_sounds(
                    visit,
                    chosen.name,
                    files,
                    ids,
                    lambda batch: adding(chosen.folder, [batch], listener),
                    have=sum(r.state is State.IN for r in library.library.files),
                )
            )

        yield from self._done(visitor, visit, job, "has grown")

    def rebuild(self, visitor: Visitor | None, visit: LibraryVisit | None) -> Iterator[Changes]:
        """Have the library in hand listened to again, by the model in hand."""

        def job(visitor: Visitor, visit: LibraryVisit) -> Built:
            chosen = self.changeable(visitor, visit.libraries)
            with visit.libraries.working(chosen.name):
                steps = rebuilding(chosen.folder, self._listener(visitor))
                return (yield from self._told(steps, visit.work)), None

        yield from self._done(visitor, visit, job, "was listened to again")

    def stop(self, visit: LibraryVisit | None, why: str = "Stopped.") -> Changes:
        """Stop was pressed, or another model was chosen: the build ends after its next step."""
        if visit is None or not visit.work.running:
            return tab_of.idle(self.tab)
        visit.work.stop(why)
        return {
            self.tab.progress: views.progress("Stopping after the sounds that are being heard"),
            self.tab.stop: gr.Button(interactive=False),
        }

    def model_changed(self, visit: LibraryVisit | None, name: str = "") -> Changes:
        """Another model is being chosen: a library of the old one is no use."""
        if visit is None or not visit.work.running or name == OWN:
            return {self.tab.stop: gr.Button()}
        return self.stop(visit, "Stopped, for another model was chosen while this was being built.")

    def changeable(self, visitor: Visitor, libraries: UploadedLibraries) -> ListedLibrary:
        """The library in hand, which must be one that may be changed and is still there.

        Raises:
            LibraryError: it is not.
        """
        chosen = visitor.chosen
        if chosen is None or not chosen.changeable:
            raise LibraryError(
                "this library comes with the app and is not changed from the page; "
                "build one of your own, or use: python -m passt_core library add --help"
            )
        if not libraries.holds(chosen):
            raise LibraryError(
                f"the library {chosen.name} was deleted meanwhile; choose another of the list"
            )
        return chosen

    def _done(
        self, visitor: Visitor | None, visit: LibraryVisit | None, job: Job, done: str
    ) -> Iterator[Changes]:
        """Do a job; whatever ends it early, the page does not stay waiting."""
        visitor = visitor or self.services.first
        visit = visit or LibraryVisit(self.services.storage)
        tab = self.tab
        if visit.work.running:
            yield tab_of.refused(tab.notice, "a library of yours is being built; stop it, or wait")
            return
        yield {self.visit: visit, **tab_of.working(tab, "Taking the sounds in", None)}
        try:
            with visit.work.begun():
                library, arrived = yield from job(visitor, visit)
        except PasstError as error:
            message = visit.libraries.said(str(error))
            yield {**tab_of.idle(tab), **tab_of.refused(tab.notice, message)}
        except Exception:
            yield tab_of.idle(tab)
            raise
        else:
            visit.work.built = visit.libraries.library(library.name).key
            told = views.summary(library, arrived, done)
            yield {**tab_of.idle(tab), tab.summary: told, tab.files: None, tab.name: ""}

    def _with_sounds(
        self,
        visit: LibraryVisit,
        name: str,
        files: Sequence[str] | None,
        ids: Sequence[str],
        begin: Callable[[Path], Steps],
        have: int = 0,
    ) -> Built:
        """Take uploads into a batch of a library, and take the steps that make it part of it."""
        if not files:
            raise LibraryError("there is no sound here yet; drop sound files or a zip above")
        settings, libraries = self.services.settings, visit.libraries
        with libraries.working(name):
            room = Room(
                sounds=max(0, settings.max_library_sounds - have),
                bytes=libraries.room(name, settings.max_library_mb * 1_000_000),
            )
            with libraries.batch(name) as batch:
                arrived = take_in([Path(file) for file in files], batch, room, ids)
                try:
                    library = yield from self._told(begin(batch), visit.work)
                except LibraryError as error:
                    raise LibraryError(_by_name(str(error), batch)) from error
        return library, arrived

    def _told(self, steps: Steps, work: Work) -> Generator[Changes, None, SoundLibrary]:
        watch = watched(steps, work)
        try:
            while True:
                try:
                    line, share = next(watch)
                except StopIteration as end:
                    library: SoundLibrary = end.value
                    return library
                yield {self.tab.progress: views.progress(line, share)}
        finally:
            watch.close()

    def _new_name(self, name: str | None, libraries: UploadedLibraries) -> str:
        """The name of a new library.

        Raises:
            LibraryError: none was given, it is taken or is no name, or there are too many.
        """
        wanted = (name or "").strip()
        if not wanted:
            raise LibraryError("the library has no name yet; give it one above, then press Build")
        check_name(wanted)
        if wanted.casefold() in {one.name.casefold() for one in self.services.listed(libraries)}:
            raise LibraryError(
                f"there is a library {wanted!r} already; give another name, or take that one in "
                "hand and add to it"
            )
        most = self.services.settings.max_libraries
        if len(libraries.listed()) >= most:
            raise LibraryError(
                f"there are {most} libraries already, as many as may be here; delete one first"
            )
        return wanted

    def _listener(self, visitor: Visitor) -> Predictor:
        """The model that embeds: of a head trained in the Lab the checkpoint that it sits on."""
        if visitor.trunk is None:
            return visitor.predictor
        settings = self.services.settings
        return Predictor(visitor.trunk, device=settings.device, precision=settings.precision)


def _check_precision(manifest: Manifest, precision: str) -> None:
    """Refuse to add to a library that was made in another precision; no folder is told here.

    Raises:
        LibraryError: it was.
    """
    if manifest.precision != precision:
        raise LibraryError(
            f"the library {manifest.name} was made in {manifest.precision}, and this app listens "
            f"in {precision}; one library holds embeddings of one precision: build another, or "
            f"start the app with PASST_PRECISION={manifest.precision}"
        )


def _by_name(message: str, batch: Path) -> str:
    """A message with the names that sounds had in place of their numbers."""
    for number, name in titles(batch).items():
        message = message.replace(number, name)
    return message
