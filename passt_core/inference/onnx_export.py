"""A checkpoint as one ONNX file: waveform in, logits, probabilities and embedding out."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from passt_core.errors import CheckpointError, PasstError
from passt_core.files import atomic_path
from passt_core.inference.analysis import Floats
from passt_core.inference.windows import Windowing
from passt_core.network.checkpoints import Checkpoint
from passt_core.signal.mel import MelSpectrogram

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""What writing and checking such a file takes, beside what this package always needs."""
INPUT, OUTPUTS = "waveform", ("logits", "probabilities", "embedding")
TOLERANCE = 1e-3
"""Most that the file's answers may differ from the network's."""
SCHEMA = 1
REFUSALS = tuple(
    "Fail InvalidArgument InvalidGraph InvalidProtobuf NotImplemented RuntimeException".split()
)
"""What onnxruntime raises; the names have no other base."""


class Listener(nn.Module):
    """Front end, network and what its logits mean, as one module: what is exported."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.mel = MelSpectrogram(checkpoint.front_end).eval()
        self.network = checkpoint.network
        self._checkpoint = checkpoint

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hear windows (B, samples) → logits (B, C), probabilities (B, C), embedding (B, D)."""
        logits, embedding = self.network(self.mel(waveform))
        return logits, self._checkpoint.probabilities(logits), embedding


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far a file's answers are from the network's: the most, and the (batch, samples) heard."""

    largest: float
    shapes: tuple[tuple[int, int], ...]


def export(path: Path, checkpoint: Checkpoint) -> Comparison:
    """Write a checkpoint as an ONNX file, if onnxruntime makes of it what the network does.

    The file takes ``waveform``, float32 (batch, samples) at the model's rate, of one window or
    less, and gives ``logits``, ``probabilities`` and ``embedding``. What it is stands in its
    metadata: ``sample_rate``, ``least_samples``, ``most_samples``, ``labels`` (JSON), ``sha256``
    of the checkpoint, and more.

    Args:
        path: the file; it is replaced when the new one is whole and checked.
        checkpoint: on the CPU.

    Raises:
        PasstError: a package is missing.
        CheckpointError: the network cannot be written as ONNX, or the file says something else.
    """
    require_packages()
    windowing = Windowing.of(checkpoint.config, checkpoint.front_end)
    with atomic_path(path) as temporary:
        _write(temporary, checkpoint, windowing)
        found = compare(temporary, checkpoint)
        if not found.largest <= TOLERANCE:
            raise CheckpointError(
                f"{path.name} would differ from {checkpoint.name} by {found.largest:.2g}; "
                f"{TOLERANCE:g} is the most that is let pass: use the checkpoint itself"
            )
    return found


def require_packages() -> None:
    """Check that ONNX files can be written.

    Raises:
        PasstError: a package is missing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise PasstError(
            f"ONNX needs packages that are not installed: pip install {' '.join(missing)}"
        )


def compare(path: Path, checkpoint: Checkpoint) -> Comparison:
    """Ask onnxruntime and the network about the same sounds, from the least length to the window.

    Raises:
        CheckpointError: onnxruntime cannot run the file.
    """
    import onnxruntime  # noqa: PLC0415 - optional
    from onnxruntime.capi import onnxruntime_pybind11_state as raised  # noqa: PLC0415

    refusals = tuple(getattr(raised, name) for name in REFUSALS)
    listener = Listener(checkpoint).eval()
    shapes = _shapes(Windowing.of(checkpoint.config, checkpoint.front_end), listener)
    largest = 0.0
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for shape in shapes:
            sound = _sound(*shape)
            answers = session.run(OUTPUTS, {INPUT: sound})
            largest = max(largest, _difference(answers, listener, sound))
    except refusals as error:
        raise CheckpointError(
            f"onnxruntime cannot run what was written of {checkpoint.name} ({error}); "
            f"bring the packages up to date: pip install -U {' '.join(PACKAGES)}"
        ) from error
    return Comparison(largest=largest, shapes=shapes)


@torch.inference_mode()
def _difference(answers: Sequence[Floats], listener: Listener, sound: Floats) -> float:
    """The most that answers lie away from the network's; infinite if any is not a number."""
    wanted = listener(torch.from_numpy(sound))
    each = [np.abs(o - w.numpy()).max() for o, w in zip(answers, wanted, strict=True)]
    return float(np.nan_to_num(max(each), nan=np.inf))


def _write(path: Path, checkpoint: Checkpoint, windowing: Windowing) -> None:
    listener = Listener(checkpoint).eval()
    example = torch.from_numpy(_sound(2, _example_length(checkpoint)))
    free = torch.export.Dim.DYNAMIC
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's own, of its own parts
            program = torch.export.export(
                listener, (example,), dynamic_shapes=({0: free, 1: free},), strict=True
            )
            written = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                input_names=[INPUT],
                output_names=OUTPUTS,
                dynamic_shapes={INPUT: {0: "batch", 1: "samples"}},
            )
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{checkpoint.name} cannot be written as ONNX ({str(error).strip().splitlines()[0]}); "
            "use the checkpoint itself"
        ) from error
    if written is None:
        raise CheckpointError(f"{checkpoint.name} cannot be written as ONNX; use it as it is")
    written.model.metadata_props.update(_metadata(checkpoint, windowing))
    written.save(path, external_data=False)


def _metadata(checkpoint: Checkpoint, windowing: Windowing) -> dict[str, str]:
    facts = {
        "schema": SCHEMA,
        "model": checkpoint.name,
        "sha256": checkpoint.sha256,
        "sample_rate": checkpoint.front_end.sample_rate,
        "least_samples": windowing.least,
        "most_samples": windowing.length,
        "activation": checkpoint.activation,
        "temperature": checkpoint.temperature,
    }
    lists = {"labels": list(checkpoint.labels), "card": dict(checkpoint.card)}
    plain = {key: str(value) for key, value in facts.items()}
    return plain | {key: json.dumps(value, ensure_ascii=False) for key, value in lists.items()}


def _example_length(checkpoint: Checkpoint) -> int:
    """A length that nothing is special about: no whole patches, no whole hops."""
    config = checkpoint.config
    return checkpoint.front_end.samples((config.patch + config.frames) // 2) + 1


def _shapes(windowing: Windowing, listener: Listener) -> tuple[tuple[int, int], ...]:
    """(batch, samples) to compare: the ends of what is allowed, and between them."""
    least, most = windowing.least, windowing.length
    second = listener.mel.config.sample_rate
    one_more = least + listener.mel.config.hop * listener.network.config.stride_time
    lengths = sorted({least, one_more, second, most // 2 + 1, most})
    return tuple((2 if n < most else 1, n) for n in lengths if least <= n <= most)


def _sound(batch: int, samples: int) -> Floats:
    """Noise and a tone, each clip louder than the one before, (batch, samples)."""
    noise = np.random.default_rng(samples).standard_normal((batch, samples))
    tone = np.sin(0.2 * np.arange(samples))
    loudness = 0.02 * 4.0 ** np.arange(batch)
    return (loudness[:, None] * (noise + 4 * tone)).clip(-1, 1).astype(np.float32)
