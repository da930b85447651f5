"""A training's choices: defaults, a YAML file, --set, and what is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from passt_core.cli import main
from passt_core.errors import TrainingError
from passt_core.lab import recipe
from passt_core.lab.config import TrainConfig
from tests.labs import QUICK


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe_comes_back_as_it_was_written(tmp_path: Path) -> None:
    config = replace(QUICK, band_jitter=True, background_folder="room tones: 1", loss="ce")
    path = written(tmp_path, recipe.to_yaml(config))
    assert recipe.effective(path, ()) == config
    assert recipe.effective(None, ()) == TrainConfig()
    assert recipe.effective(written(tmp_path, "# nothing yet\n"), ()) == TrainConfig()


def test_the_command_line_is_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "epochs: 7\nlearning_rate: 1e-3  # a word in YAML 1.1\nseed: 3\n")
    config = recipe.effective(path, ["seed=4", "specaugment=true", "gain_low_db=-20"])
    assert (config.epochs, config.learning_rate, config.seed) == (7, 1e-3, 4)
    assert config.specaugment is True
    assert config.gain_low_db == -20.0


def test_the_recipe_is_printed_with_every_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipe", "--config", str(written(tmp_path, "epochs: 7")), "--set", "dim=64"]) == 0
    printed = capsys.readouterr().out
    assert [line.split(":")[0] for line in printed.splitlines()] == [
        field.name for field in fields(TrainConfig)
    ]
    assert recipe.effective(written(tmp_path, printed), ()) == TrainConfig(epochs=7, dim=64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat: 1", "'learning_rat' is no choice of a training; did you mean learning_rat"),
        ("zzz: 1", "'zzz' is no choice of a training; use one of dim, depth"),
        ("epochs: many", "epochs is 'many'; give a value of type int, such as epochs=16"),
        ("epochs: 2.5", "epochs is 2.5; give a value of type int"),
        ("epochs: true", "epochs is True; give a value of type int"),
        ("epochs: [1, 2]", r"epochs is \[1, 2\]; give a value of type int"),
        ("loss:", "loss is None; give a value of type str"),
        ("specaugment: 1", "specaugment is 1; give true or false"),
        ("- epochs", "holds a list; a config is one 'name: value' a line"),
        ("a: b: c", "cannot be read as a config"),
        ("!!python/object/apply:os.getcwd []", "cannot be read as a config"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        recipe.effective(written(tmp_path, text), ())


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"gone\.yaml cannot be read as a config"):
        recipe.effective(tmp_path / "gone.yaml", ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0; it must be above 0"),
        ({"patchout_time": 1.0}, "patchout_time is 1.0; it is a share"),
        ({"mixup_rate": -0.1}, "mixup_rate is -0.1"),
        ({"longest_s": 0.1}, "longest_s is 0.1 and shortest_s 0.5"),
        ({"gain_low_db": 9.0}, "gain_high_db is 6.0 and gain_low_db 9.0"),
        ({"loss": "mse"}, "loss is 'mse'; use one of bce, ce"),
        ({"patchout_per": "day"}, "use one of batch, clip"),
        ({"warmup": "cubic"}, "use one of linear, exponential"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it must be a finite number"),
        ({"gain_low_db": float("-inf")}, "gain_low_db is -inf; it must be a finite number"),
        ({"seed": -1}, "seed is -1; it must be 0 or more"),
        ({"layer_decay": 1.5}, "layer_decay is 1.5; it is a rate: use 0 to 1"),
        (
            {"loss": "ce", "background_labels": "union", "background_rate": 0.5},
            "cross-entropy takes one label per clip",
        ),
    ],
)
def test_a_bad_choice_says_so(change: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        replace(QUICK, **change)
