"""The benchmark of efficient ways: each listens, what is judged is right, and the page holds it."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import _options, _quality, pareto
from benchmarks._frontier import front, with_table
from benchmarks._options import FULL, Material, columns, options, patches, rows
from benchmarks._picture import SVG, Panel, Point, picture, ticks
from benchmarks._quality import Study, Worth, of_studies, read_sounds
from passt_core.inference.predictor import Predictor
from passt_core.lab.datasets import Dataset
from passt_core.lab.evaluate import evaluate
from passt_core.network import checkpoints
from passt_core.network.patchout import select
from tests.labs import tones_and_noises
from tests.sounds import TINY, noise, randomised, save_network

SHAPE = replace(TINY, depth=4, classes=3)
TINY_OF_3 = replace(TINY, classes=3)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Four tones and four noises of a second, in two folds."""
    return tones_and_noises(tmp_path_factory.mktemp("sounds"), each=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    return save_network(path, randomised(SHAPE), labels=("noise", "tone", "whistle"))


# --- the ways --------------------------------------------------------------------------------


def test_every_way_listens_and_only_one_is_the_network_itself(model: Path) -> None:
    material = Material.unmeasured(checkpoints.load(model))
    listed = options(material)
    assert listed[0].name == FULL
    assert len({option.name for option in listed}) == len(listed)
    clip, full = noise(1.0), Predictor(material.checkpoint, device="cpu")
    expected = full.analyze(clip, 32_000).logits
    for option in listed:
        predictor = option.predictor(material)
        shape = predictor.checkpoint.config
        spec = option.spec((shape.rows, shape.columns(100)))
        found = predictor.analyze(clip, 32_000, spec).logits
        assert np.isfinite(found).all()
        assert np.array_equal(found, expected) == (option.name == FULL), option.name
        if option.family not in {
            FULL,
            "stride",
            "precision",
            "merging",
        }:  # matching costs more here
            assert option.flops(material) < listed[0].flops(material), option.name


def test_a_conv_stem_has_no_other_strides_and_one_block_stays_one() -> None:
    config = replace(TINY, stem="conv", depth=1)
    source = checkpoints.load("bundled")
    material = Material.unmeasured(replace(source, network=randomised(config)))
    assert not {"stride", "blocks"} & {option.family for option in options(material)}


@pytest.mark.parametrize("thinning", (columns, rows, patches))
def test_a_patchout_keeps_the_share_it_says_and_something_always(thinning: object) -> None:
    for grid, keep in (((8, 62), 0.5), ((8, 62), 0.25), ((8, 1), 0.25), ((1, 1), 0.25)):
        kept = select(grid, thinning(grid, keep=keep), torch.Generator())
        assert len(kept) >= 1
        if grid == (8, 62):
            assert len(kept) == pytest.approx(keep * 8 * 62, abs=8)


# --- quality ---------------------------------------------------------------------------------


def test_quality_is_what_evaluate_says_and_weighed_on_other_clips(
    sounds: Dataset, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed = []
    measured = Material.measured

    def spied(checkpoint: object, clips: Dataset) -> Material:
        weighed.append({clip.fold for clip in clips.clips})
        return measured(checkpoint, clips)

    monkeypatch.setattr(Material, "measured", spied)
    studies = [
        pareto.Model.of(f"{model}:{fold}").study(sounds, tmp_path / "kept") for fold in (1, 2)
    ]
    assert weighed == [{2}, {1}]
    again = pareto.Model.of(f"{model}:1").study(sounds, tmp_path / "kept").material
    assert weighed == [{2}, {1}]  # what was weighed is kept
    assert again.blocks == studies[0].material.blocks
    assert all(map(torch.equal, again.units, studies[0].material.units))
    listed = options(studies[0].material)
    chosen = [listed[0], *(o for o in listed if o.name in {"every 2nd row", "1 of 4 blocks"})]
    waves = read_sounds(sounds, 32_000)
    full, *others = of_studies(studies, chosen, waves, tmp_path / "kept")
    predictor = Predictor.from_checkpoint(model, device="cpu")
    scores = [evaluate(predictor, sounds, fold) for fold in (1, 2)]
    for ours, theirs in (
        ("accuracy", "accuracy"),
        ("accuracy_all", "accuracy_all"),
        ("recall_at_1", "recall_at_1"),
        ("map_at_10", "map_at_10"),
    ):
        mean = np.mean([getattr(score, theirs) for score in scores])
        assert getattr(full, ours) == pytest.approx(mean), ours
    assert (full.likeness, full.lost, full.won, full.clips) == (pytest.approx(1.0), 0, 0, 8)
    assert all(other.likeness < 1.0 for other in others)
    for other in others:
        change = 8 * (other.accuracy_all - full.accuracy_all)
        assert other.won - other.lost == pytest.approx(change)
        assert other.low <= change / 8 <= other.high
    monkeypatch.setattr(Predictor, "analyze", None)  # all that is needed is kept
    assert list(of_studies(studies, chosen, waves, tmp_path / "kept")) == [full, *others]


def test_a_model_without_folds_is_said_to_have_heard_the_clips(
    sounds: Dataset, model: Path
) -> None:
    said = pareto.about([pareto.Model.of(str(model)), pareto.Model.of(f"{model}:2")], sounds)
    first, second = said.splitlines()
    assert "all 8 clips" in first
    assert "MAY HAVE HEARD" in first
    assert second == "small: 4 clips of folds 2, given as unheard in training"


# --- the page --------------------------------------------------------------------------------


def test_the_front_is_whom_nobody_beats() -> None:
    assert front([1.0, 0.5, 0.6, 0.5, 0.2], [0.9, 0.8, 0.7, 0.6, 0.1]) == [4, 1, 0]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_everyone_is_on_the_front_or_beaten(points: list[tuple[int, int]]) -> None:
    costs, worths = [cost for cost, _ in points], [worth for _, worth in points]
    best = [points[place] for place in front(costs, worths)]
    assert best == sorted(best)
    for cost, worth in points:
        assert any(c <= cost and w >= worth for c, w in best)
    for cost, worth in best:
        assert not any(c <= cost and w >= worth and (c, w) != (cost, worth) for c, w in points)


def test_a_table_takes_the_place_of_the_one_before() -> None:
    once = with_table("# Page\n\ntext", "x", "| old |")
    again = with_table(once + "after\n", "x", "| new |\n| row |")
    assert again.startswith("# Page\n\ntext\n\n<!-- table of x -->\n| new |\n| row |\n<!--")
    assert again.endswith("<!-- /table of x -->\nafter\n")
    assert "old" not in again
    both = with_table(again, "y", "| other |")
    assert both.count("<!-- table of") == 2


@pytest.mark.parametrize(("low", "high"), ((0.0, 1.0), (0.71, 0.94), (0.0, 3.4), (0.931, 0.933)))
def test_ticks_are_round_and_within(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 3 <= len(found) <= 7
    assert all(low <= value <= high for value in found)
    assert len({round(b - a, 6) for a, b in pairwise(found)}) == 1


def test_a_picture_has_every_point_and_names_the_best() -> None:
    points = [
        Point(x=x, y=y, number=n, name=f"way <{n}>", family="full", best=n < 2)
        for n, (x, y) in enumerate(((1.0, 0.9), (0.5, 0.8), (0.7, 0.75), (0.4, 0.1), (3.0, 0.9)))
    ]
    panel = Panel(title="a & b", points=tuple(points))
    found = ET.fromstring(picture([panel, panel], across="time"))
    circles = [c for c in found.iter(f"{{{SVG}}}circle") if c.find(f"{{{SVG}}}title") is not None]
    assert len(circles) == 2 * 3
    texts = [text.text for text in found.iter(f"{{{SVG}}}text")]
    assert texts.count("0 way <0>") == texts.count("1 way <1>") == 2
    assert texts.count("2 more are in the table alone") == 2


def test_costs_are_told_without_a_dataset(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--model", str(model), "--no-large", "--runs", "1", "--only", "every 2nd column"]
    pareto.main(command)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "No dataset was given: times without quality."
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    assert cells[0] == ["no.", "way", "FLOPs", "time"]
    assert [row[1] for row in cells[2:]] == [FULL, "every 2nd column"]
    assert cells[2][2:] == ["1.00", "1.00"]


def test_what_was_measured_is_written(
    sounds: Dataset, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sounds.clips[0].path.parent
    out = tmp_path / "docs"
    command = ["--dataset", str(folder), "--model", f"{model}:1", "--no-large", "--runs", "1"]
    pareto.main([*command, "--only", "merging, keep 0.5", "--write", str(out)])
    assert "small: 4 clips of folds 1, given as unheard" in capsys.readouterr().out
    data = json.loads((out / "efficiency.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in data["bundled"]] == [FULL, "merging, keep 0.5"]
    assert data["bundled"][1]["worth"]["clips"] == 4
    assert "| 1 | merging, keep 0.5 |" in (out / "efficiency.md").read_text(encoding="utf-8")
    assert ET.parse(out / "pareto.svg").getroot().tag == f"{{{SVG}}}svg"


def test_what_is_kept_is_kept_whole_and_not_asked_again(
    sounds: Dataset, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up leaves no half of an answer, which the next run would read."""
    keep, checkpoint = tmp_path / "kept", checkpoints.load(model)

    def full(written: Path | BinaryIO) -> None:
        (written.write_bytes if isinstance(written, Path) else written.write)(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def asked() -> list[Worth]:
        material = Material.kept(checkpoint, sounds, keep)
        study = Study(material=material, folds=(sounds.only(1),))
        whole = options(material)[:1]
        return list(of_studies([study], whole, read_sounds(sounds, 32_000), keep))

    for module, name in ((_options, "save_file"), (np, "savez")):
        with monkeypatch.context() as disk:
            disk.setattr(module, name, lambda *places, **_: full(places[-1]))
            with pytest.raises(OSError, match="No space left"):
                asked()
        assert all(path.suffix == ".safetensors" for path in keep.iterdir())
    once = asked()
    monkeypatch.setattr(_quality, "listen", None)
    monkeypatch.setattr(_options, "importance", None)
    assert asked() == once
    assert sorted(path.suffix for path in keep.iterdir()) == [".npz", ".safetensors"]


def test_what_was_trained_on_is_judged_with_the_rest(
    sounds: Dataset, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = {"labels": ("noise", "tone", "whistle")}
    less = save_network(tmp_path / "less.safetensors", randomised(TINY_OF_3), **about)
    command = ["--dataset", str(sounds.clips[0].path.parent), "--model", f"{model}:1", "--no-large"]
    command += ["--runs", "1", "--only", "half, tuned", "--tuned"]
    pareto.main([*command, f"half, tuned={less}"])
    line = next(line for line in capsys.readouterr().out.splitlines() if "half, tuned" in line)
    found = evaluate(Predictor.from_checkpoint(less, device="cpu"), sounds, 1)
    cells = [cell.strip() for cell in line.split("|")]
    assert float(cells[5]) == pytest.approx(found.accuracy, abs=1e-3)
    assert 0.3 < float(cells[3]) < 0.5
    with pytest.raises(SystemExit, match="has 2 files; give one for each of 1"):
        pareto.main([*command, f"half={less},{less}"])


def test_an_unknown_way_is_refused(model: Path) -> None:
    with pytest.raises(SystemExit, match="no such way: magic; there are full; columns, keep"):
        pareto.main(["--model", str(model), "--only", "magic"])
