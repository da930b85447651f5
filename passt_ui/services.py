"""What the page is served from: models, libraries, examples. Built once per process."""

from __future__ import annotations

import csv
import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from passt_core.errors import LibraryError
from passt_core.files import ASSETS, INDEX
from passt_core.inference.predictor import Predictor
from passt_core.library.store import SoundLibrary
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.download import Progress
from passt_core.network.registry import BUNDLED
from passt_ui.hand import Hand
from passt_ui.media import thumbnail
from passt_ui.settings import Settings
from passt_ui.shelf import LibraryShelf

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

    ``library_problem`` says, where there is no library, why, and how to get one. ``library_key`` is
    what the browser knows the library by; empty: it is on no shelf, and cannot be heard.
    ``trunk`` is the checkpoint that a head trained in the Lab sits on; None: the model is as it was
    loaded.
    """

    predictor: Predictor
    library: SoundLibrary | None
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
        name, device=settings.device, precision=settings.precision, progress=progress
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Services:
    """Everything that all visitors share."""

    settings: Settings
    shelf: ModelShelf
    first: Visitor
    libraries: LibraryShelf = field(default_factory=LibraryShelf)
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
        predictor = load_model(settings, settings.model)
        libraries = LibraryShelf()
        first = visitor_with(settings, predictor, shelf=libraries)
        if first.library is None:
            if settings.library != BUNDLED:
                raise LibraryError(first.library_problem)
            logging.getLogger(__name__).warning(first.library_problem)
        return cls(
            settings=settings,
            shelf=ModelShelf(settings, predictor),
            first=first,
            libraries=libraries,
            examples=_examples(predictor),
        )

    def example(self, example_id: str) -> Example:
        """The example of an id; the first one if there is none."""
        return next((e for e in self.examples if e.id == example_id), self.examples[0])

    @property
    def sound_folders(self) -> list[str]:
        """Folders whose sounds the browser may fetch: the library's and the examples'."""
        library = self.first.library
        return [str(EXAMPLES)] + ([str(root) for root in library.roots] if library else [])


def visitor_with(
    settings: Settings,
    predictor: Predictor,
    trunk: Checkpoint | None = None,
    *,
    shelf: LibraryShelf | None = None,
) -> Visitor:
    """A visitor with a model and the library, if it was made by that model.

    Args:
        settings: name the library.
        predictor: the model.
        trunk: the checkpoint whose body it has, where only its head is its own.
        shelf: where the library is put for the browser to hear.
    """
    try:
        library = SoundLibrary.open(INDEX / settings.library, trunk or predictor.checkpoint)
    except LibraryError as error:
        return Visitor(predictor=predictor, library=None, library_problem=str(error), trunk=trunk)
    key = shelf.share(library) if shelf else ""
    return Visitor(predictor=predictor, library=library, library_key=key, trunk=trunk)


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
