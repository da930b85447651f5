"""The shipped checkpoint is what it says it is."""

from __future__ import annotations

from pathlib import Path

from passt_core.inference.predictor import Predictor
from passt_core.network import labels
from passt_core.network.registry import BUNDLED_FILE
from tests.sounds import noise

LARGEST_MB = 10.0


def test_it_is_small_and_speaks_audioset() -> None:
    assert BUNDLED_FILE.stat().st_size <= LARGEST_MB * 1e6
    predictor = Predictor.from_checkpoint(device="cpu")
    assert set(predictor.labels) <= set(labels.label_set("audioset"))
    assert {"title", "trained_on", "licence", "recipe", "score", "command"} <= set(
        predictor.checkpoint.card
    )
    assert predictor.windowing.length == 10 * predictor.sample_rate
    assert len(predictor.analyze(noise(2.0), 32_000).top_k(3)) == 3


def test_its_card_gives_data_recipe_scores_and_limits() -> None:
    text = Path(BUNDLED_FILE).with_suffix(".md").read_text(encoding="utf-8")
    for what in ("ESC-10", "Piczak", "CC BY 3.0", "python -m passt_core distill", "Limits"):
        assert what in text, what
