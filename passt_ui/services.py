"""What the page is served from: models, libraries, examples. Built once per process."""

from __future__ import annotations

import csv
import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from passt_core.errors import LibraryError
from passt_core.files import ASSETS
from passt_core.inference.predictor import Predictor
from passt_core.library.manifest import Manifest
from passt_core.library.store import SoundLibrary
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.download import Progress
from passt_core.network.registry import BUNDLED
from passt_ui.hand import Hand
from passt_ui.library.listed import ListedLibrary, Owner, all_of_app, of_app
from passt_ui.library.uploaded import UploadedLibraries
from passt_ui.media import thumbnail
from passt_ui.settings import Settings
from passt_ui.shelf import LibraryShelf
from passt_ui.timeline.visit import TimelineShelf

EXAMPLES = ASSETS / "examples"
MODELS_KEPT = 2
"""Models that stay in memory beside the first one."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A clip that comes with the app."""

    id: str
    title: str
    path: Path
    picture: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Visitor:
    """What belongs to one visitor: a model, the library that fits it, a clip in hand.

    ``chosen`` is the library that was asked for; ``library_problem`` says, where it cannot be had,
    why, and how to get one. ``library_key`` is what the browser knows the library by; empty: it is
    on no shelf, and cannot be heard.
    ``trunk`` is the checkpoint that a head trained in the Lab sits on; None: the model is as it was
    loaded.
    """

    predictor: Predictor
    library: SoundLibrary | None
    chosen: ListedLibrary | None = None
    library_problem: str = ""
    library_key: str = ""
    hand: Hand | None = None
    trunk: Checkpoint | None = None

    @property
    def body(self) -> Checkpoint:
        """The checkpoint whose body makes the embeddings."""
        return self.trunk or self.predictor.checkpoint


class ModelShelf:
    """Opens models when they are asked for and keeps the last few; safe between threads."""

    def __init__(self, settings: Settings, first: Predictor) -> None:
        self._settings = settings
        self._first = first
        self._kept: OrderedDict[str, Predictor] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, name: str, progress: Progress | None = None) -> Predictor:
        """The model of a name.

        Raises:
            CheckpointError: unknown, unreadable or not to be fetched.
        """
        with self._lock:
            if name == self._settings.model:
                return self._first
            if name not in self._kept:
                self._kept[name] = load_model(self._settings, name, progress)
            self._kept.move_to_end(name)
            if len(self._kept) > MODELS_KEPT:
                self._kept.popitem(last=False)
            return self._kept[name]


