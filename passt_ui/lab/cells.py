"""The sounds of a cell of the confusion matrix, as cards that play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import PasstError
from passt_core.inference.predictor import Predictor
from passt_core.lab.judge import HEAD, Judgement
from passt_core.signal import audio
from passt_ui import media, views
from passt_ui.lab.sounds import LabelledSounds
from passt_ui.views import Card

MOST = 12
"""Cards of one cell; a sound of a visitor's zip travels in the page."""
LONGEST_S = 30.0
_SAID = 3


def rows_of(judged: Judgement, label: int, said: int | None) -> NDArray[np.int64]:
    """Places of a cell's clips in the judgement; of a whole class, those not found come first."""
    if said is not None:
        return judged.cell(label, said)
    members = np.flatnonzero(judged.targets == label)
    return members[np.argsort(judged.said[members] == label, kind="stable")]


def line(judged: Judgement, label: int, said: int | None) -> str:
    """What the cards are."""
    rows = rows_of(judged, label, said)
    name = judged.labels[label]
    if said is None:
        text = f"All of {name}, those not found first"
    elif said == label:
        text = f"{name}, called so"
    else:
        text = f"{name}, called {judged.labels[said]}"
    shown = f"{MOST} of {len(rows)}" if len(rows) > MOST else str(len(rows))
    return views.heading(f"{text}: {shown}")


def cards(
    judged: Judgement,
    label: int,
    said: int | None,
    *,
    sounds: LabelledSounds,
    predictor: Predictor,
) -> str:
    """The clips as cards: what each is, and what was said of it."""
    rows = rows_of(judged, label, said)[:MOST]
    if not len(rows):
        return views.note(
            "No sound is in this cell. The dark cells are empty: choose a bright one."
        )
    found = [_card(judged, int(row), sounds, predictor) for row in rows]
    return views.cards(found, label=f"{len(found)} sounds of the cell")


def _card(judged: Judgement, row: int, sounds: LabelledSounds, predictor: Predictor) -> Card:
    clip = judged.clips[row]
    sound = _sound(clip.path, predictor)
    there = () if sound else ("the file is not there any more",)
    return Card(
        title=sounds.title(clip),
        lines=(f"is: {clip.label}", f"said: {_said(judged, row)}", *there),
        picture=media.thumbnail(predictor, clip.path) if sound else "",
        key=f"lab:{sounds.key}:{sounds.title(clip)}",
        sound=sound,
    )


def _said(judged: Judgement, row: int) -> str:
    """The surest classes of a clip with probability or cosine."""
    order = np.argsort(-judged.scores[row], kind="stable")[:_SAID]
    percent = judged.by == HEAD
    return ", ".join(
        f"{judged.labels[index]} {f'{100 * value:.0f} %' if percent else f'{value:.2f}'}"
        for index, value in zip(order, judged.shown[row, order], strict=True)
    )


def _sound(path: Path, predictor: Predictor) -> str:
    """A sound as a data URI; empty if it cannot be read any more."""
    if not path.is_file():
        return ""
    rate = predictor.sample_rate
    try:
        return media.sound_uri(audio.load(path, duration_s=LONGEST_S, sample_rate=rate), rate)
    except PasstError:
        return ""
