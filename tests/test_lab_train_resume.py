"""A training that is killed goes on as if nothing had been; what could spoil that is refused."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from passt_core.cli import main
from passt_core.errors import TrainingError
from passt_core.files import ROOT
from passt_core.lab import state
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset, load_dataset
from passt_core.lab.optim import Descent
from passt_core.lab.precision import settled
from passt_core.lab.pretrain import pretrain
from passt_core.lab.recipe import to_yaml
from passt_core.lab.task import Classification
from passt_core.lab.train import EpochReport, Traces, Trained, train
from passt_core.network import checkpoints
from tests.labs import QUICK, assert_equal, tones_and_noises

EVERYTHING = replace(
    QUICK,
    epochs=4,
    specaugment=True,
    band_jitter=True,
    mixup_rate=0.5,
    wave_mixup_rate=0.5,
    background_rate=0.5,
    sampler="balanced",
    layer_decay=0.8,
    patchout_schedule="adaptive",
    patchout_first=0.5,
    patchout_patience=1,
    early_stop=9,
)
"""All that is drawn, remembered or decided while a training runs."""

VICTIM = """
import sys
from pathlib import Path
import torch
from passt_core.lab.datasets import load_dataset
from passt_core.lab.recipe import effective
from passt_core.lab.train import Traces, train
torch.set_num_threads(1)
clips, folder = load_dataset(sys.argv[1]), Path(sys.argv[2])
traces = Traces(state=folder / "state.safetensors", log=folder / "log.csv")
config = effective(folder / "recipe.yaml", ())
validation = clips.only(2)
tell = lambda report: print(report.epoch, flush=True)
train(clips.without(2), config, validation=validation, traces=traces, progress=tell)
"""


class KilledError(Exception):
    """Ends a training from within, as a signal would from without."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums are taken in one order, in this process as in the one that is killed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tones_and_noises(tmp_path_factory.mktemp("tones"))


def trained(tones: Dataset, config: TrainConfig, **traces: Any) -> Trained:
    scored = tones.only(2) if config.early_stop else None
    return train(tones.without(2), config, validation=scored, traces=Traces(**traces))


def killed(tones: Dataset, config: TrainConfig, after: int, path: Path, **traces: Any) -> None:
    """Train until so many steps are over."""

    def ticks(done: int, total: int, loss: float) -> None:
        if done == after:
            raise KilledError

    with pytest.raises(KilledError):
        trained(tones, config, state=path, ticks=ticks, **traces)


def test_a_kill_changes_nothing(tones: Dataset, tmp_path: Path) -> None:
    """SIGKILL in the middle; then the same again, against a training that nothing interrupted."""
    config = replace(EVERYTHING, epochs=30, save_steps=1)
    (tmp_path / "recipe.yaml").write_text(to_yaml(config), encoding="utf-8")
    folder = tones.clips[0].path.parent
    path = tmp_path / "state.safetensors"
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(folder), str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        assert victim.stdout is not None
        told = list(islice(victim.stdout, 3))  # the state of the second epoch is written by then
        victim.kill()
    assert len(told) == 3
    assert victim.returncode == -signal.SIGKILL
    before = state.read(path).standing
    assert 2 <= before.epoch < config.epochs

    reports: list[EpochReport] = []
    clips, log = load_dataset(folder), tmp_path / "log.csv"
    resumed = train(
        clips.without(2),
        config,
        validation=clips.only(2),
        traces=Traces(state=path, log=log),
        progress=reports.append,
    )
    whole = trained(tones, config, log=tmp_path / "whole.csv")
    assert reports[0].epoch == before.epoch + 1
    assert resumed.losses == whole.losses
    assert resumed.scores == whole.scores
    assert_equal(resumed.network, whole.network)
    logs = [
        [line.rsplit(",", 1)[0] for line in path.read_text().splitlines()]
        for path in (log, tmp_path / "whole.csv")
    ]
    assert logs[0] == logs[1]
    assert len(logs[0]) == len(whole.losses) + 1


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "adamw", "average": "swa", "swa_epochs": 2, "early_stop": 0},
        {"average": "none", "sampler": "shuffle", "early_stop": 0},
        {"early_stop": 2},
    ],
)
@pytest.mark.parametrize("after", [3, 6])
def test_every_part_is_taken_up_again(
    tones: Dataset, tmp_path: Path, changes: dict[str, Any], after: int
) -> None:
    """Killed in the middle of the second epoch, whose last state is a step old, and after three."""
    config = replace(EVERYTHING, **({"save_steps": 1} | changes))
    path = tmp_path / "state.safetensors"
    killed(tones, config, after, path)
    assert state.read(path).standing.epoch == after // 2 - (after % 2 == 0)
    resumed, whole = trained(tones, config, state=path), trained(tones, config)
    assert resumed.losses == whole.losses
    assert_equal(resumed.network, whole.network)


def test_pretraining_goes_on_too(tones: Dataset, tmp_path: Path) -> None:
    """Its decoder is no part of the network and has to come back as well."""
    paths, config = [clip.path for clip in tones.clips], replace(QUICK, epochs=3)
    traces = Traces(state=tmp_path / "state.safetensors")

    def stop(report: EpochReport) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        pretrain(paths, config, traces=traces, progress=stop)
    assert any(name.startswith("rest.") for name in state.read(traces.state).tensors)
    resumed, whole = pretrain(paths, config, traces=traces), pretrain(paths, config)
    assert resumed.losses == whole.losses
    assert_equal(resumed.network, whole.network)