def load_model(settings: Settings, name: str, progress: Progress | None = None) -> Predictor:
    """Load a checkpoint as the settings say.

    Raises:
        CheckpointError: unknown, unreadable or not to be fetched.
    """
    return Predictor.from_checkpoint(
        name,
        device=settings.device,
        precision=settings.precision,
        compiled=settings.compiled,
        progress=progress,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Services:
    """Everything that all visitors share."""

    settings: Settings
    shelf: ModelShelf
    first: Visitor
    libraries: LibraryShelf = field(default_factory=LibraryShelf)
    timelines: TimelineShelf = field(default_factory=TimelineShelf)
    storage: UploadedLibraries | None = None
    examples: tuple[Example, ...] = field(default_factory=tuple)

    @classmethod
    def create(cls, settings: Settings | None = None) -> Services:
        """Load the model, the library and the examples that the settings name.

        Raises:
            CheckpointError: the model cannot be loaded.
            LibraryError: nor can a library that was asked for. Without the bundled one, which was
                made by the bundled model, the app starts all the same: the page says why.
        """
        settings = settings or Settings()
        if settings.threads:
            torch.set_num_threads(settings.threads)
        predictor = load_model(settings, settings.model)
        libraries = LibraryShelf()
        storage = UploadedLibraries.of_storage(settings.storage) if settings.storage else None
        chosen = _at_the_start(settings, storage)
        first = visitor_with(settings, predictor, shelf=libraries, chosen=chosen)
        if first.library is None:
            if settings.library != BUNDLED:
                raise LibraryError(first.library_problem)
            logging.getLogger(__name__).warning(first.library_problem)
        return cls(
            settings=settings,
            shelf=ModelShelf(settings, predictor),
            first=first,
            libraries=libraries,
            storage=storage,
            examples=_examples(predictor),
        )

    def listed(self, own: UploadedLibraries | None = None) -> list[ListedLibrary]:
        """The libraries that a visitor may choose among: the app's, and theirs or the stored."""
        uploaded = own or self.storage
        return [*all_of_app(), *(uploaded.listed() if uploaded else [])]

    def within_reach(self, visitor: Visitor) -> list[ListedLibrary]:
        """The app's libraries, the stored ones, and the one in hand, whosever it is."""
        found, chosen = self.listed(), visitor.chosen
        if chosen is not None and chosen.owner is Owner.OWN and chosen.folder.is_dir():
            found.append(chosen)
        return found

    def at_the_start(self) -> ListedLibrary:
        """The library that is in hand when the page opens."""
        return self.first.chosen or of_app(self.settings.library)

    def example(self, example_id: str) -> Example:
        """The example of an id; the first one if there is none."""
        return next((e for e in self.examples if e.id == example_id), self.examples[0])


def visitor_with(
    settings: Settings,
    predictor: Predictor,
    trunk: Checkpoint | None = None,
    *,
    shelf: LibraryShelf | None = None,
    chosen: ListedLibrary | None = None,
) -> Visitor:
    """A visitor with a model and a library, if it was made by that model.

    Args:
        settings: name the library where none is chosen.
        predictor: the model.
        trunk: the checkpoint whose body it has, where only its head is its own.
        shelf: where the library is put for the browser to hear.
        chosen: the library.
    """
    visitor = Visitor(predictor=predictor, library=None, trunk=trunk)
    return with_library(visitor, chosen or of_app(settings.library), shelf)


def with_library(visitor: Visitor, chosen: ListedLibrary, shelf: LibraryShelf | None) -> Visitor:
    """A visitor with another library, or with the reason why their model cannot use it."""
    visitor = replace(visitor, library=None, chosen=chosen, library_problem="", library_key="")
    try:
        library = SoundLibrary.open(chosen.folder, visitor.body)
    except LibraryError as error:
        return replace(visitor, library_problem=_problem(chosen, visitor, error))
    if shelf is None:
        return replace(visitor, library=library)
    key = shelf.share(library) if chosen.owner is Owner.APP else shelf.keep(library)
    return replace(visitor, library=library, library_key=key)


def _problem(chosen: ListedLibrary, visitor: Visitor, error: LibraryError) -> str:
    """Why a library cannot be used; of an uploaded one without folders of this machine."""
    if not chosen.changeable:
        return str(error)
    try:
        manifest = Manifest.read(chosen.folder)
    except LibraryError:
        return f"there is no library {chosen.name} any more; choose another of the list"
    made_by, here = manifest.weights_sha256, visitor.body
    if made_by == here.sha256:
        logging.getLogger(__name__).warning(str(error))
        return f"the library {chosen.name} is damaged; delete it in the Library tab and build again"
    return (
        f"the library {chosen.name} was made by the model {manifest.model} ({made_by[:8]}…), and "
        f"this is {here.name} ({here.sha256[:8]}…): their embeddings cannot be compared; choose "
        "that model, or press Rebuild in the Library tab"
    )


def _at_the_start(settings: Settings, storage: UploadedLibraries | None) -> ListedLibrary:
    """The library that the settings name: of ``index/``, else of the storage."""
    stored = storage.listed() if storage else []
    named = (library for library in stored if library.name == settings.library)
    app = of_app(settings.library)
    return app if app.folder.is_dir() else next(named, app)


def _examples(predictor: Predictor) -> tuple[Example, ...]:
    with (EXAMPLES / "examples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Example(
            id=row["id"],
            title=row["title"],
            path=EXAMPLES / row["file"],
            picture=thumbnail(predictor, EXAMPLES / row["file"]),
        )
        for row in rows
    )
