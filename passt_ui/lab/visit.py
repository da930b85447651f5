"""What belongs to one visitor of the Lab: sounds, what was heard and judged, their own head."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from gradio.utils import get_upload_folder

from passt_core.inference.predictor import Predictor
from passt_core.lab import probe as probing
from passt_core.lab.heard import Heard
from passt_core.lab.judge import Judgement
from passt_core.lab.probe import Probed
from passt_core.network.checkpoints import Checkpoint
from passt_ui.lab.sounds import LabelledSounds
from passt_ui.services import Visitor
from passt_ui.settings import Settings

_NOT_IN_NAMES = re.compile(r"[^\w .+-]+")
_LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnHead:
    """A head that the visitor trained.

    Attributes:
        name: what they call it.
        predictor: the model with it; body: the checkpoint whose body it sits on.
        file: the same as a checkpoint file, in a folder of its own.
        probed: how it was trained; sounds: key and name of those it was trained on.
    """

    name: str
    predictor: Predictor
    body: Checkpoint
    file: Path
    probed: Probed
    sounds: tuple[str, str]

    @property
    def choice(self) -> tuple[str, str]:
        """What the list of models calls it, and its value there."""
        return f"Your head: {self.name}", self.predictor.checkpoint.source

    def remove(self) -> None:
        """Delete the file."""
        shutil.rmtree(self.file.parent, ignore_errors=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class LabVisit:
    """A visitor's Lab.

    Attributes:
        sounds: the labelled sounds in hand; upload: those that were brought.
        heard: the sounds in hand as a body heard them, whose SHA-256 is ``heard_by``.
        judged: the result that the page shows.
        own: the last head that was trained.
    """

    sounds: LabelledSounds | None = None
    upload: LabelledSounds | None = None
    heard: Heard | None = None
    heard_by: str = ""
    judged: Judgement | None = None
    own: OwnHead | None = None

    def with_sounds(self, sounds: LabelledSounds | None) -> LabVisit:
        """Other sounds in hand: what was heard and judged of the old ones is let go."""
        return replace(self, sounds=sounds, heard=None, heard_by="", judged=None)

    def heard_with(self, visitor: Visitor) -> Heard | None:
        """What the visitor's model has heard of the sounds in hand, if it has."""
        return self.heard if self.heard_by == visitor.body.sha256 else None


def left(visit: LabVisit | None) -> None:
    """A visitor has gone: delete what was written for them."""
    if visit is None:
        return
    if visit.upload is not None:
        visit.upload.remove()
    if visit.own is not None:
        visit.own.remove()


def own_head(
    name: str, probed: Probed, visitor: Visitor, sounds: LabelledSounds, settings: Settings
) -> OwnHead:
    """Put a head that was trained on the visitor's model, and write it as a checkpoint.

    Raises:
        CheckpointError: it cannot be written.
    """
    title = name.strip() or "my head"
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    file = Path(tempfile.mkdtemp(prefix="head-", dir=folder)) / f"{file_name(title)}.safetensors"
    clips = len(probed.train) + len(probed.validation)
    card = {"title": title, "trained_on": f"{sounds.name}, {clips} clips, only the head"}
    checkpoint = probing.save(file, visitor.predictor.checkpoint, probed, card)
    predictor = Predictor(checkpoint, device=settings.device, precision=settings.precision)
    return OwnHead(
        name=title,
        predictor=predictor,
        body=visitor.body,
        file=file,
        probed=probed,
        sounds=(sounds.key, sounds.name),
    )


def file_name(title: str) -> str:
    """What a visitor calls something, as the name of a file."""
    return _NOT_IN_NAMES.sub("-", title)[:_LONGEST_NAME].strip(" .-") or "head"
