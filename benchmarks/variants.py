"""Efficient variants of one network: what each costs, and what it knows after the same training.

``python -m benchmarks.variants [DATASET --folds 1,2 --epochs 60] [--set NAME=VALUE ...]``

Every variant is trained on the same folds by the same recipe, and scored on the fold left out. The
pruned ones are the full network, pruned on its training clips and trained on; a row without any
pruning is trained on likewise, so that the additional epochs are no advantage. Without a dataset,
only the costs are told. With ``--keep FOLDER`` what is trained is kept there and not trained again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from benchmarks._table import show_cells
from passt_core.inference.predictor import Predictor
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset, load_dataset
from passt_core.lab.efficiency import Cost, seconds_per_clip
from passt_core.lab.evaluate import evaluate
from passt_core.lab.prune import prune
from passt_core.lab.recipe import effective
from passt_core.lab.train import train
from passt_core.network import checkpoints
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.model import Passt
from passt_core.network.surgery import smaller

TUNING_RATE = 0.25
"""Learning rate after pruning, relative to the recipe's."""
TUNING_SHARE = 4
"""The recipe's epochs over those after pruning, unless they are given."""
CLASSES = 10
"""Of the networks whose costs are told without a dataset."""
HEAD = ("variant", "parameters", "of full", "GFLOPs", "time of full", "accuracy", "points", "folds")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A shape; with shares, the full one pruned to them and trained on."""

    name: str
    recipe: TrainConfig
    kept: tuple[float, float] | None = None


def variants(base: TrainConfig, tuning: TrainConfig) -> tuple[Variant, ...]:
    """The full network first; what would be no variant of it is left out."""
    shapes: tuple[tuple[str, dict[str, object]], ...] = (
        ("full", {}),
        ("linear stem", {"stem": "linear"}),
        ("convolutional stem", {"stem": "conv"}),
        ("blocks shared by two", {"share": 2 * base.share}),
        ("one block for all", {"share": base.depth}),
        ("half of the blocks", {"depth": max(1, base.depth // 2)}),
        ("MLP x 2", {"mlp_ratio": 2}),
        ("a single head", {"heads": 1}),
    )
    found: list[Variant] = []
    for name, changes in shapes:
        recipe = replace(base, **changes)
        divides = recipe.depth % recipe.share == 0
        if divides and recipe not in [variant.recipe for variant in found]:
            found.append(Variant(name=name, recipe=recipe))
    for name, kept in (
        ("full, trained on", (1.0, 1.0)),
        ("2/3 of the heads", (2 / 3, 1.0)),
        ("1/2 of the MLP units", (1.0, 0.5)),
        ("2/3 of the heads, 1/2 of the units", (2 / 3, 0.5)),
        ("1/3 of the heads, 1/3 of the units", (1 / 3, 1 / 3)),
    ):
        found.append(Variant(name=name, recipe=tuning, kept=kept))
    return tuple(found)


# --- training --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all variants are trained on, and where they are kept."""

    dataset: Dataset
    base: TrainConfig
    keep: Path

    def trained(self, variant: Variant, fold: int) -> Checkpoint:
        path = self.path(variant, fold)
        if not path.is_file():
            print(f"training: {variant.name}, fold {fold}", file=sys.stderr)
            clips = self.dataset.without(fold)
            start = self.pruned(variant, clips, fold)
            card = {"title": variant.name, "trained_on": f"{clips.name} without fold {fold}"}
            train(clips, variant.recipe, start=start).save(path, card)
        return checkpoints.load(path)

    def pruned(self, variant: Variant, clips: Dataset, fold: int) -> Checkpoint | None:
        """What a variant begins from, if it does not begin from nothing."""
        if variant.kept is None:
            return None
        full = self.trained(Variant(name="full", recipe=self.base), fold)
        heads, units = variant.kept
        left = prune(full, clips, heads_kept=heads, units_kept=units)
        return replace(full, network=left.network)

    def path(self, variant: Variant, fold: int) -> Path:
        """Another recipe, dataset or fold is another file."""
        clips = [(str(clip.path), clip.labels, clip.fold) for clip in self.dataset.clips]
        parts = [asdict(variant.recipe), asdict(self.base), variant.kept, clips, fold]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
        slug = "".join(c if c.isalnum() else "-" for c in variant.name)
        return self.keep / f"{slug}-{fold}-{digest}.safetensors"

    def accuracies(self, variant: Variant, folds: Sequence[int]) -> list[float]:
        predictors = [Predictor(self.trained(variant, fold)) for fold in folds]
        return [
            evaluate(predictor, self.dataset, fold).accuracy
            for predictor, fold in zip(predictors, folds, strict=True)
        ]


