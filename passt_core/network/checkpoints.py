"""Checkpoint files → a network ready to listen.

Three kinds go through one door, :func:`load`: the bundled file, a published one by its name, and
a file of the user's own. Nothing is unpickled but tensors, and every key and shape must fit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from passt_core.errors import CheckpointError
from passt_core.files import atomic_path, cache_folder, sha256_of
from passt_core.network import labels as label_sets
from passt_core.network.download import Progress, fetch
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.registry import BUNDLED, BUNDLED_FILE, OFFICIAL, OfficialCheckpoint
from passt_core.network.weights import (
    METADATA_KEY,
    StateDict,
    infer_config,
    read_state,
    require_fit,
    unwrapped,
)
from passt_core.signal.mel import MelConfig

SCHEMA = 1
ACTIVATIONS = ("sigmoid", "softmax")
_HOP_OF_FRAMES = MappingProxyType({3200: 100})


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """A network with everything needed to use it and to say what it is.

    Attributes:
        name: the registry's name, or the file's.
        source: what :func:`load` was given, and takes again: a name or a path.
        network: in eval mode, float32.
        front_end: spectrogram that it was trained on.
        labels: class names in head order.
        activation: ``sigmoid`` or ``softmax``: how logits become probabilities.
        temperature: what logits are divided by before that; 1 unless the model was calibrated.
        sha256: of the file.
        card: what its maker says of it (``title``, ``trained_on``, ``score``, ``licence``, …).
    """

    name: str
    source: str
    network: Passt
    front_end: MelConfig
    labels: tuple[str, ...]
    activation: str
    sha256: str
    card: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    temperature: float = 1.0

    @property
    def config(self) -> PasstConfig:
        """Shape of the network."""
        return self.network.config

    def probabilities(self, logits: Tensor) -> Tensor:
        """What logits (…, classes) mean, 0 to 1, of their shape: see :func:`probabilities`."""
        return probabilities(logits, activation=self.activation, temperature=self.temperature)


def probabilities(logits: Tensor, *, activation: str, temperature: float) -> Tensor:
    """Divide logits (…, classes) by a temperature, then take the sigmoid or softmax of them."""
    cooled = logits / temperature
    return cooled.softmax(dim=-1) if activation == "softmax" else cooled.sigmoid()


def names() -> tuple[str, ...]:
    """Every name that :func:`load` knows: the bundled one first."""
    return (BUNDLED, *OFFICIAL)


def official_path(name: str) -> Path:
    """Where a published checkpoint lies once it is fetched."""
    return cache_folder() / "checkpoints" / Path(OFFICIAL[name].file).name


def fetch_official(name: str, progress: Progress | None = None) -> Path:
    """Fetch a published checkpoint unless it is there.

    Raises:
        CheckpointError: the name is not published.
        DownloadError: it cannot be fetched or is not what it should be.
    """
    if name not in OFFICIAL:
        raise CheckpointError(_unknown(name))
    entry = OFFICIAL[name]
    return fetch(
        entry.url,
        official_path(name),
        sha256=entry.sha256,
        size=entry.size,
        progress=progress,
    )


def load(name_or_path: str | Path, progress: Progress | None = None) -> Checkpoint:
    """Load a checkpoint by name (``bundled``, a published one) or by path.

    Args:
        name_or_path: a name of :func:`names`, or a ``.safetensors``, ``.pt`` or ``.ckpt`` file.
        progress: told of the bytes while a published file is fetched.

    Raises:
        CheckpointError: unknown name, unreadable or unsafe file, keys or shapes that do not fit.
        DownloadError: a published file could not be fetched.
    """
    name = str(name_or_path)
    if name == BUNDLED:
        return _load_file(BUNDLED_FILE, name=BUNDLED, entry=None)
    if name in OFFICIAL:
        return _load_file(fetch_official(name, progress), name=name, entry=OFFICIAL[name])
    path = Path(name_or_path)
    try:
        is_file = path.is_file()
    except OSError:  # a name that no file system takes
        is_file = False
    if not is_file:
        raise CheckpointError(_unknown(name))
    return _load_file(path, name=path.stem, entry=None)


def rewrite(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint with its labels, card and temperature; its weights stay what they are.

    Raises:
        CheckpointError: as :func:`save`.
    """
    save(
        path,
        checkpoint.network,
        front_end=checkpoint.front_end,
        labels=checkpoint.labels,
        activation=checkpoint.activation,
        card=checkpoint.card,
        dtype=exact_dtype(checkpoint.network.state_dict().values()),
        temperature=checkpoint.temperature,
    )


def exact_dtype(values: Iterable[Tensor]) -> torch.dtype:
    """Float16 where it holds every value exactly, else float32."""
    exact = all(torch.equal(value, value.half().to(value.dtype)) for value in values)
    return torch.float16 if exact else torch.float32


