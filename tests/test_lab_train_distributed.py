"""The same command in two processes: one training, the same weights in both."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from passt_core.files import ROOT
from passt_core.lab.recipe import to_yaml
from passt_core.lab.train import train
from tests.labs import QUICK, tones_and_noises

SAME = replace(
    QUICK,
    epochs=3,
    batch_size=8,
    shortest_s=1.0,
    longest_s=1.0,
    speed=0.0,
    roll_samples=0,
    gain_low_db=0.0,
    gain_high_db=0.0,
    noise_rate=0.0,
    random_position=False,
    patchout_time=0.0,
    patchout_freq=0.0,
    patchout_unstructured=0.0,
    save_steps=1,
)
"""Nothing is drawn but the order of the clips, so that one process can do what two do."""

PROCESS = """
import os, sys
from pathlib import Path
from safetensors.torch import save_file
from passt_core.lab.datasets import load_dataset
from passt_core.lab.recipe import effective
from passt_core.lab.train import Traces, train
clips, folder, rank = load_dataset(sys.argv[1]), Path(sys.argv[2]), os.environ["RANK"]
traces = Traces(state=folder / f"state{rank}.safetensors", log=folder / f"log{rank}.csv")
config = effective(folder / "recipe.yaml", ())
trained = train(clips.without(2), config, validation=clips.only(2), traces=traces)
save_file(trained.network.state_dict(), folder / f"weights{rank}.safetensors")
(folder / f"losses{rank}").write_text(repr((trained.losses, dict(trained.scores))))
"""


def torchrun(*words: str) -> None:
    """Start two processes on this machine, without a GPU."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert not done.returncode, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")
def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    clips = tones_and_noises(tmp_path / "tones")
    (tmp_path / "recipe.yaml").write_text(to_yaml(SAME), encoding="utf-8")
    script = tmp_path / "process.py"
    script.write_text(PROCESS, encoding="utf-8")
    torchrun(str(script), str(tmp_path / "tones"), str(tmp_path))

    first, second = (load_file(tmp_path / f"weights{rank}.safetensors") for rank in (0, 1))
    assert not [name for name, weight in first.items() if not torch.equal(weight, second[name])]
    assert (tmp_path / "losses0").read_text() == (tmp_path / "losses1").read_text()
    written = {path.name for path in tmp_path.glob("*[01].*")}
    assert {"state0.safetensors", "log0.csv"} <= written
    assert not {"state1.safetensors", "log1.csv"} & written

    alone = train(clips.without(2), SAME, validation=clips.only(2))
    for name, weight in alone.network.state_dict().items():
        torch.testing.assert_close(first[name], weight, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")
def test_the_command_line_is_the_same(tmp_path: Path) -> None:
    tones_and_noises(tmp_path / "tones")
    out = tmp_path / "made.safetensors"
    (tmp_path / "recipe.yaml").write_text(to_yaml(replace(QUICK, epochs=2)), encoding="utf-8")
    words = ["train", str(tmp_path / "tones"), "--out", str(out), "--validate", "2"]
    torchrun("-m", "passt_core", *words, "--config", str(tmp_path / "recipe.yaml"), "--markdown")
    assert {path.name for path in tmp_path.glob("made*")} == {"made.safetensors", "made.md"}