def test_a_finished_training_is_not_done_again(tones: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    once = trained(tones, replace(QUICK, epochs=2), state=path)
    again = trained(tones, replace(QUICK, epochs=2), state=path, ticks=pytest.fail)
    assert again.losses == once.losses
    assert_equal(again.network, once.network)


def test_another_training_is_refused_and_told_apart(tones: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    config = replace(QUICK, epochs=2)
    trained(tones, config, state=path)
    other = replace(config, learning_rate=1e-4, seed=5)
    with pytest.raises(
        TrainingError,
        match=r"another training: config learning_rate was 0.005 and is 0.0001; config seed was 0 "
        r"and is 5; give the same .* or --restart",
    ):
        trained(tones, other, state=path)
    fewer = replace(tones, clips=tones.clips[:12])
    with pytest.raises(TrainingError, match="data digest was .*; data files was 8 and is 6"):
        trained(fewer, config, state=path)
    assert len(trained(tones, other, state=path, restart=True).losses) == 2


def test_a_state_that_is_damaged(tones: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    path.write_bytes(b"\x00" * 100)
    with pytest.raises(TrainingError, match="cannot be read as the state .* --restart"):
        trained(tones, QUICK, state=path)


def test_a_log_that_is_gone(tones: Dataset, tmp_path: Path) -> None:
    path, log = tmp_path / "state.safetensors", tmp_path / "log.csv"
    killed(tones, QUICK, 5, path, log=log)
    log.unlink()
    with pytest.raises(TrainingError, match="log.csv is gone or was cut short"):
        trained(tones, QUICK, state=path, log=log)


def test_a_full_disk_leaves_the_state_before(
    tones: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, config = tmp_path / "state.safetensors", replace(QUICK, epochs=3)
    whole = trained(tones, config)

    def full(tensors: object, target: Path, metadata: object) -> None:
        target.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fills(report: EpochReport) -> None:
        monkeypatch.setattr(state, "save_file", full)

    with pytest.raises(TrainingError, match="No space left on device.*one before is intact"):
        train(tones.without(2), config, traces=Traces(state=path), progress=fills)
    assert state.read(path).standing.epoch == 1
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()
    resumed = trained(tones, config, state=path)
    assert_equal(resumed.network, whole.network)


def test_the_precision_that_auto_stood_for_is_the_trainings(
    tones: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine does not go on in another precision, unless it is told to stay in this."""
    path = tmp_path / "state.safetensors"
    config = replace(QUICK, epochs=1, precision="auto", device="cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    found = train(tones.without(2), config, traces=Traces(state=path))
    assert found.card()["recipe"]["precision"] == "fp32"
    assert state.read(path).identity["config"]["precision"] == "fp32"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    with pytest.raises(TrainingError, match='config precision was "fp32" and is "bf16"'):
        train(tones.without(2), config, traces=Traces(state=path))
    told = replace(config, precision="fp32")
    assert train(tones.without(2), told, traces=Traces(state=path)).config.precision == "fp32"


@pytest.mark.parametrize("kind", ("cuda", "cpu"))
def test_bf16_is_chosen_only_where_it_is_multiplied(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = torch.device(kind)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False})
    expected = "bf16" if kind == "cuda" else "fp32"
    assert settled(TrainConfig(), device).precision == expected
    assert settled(TrainConfig(precision="bf16"), device).precision == "bf16"
    assert settled(TrainConfig(precision="fp32"), device).precision == "fp32"


def test_a_full_disk_at_the_end_loses_nothing(
    tones: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out = tmp_path / "made.safetensors"
    out.write_bytes(b"an older model")
    choices = ["epochs=2", "dim=32", "depth=1", "heads=2", "precision=fp32", "device=cpu"]
    command = ["train", str(tones.clips[0].path.parent), "--out", str(out)]
    for choice in choices:
        command += ["--set", choice]

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoints, "save_file", full)
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert error.count("\n") == 1
    assert out.read_bytes() == b"an older model"
    monkeypatch.undo()
    assert main(command) == 0
    assert checkpoints.load(out).labels == ("noise", "tone")
    assert not state.path_beside(out).exists()


def test_a_loss_that_is_not_finite_leaves_the_last_good_state(
    tones: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, config, calls = tmp_path / "state.safetensors", replace(QUICK, epochs=4), iter(range(99))
    right = Classification._of_logits

    def spoilt(self: Classification, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return right(self, logits, targets) * (torch.nan if next(calls) == 5 else 1.0)

    monkeypatch.setattr(Classification, "_of_logits", spoilt)
    with pytest.raises(TrainingError, match=r"loss is nan in epoch 3, step 2; .* --start .*state"):
        trained(tones, config, state=path)
    assert state.read(path).standing.epoch == 2
    monkeypatch.undo()
    begun = checkpoints.load(path)
    assert begun.labels == ("noise", "tone")
    gentler = train(tones, replace(config, epochs=1, learning_rate=1e-4), start=begun)
    assert_equal(trained(tones, config, state=path).network, trained(tones, config).network)
    assert gentler.losses[0] < 0.7


def test_a_gradient_that_is_not_finite_takes_no_step(
    tones: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Descent, "slope", lambda self, loss: torch.inf)
    path = tmp_path / "state.safetensors"
    with pytest.raises(TrainingError, match="norm of the gradient is inf in epoch 1, step 1; it"):
        trained(tones, QUICK, state=path)
    assert not path.exists()