def untrained(variant: Variant) -> Passt:
    """A network of a variant's shape; which heads and units a pruning would take does not matter.

    They are spread evenly over the blocks.
    """
    network = Passt(variant.recipe.network(CLASSES)).eval()
    config = network.config
    if variant.kept is None:
        return network
    heads, units = (
        [range(max(1, round(share * count))) for count in counts]
        for share, counts in zip(
            variant.kept, (config.block_heads, config.block_units), strict=True
        )
    )
    return smaller(network, heads=heads, units=units)


# --- the table -------------------------------------------------------------------------------


def table(
    listed: Sequence[Variant], networks: Sequence[Passt], scores: Sequence[Sequence[float]]
) -> list[tuple[str, ...]]:
    """One line per variant, its ratios to the first."""
    costs, seconds = [Cost.of(network) for network in networks], seconds_per_clip(networks)
    lines = []
    for variant, cost, time, folds in zip(listed, costs, seconds, scores, strict=True):
        accuracy, points = "-", "-"
        if folds:
            accuracy = f"{statistics.mean(folds):.3f}"
            points = f"{100 * (statistics.mean(folds) - statistics.mean(scores[0])):+.1f}"
        lines.append(
            (
                variant.name,
                f"{cost.parameters:,}",
                f"{cost.parameters / costs[0].parameters:.0%}",
                f"{cost.flops / 1e9:.3f}",
                f"{time / seconds[0]:.2f}",
                accuracy,
                points,
                " ".join(f"{fold:.3f}" for fold in folds) or "-",
            )
        )
    return lines


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    found.add_argument("dataset", nargs="?", help="folders of classes or a CSV, with folds")
    found.add_argument("--folds", default="1", help="each is left out once: 1,2")
    found.add_argument("--epochs", type=int, help="of the recipe")
    found.add_argument("--tuning-epochs", type=int, help="after pruning; a quarter unless given")
    found.add_argument("--config", type=Path, help="YAML with the recipe of the full network")
    found.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    found.add_argument("--keep", type=Path, help="folder of what is trained")
    found.add_argument("--only", action="append", default=[], help="a variant, beside the full one")
    return found


def main(arguments: list[str] | None = None) -> None:
    chosen = parser().parse_args(arguments)
    base = effective(chosen.config, chosen.set)
    base = replace(base, epochs=chosen.epochs or base.epochs)
    tuning = replace(
        base,
        epochs=chosen.tuning_epochs or max(1, base.epochs // TUNING_SHARE),
        learning_rate=TUNING_RATE * base.learning_rate,
    )
    listed = variants(base, tuning)
    if chosen.only:
        unknown = set(chosen.only) - {variant.name for variant in listed}
        if unknown:
            sys.exit(f"no such variant: {', '.join(unknown)}; there are {[v.name for v in listed]}")
        listed = tuple(v for v in listed if v.name in {"full", *chosen.only})
    print(
        f"epochs {base.epochs}, after pruning {tuning.epochs} more at {TUNING_RATE:g} of the rate; "
        f"time of one {base.frames / 100:.0f} s window, {torch.get_num_threads()} threads"
    )
    if chosen.dataset is None:
        print("No dataset was given: what each costs, without its accuracy.")
        show_cells(HEAD, table(listed, [untrained(v) for v in listed], [()] * len(listed)))
        return
    folds = [int(fold) for fold in chosen.folds.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        keep = chosen.keep or Path(folder)
        keep.mkdir(parents=True, exist_ok=True)
        bench = Bench(dataset=load_dataset(chosen.dataset), base=base, keep=keep)
        scores = [bench.accuracies(variant, folds) for variant in listed]
        networks = [bench.trained(variant, folds[0]).network for variant in listed]
        show_cells(HEAD, table(listed, networks, scores))


if __name__ == "__main__":
    main()
