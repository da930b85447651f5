"""How the library is judged: what stands next to a class, what counts as heard, the table."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tools.make_lessons.teacher import HOP, WINDOW
from tools.make_library.judge import Heard, best_of, mean_scores, table
from tools.make_library.kin import ALONE, CHILDREN, kin
from tools.make_library.registry import SOURCES

ROOT = Path(__file__).parent.parent


def audioset_names() -> set[str]:
    with (ROOT / "assets/labels/audioset.csv").open(newline="", encoding="utf-8") as file:
        return {row["display_name"] for row in csv.DictReader(file)}


def test_kin_uses_audioset_names():
    names = set(CHILDREN) | {child for children in CHILDREN.values() for child in children}
    assert names | ALONE <= audioset_names()
    assert not names & ALONE


def test_nothing_stands_under_itself():
    def above(label: str, seen: tuple[str, ...] = ()) -> None:
        assert label not in seen
        for parent in (name for name, children in CHILDREN.items() if label in children):
            above(parent, (*seen, label))

    for children in CHILDREN.values():
        assert len(set(children)) == len(children)
        for child in children:
            above(child)


@pytest.mark.parametrize("label", sorted({source.label for source in SOURCES}))
def test_each_class_of_the_library_has_kin_or_none_that_a_head_has(label):
    assert (len(kin(label)) > 1) != (label in ALONE)


def test_kin_is_the_class_its_parents_and_its_children():
    assert kin("Owl") == {"Owl", "Bird", "Hoot"}
    assert kin("Thunder") == {"Thunder", "Thunderstorm"}
    assert "Rain" not in kin("Stream")


def test_scores_are_averaged_over_windows():
    class Loudness:
        def __call__(self, window):
            return np.array([np.abs(window).max(), 0.5], dtype=np.float32), None

    wave = np.zeros(WINDOW + 2 * HOP, dtype=np.float32)
    wave[-1] = 1.0
    assert mean_scores(Loudness(), wave) == pytest.approx([1 / 3, 0.5])
    assert best_of(("loud", "soft"), mean_scores(Loudness(), wave), 1) == ("soft",)


def test_table_counts_the_classes_that_reach_the_share():
    heard = [
        Heard("Owl", ("Hoot", "Music"), "Bird", known=False),
        Heard("Owl", ("Music", "Alarm"), "Bird", known=False),
        Heard("Rain", ("Rain", "Water"), "Rain", known=True),
    ]
    lines = list(table(heard))
    assert "| Owl | 2 | 50% | Music 2, Hoot 1, Alarm 1 | not its class | Bird 2 |" in lines
    assert "| Rain | 1 | 100% | Rain 1, Water 1 | 100% | Rain 1 |" in lines
    assert lines[-1].startswith("1 of 2 classes")
    assert "66.7% of all 3 clips" in lines[-1]
