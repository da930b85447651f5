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
    optimizer="adamw",
)
"""Nothing is drawn but the order of the clips, so that one process can do what two do.

Muon computes its steps in bfloat16, which makes much of the order of a sum.
"""

PATIENCE_S = 270
"""A minute is enough where the processors are free."""

PROCESS = """
import os, sys
from pathlib import Path
from safetensors.torch import save_file
from passt_core.cli import main
from passt_core.lab import train as lab

folder, rank, train = Path(sys.argv[1]), os.environ["RANK"], lab.train

def kept(*arguments, **options):
    trained = train(*arguments, **options)
    save_file(trained.network.state_dict(), folder / f"weights{rank}.safetensors")
    (folder / f"losses{rank}").write_text(repr((trained.losses, dict(trained.scores))))
    return trained

lab.train = kept
command = ["train", str(folder / "tones"), "--out", str(folder / "made.safetensors")]
command += ["--config", str(folder / "recipe.yaml"), "--validate", "2", "--markdown"]
sys.exit(main([*command, "--log", str(folder / f"log{rank}.csv")]))
"""
"""The command line, and beside it what each process has in the end."""


def torchrun(*words: str) -> None:
    """Start two processes on this machine, without a GPU."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        [*command, *words],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told, _ = running.communicate(timeout=PATIENCE_S)
    finally:
        running.terminate()  # it ends its processes, which a kill would leave behind
        running.wait()
    assert not running.returncode, told


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")
def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    clips = tones_and_noises(tmp_path / "tones")
    (tmp_path / "recipe.yaml").write_text(to_yaml(SAME), encoding="utf-8")
    script = tmp_path / "process.py"
    script.write_text(PROCESS, encoding="utf-8")
    torchrun(str(script), str(tmp_path))

    first, second = (load_file(tmp_path / f"weights{rank}.safetensors") for rank in (0, 1))
    assert not [name for name, weight in first.items() if not torch.equal(weight, second[name])]
    assert (tmp_path / "losses0").read_text() == (tmp_path / "losses1").read_text()
    assert {path.name for path in tmp_path.glob("made*")} == {"made.safetensors", "made.md"}
    assert [path.name for path in tmp_path.glob("log*")] == ["log0.csv"]

    alone = train(clips.without(2), SAME, validation=clips.only(2))
    for name, weight in alone.network.state_dict().items():
        torch.testing.assert_close(first[name], weight, rtol=1e-3, atol=1e-4, msg=name)