def save(
    path: Path,
    network: Passt,
    *,
    front_end: MelConfig,
    labels: tuple[str, ...],
    activation: str,
    card: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
    temperature: float = 1.0,
) -> None:
    """Write a safetensors file that carries its configuration, labels and card; atomic.

    Raises:
        CheckpointError: labels or activation do not fit the network, or the temperature is not a
            finite number above 0.
    """
    _check_meaning(path.name, network.config, labels, activation)
    _check_temperature(path.name, temperature)
    about = {
        "schema": SCHEMA,
        "config": asdict(network.config),
        "front_end": asdict(front_end),
        "labels": list(labels),
        "activation": activation,
        "temperature": float(temperature),
        "card": dict(card),
    }
    state = {key: value.detach().to("cpu", dtype) for key, value in network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(state, temporary, metadata={METADATA_KEY: json.dumps(about)})


def _load_file(path: Path, *, name: str, entry: OfficialCheckpoint | None) -> Checkpoint:
    raw, about = read_state(path)
    state = unwrapped(raw, path.name)
    state = {key: value.float() for key, value in state.items()}
    if about is not None:
        meaning = _from_metadata(about, path.name)
    else:
        meaning = _from_shapes(state, path, entry)
    config, front_end, labels, activation, card = meaning
    _check_meaning(path.name, config, labels, activation)
    temperature = _check_temperature(path.name, (about or {}).get("temperature", 1.0))
    with torch.device("meta"):
        network = Passt(config)
    require_fit(path.name, network.state_dict(), state)
    network.load_state_dict(state, assign=True)
    return Checkpoint(
        name=name,
        source=name if name in names() else str(path),
        network=network.eval().requires_grad_(False),
        front_end=front_end,
        labels=labels,
        activation=activation,
        sha256=sha256_of(path),
        card=MappingProxyType(dict(card)),
        temperature=temperature,
    )


Meaning = tuple[PasstConfig, MelConfig, tuple[str, ...], str, Mapping[str, Any]]


def _from_metadata(about: Mapping[str, Any], name: str) -> Meaning:
    try:
        if about["schema"] != SCHEMA:
            raise CheckpointError(
                f"{name} has schema {about['schema']}; this version reads {SCHEMA}: update"
            )
        return (
            PasstConfig(**about["config"]),
            MelConfig(**about["front_end"]),
            tuple(str(label) for label in about["labels"]),
            str(about["activation"]),
            dict(about["card"]),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise CheckpointError(f"{name} describes itself wrongly ({error}); export it again") from (
            error
        )


def _from_shapes(state: StateDict, path: Path, entry: OfficialCheckpoint | None) -> Meaning:
    """What a bare file is: from the registry if it has a name there, else from its shapes."""
    frames, stride = (entry.frames, entry.stride) if entry else (None, None)
    config = infer_config(state, frames=frames, stride=stride)
    hop = entry.hop if entry else _HOP_OF_FRAMES.get(config.frames, MelConfig.hop)
    front_end = replace(MelConfig(), hop=hop)
    if entry:
        labels = _labels(entry.labels, config.classes)
        card = {"title": path.name, "trained_on": entry.trained_on, "score": entry.score}
        return config, front_end, labels, entry.activation, card
    sidecar = path.with_name(path.stem + ".labels.csv")
    if sidecar.is_file():
        labels = label_sets.read_labels(sidecar)
    else:
        audioset = len(label_sets.label_set("audioset"))
        labels = _labels("audioset" if config.classes == audioset else None, config.classes)
    card = {"title": path.name, "trained_on": "not said by the file"}
    return config, front_end, labels, "sigmoid", card


def _labels(name: str | None, classes: int) -> tuple[str, ...]:
    return label_sets.label_set(name) if name else label_sets.numbered(classes)


def _check_meaning(
    name: str, config: PasstConfig, labels: tuple[str, ...], activation: str
) -> None:
    if len(labels) != config.classes:
        raise CheckpointError(
            f"{name} has {config.classes} classes and {len(labels)} labels; give one label each"
        )
    if activation not in ACTIVATIONS:
        raise CheckpointError(f"{name} has activation {activation!r}; use {ACTIVATIONS}")


def _check_temperature(name: str, temperature: object) -> float:
    if isinstance(temperature, int | float) and not isinstance(temperature, bool):
        value = float(temperature)
        if math.isfinite(value) and value > 0:
            return value
    raise CheckpointError(
        f"{name} has temperature {temperature!r}; it must be a finite number above 0: "
        "calibrate the model again"
    )


def _unknown(name: str) -> str:
    return (
        f"no model is called {name!r} and no file lies there; "
        "use bundled, a published name (python -m passt_core models list) or a checkpoint file"
    )
