"""What belongs to one visitor of the Search & Map tab."""

from __future__ import annotations

import secrets
import shutil
import weakref
from dataclasses import dataclass, field, replace
from pathlib import Path

from gradio.utils import get_upload_folder

from passt_core.errors import LibraryError
from passt_core.library.search import to_csv, to_json
from passt_core.library.store import SoundLibrary
from passt_ui.hand import Hand
from passt_ui.lab.visit import file_name
from passt_ui.library.visit import Work
from passt_ui.search.answer import Answer
from passt_ui.search.question import Question

_TOKEN_BYTES = 18


class Desk:
    """Where answers are written for the visitor alone, and maps are laid out; once in a visit.

    Attributes:
        folder: it cannot be guessed, and goes with the visit.
        work: a map that is being laid out.
        laid: the library before and after, when that is done.
    """

    def __init__(self) -> None:
        """Begin a visit; nothing is written yet."""
        self.folder = Path(get_upload_folder()) / f"search-{secrets.token_urlsafe(_TOKEN_BYTES)}"
        self.work = Work()
        self.laid: tuple[SoundLibrary, SoundLibrary] | None = None
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def written(self, found: Answer, question: Question, hand: Hand | None, model: str) -> Written:
        """Write an answer as CSV and as JSON, named after what was asked.

        Raises:
            LibraryError: it cannot be written.
        """
        title = file_name(found.title.replace(" ", "-"))
        name = f"neighbours__{title}__{file_name(found.library.name)}"
        table, about = (self.folder / f"{name}.{form}" for form in ("csv", "json"))
        asked = question.report(hand) | {"sounds": found.left}
        report = to_json(found.hits, query=asked, library=found.library.name, model=model)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            table.write_text(to_csv(found.hits), encoding="utf-8")
            about.write_text(report, encoding="utf-8")
        except OSError as error:
            raise LibraryError(
                f"the answer cannot be written ({error.strerror or error}); try again later"
            ) from error
        return table, about


Written = tuple[Path, Path]
"""An answer as CSV and as JSON."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchVisit:
    """A visitor's Search & Map tab.

    Attributes:
        key: what the library that is asked is known by.
        question: what is asked.
        chosen: id of the sound that was chosen on the map; empty: none.
        desk: what is made once in a visit.
    """

    key: str = ""
    question: Question = field(default_factory=Question)
    chosen: str = ""
    desk: Desk = field(default_factory=Desk)

    def asking(self, question: Question) -> SearchVisit:
        """The same with another question."""
        return replace(self, question=question)

    def of_library(self, key: str) -> SearchVisit:
        """The same; of another library nothing that was asked or chosen stays."""
        return self if key == self.key else SearchVisit(key=key, desk=self.desk)


def left(visit: SearchVisit | None) -> None:
    """A visitor has gone: end what goes on, delete what was theirs alone."""
    if visit is None:
        return
    visit.desk.work.stop("The visit has ended.")
    shutil.rmtree(visit.desk.folder, ignore_errors=True)
