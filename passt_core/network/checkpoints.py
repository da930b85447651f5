"""Checkpoint files → a network ready to listen.

Three kinds go through one door, :func:`load`: the bundled file, a published one by its name, and
a file of the user's own. Nothing is unpickled but tensors, and every key and shape must fit.
"""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from pickle import UnpicklingError
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from passt_core.errors import CheckpointError
from passt_core.files import atomic_path, cache_folder, sha256_of
from passt_core.network import labels as label_sets
from passt_core.network.download import Progress, fetch
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.registry import BUNDLED, BUNDLED_FILE, OFFICIAL, OfficialCheckpoint
from passt_core.signal.mel import MelConfig

SCHEMA = 1
METADATA_KEY = "passt"
ACTIVATIONS = ("sigmoid", "softmax")
HEAD_DIM = 64
"""Width of a head in every published PaSST; files do not say how many heads they have."""

_PREFIXES = ("net_swa._orig_mod.", "net_swa.", "net._orig_mod.", "net.", "_orig_mod.", "module.")
"""Wrappings met in the wild, best weights first (SWA before the plain ones)."""
_STRAYS = ("device_proxy", "mel.")
_KNOWN_FRAMES = (998, 1000, 2000, 3000, 3200)
_HOP_OF_FRAMES = MappingProxyType({3200: 100})

_UNREADABLE = (
    *(OSError, SafetensorError, RuntimeError, ValueError, EOFError, LookupError, TypeError),
    *(AttributeError, AssertionError, MemoryError, struct.error),
)
"""What torch's and safetensors' readers raise on bytes that are no checkpoint."""

StateDict = dict[str, Tensor]


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

    @property
    def config(self) -> PasstConfig:
        """Shape of the network."""
        return self.network.config


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


def save(
    path: Path,
    network: Passt,
    *,
    front_end: MelConfig,
    labels: tuple[str, ...],
    activation: str,
    card: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a safetensors file that carries its configuration, labels and card; atomic.

    Raises:
        CheckpointError: labels or activation do not fit the network.
    """
    _check_meaning(path.name, network.config, labels, activation)
    about = {
        "schema": SCHEMA,
        "config": asdict(network.config),
        "front_end": asdict(front_end),
        "labels": list(labels),
        "activation": activation,
        "card": dict(card),
    }
    state = {key: value.detach().to("cpu", dtype) for key, value in network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(state, temporary, metadata={METADATA_KEY: json.dumps(about)})


def from_deit(path: Path, config: PasstConfig) -> Passt:
    """A fresh network whose blocks, tokens and patches begin at a DeiT checkpoint's.

    The 24 x 24 (or any square) positions are resized bicubically to the grid and averaged over the
    other axis; the RGB kernel is summed over its channels. The heads begin at zero logits.

    Raises:
        CheckpointError: the file is not a distilled DeiT of the same width, depth and patch.
    """
    source = _unwrapped(_read_state(path)[0], path.name)
    network = Passt(config)
    target = network.state_dict()
    try:
        positions = source.pop("pos_embed")
        adapted = _positions_from_square(positions, config)
        kernel = source["patch_embed.proj.weight"]
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path.name} is not a DeiT checkpoint ({error})") from error
    adapted["patch_embed.proj.weight"] = kernel.sum(dim=1, keepdim=True)
    for key, value in source.items():
        if not key.startswith("head"):
            adapted.setdefault(key, value)
    wanted = {key for key in target if not key.startswith("head")}
    _require_fit(path.name, {key: target[key] for key in wanted}, adapted)
    network.load_state_dict(target | adapted)
    return network


def infer_config(state: StateDict, *, frames: int | None, stride: int | None) -> PasstConfig:
    """Read a network's shape off its weights.

    Args:
        state: unwrapped weights.
        frames: width of the input, where it is known; None: inferred from the grid of positions.
        stride: of the patches, likewise.

    Raises:
        CheckpointError: a weight is missing, or what is known contradicts the shapes.
    """
    try:
        dim, _, patch, _ = state["patch_embed.proj.weight"].shape
        rows = state["freq_new_pos_embed"].shape[2]
        columns = state["time_new_pos_embed"].shape[3]
        classes = len(state["head.1.weight"])
        mlp = len(state["blocks.0.mlp.fc1.weight"])
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(
            f"the file is not a PaSST checkpoint (no usable {error}); choose another"
        ) from error
    bands = PasstConfig.mel_bands
    stride, frames = _infer_stride(rows, columns, bands, patch, stride, frames)
    blocks = {key.split(".")[1] for key in state if key.startswith("blocks.")}
    return PasstConfig(
        dim=dim,
        depth=len(blocks),
        heads=max(1, dim // HEAD_DIM),
        mlp_ratio=mlp // dim,
        mel_bands=bands,
        frames=frames,
        patch=patch,
        stride_freq=stride,
        stride_time=stride,
        classes=classes,
        distilled="dist_token" in state,
    )


def _infer_stride(
    rows: int, columns: int, bands: int, patch: int, stride: int | None, frames: int | None
) -> tuple[int, int]:
    """(stride, frames) with bands // stride == rows and frames // stride == columns."""
    strides = [s for s in range(patch, 0, -1) if bands // s == rows and stride in (None, s)]
    for candidate in strides:
        for width in (frames,) if frames else _KNOWN_FRAMES:
            if width // candidate == columns:
                return candidate, width
    if strides and frames is None:
        return strides[0], strides[0] * columns
    known = f"stride {stride or '?'} and {frames or '?'} frames"
    raise CheckpointError(
        f"positions of {rows} x {columns} contradict {known} on {bands} bands; "
        "the file is not the one that its name says"
    )


def _load_file(path: Path, *, name: str, entry: OfficialCheckpoint | None) -> Checkpoint:
    raw, about = _read_state(path)
    state = _unwrapped(raw, path.name)
    state = {key: value.float() for key, value in state.items()}
    if about is not None:
        meaning = _from_metadata(about, path.name)
    else:
        meaning = _from_shapes(state, path, entry)
    config, front_end, labels, activation, card = meaning
    _check_meaning(path.name, config, labels, activation)
    with torch.device("meta"):
        network = Passt(config)
    _require_fit(path.name, network.state_dict(), state)
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


def _read_state(path: Path) -> tuple[StateDict, Mapping[str, Any] | None]:
    """Tensors of a file and, in our own safetensors, what it says of itself."""
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                about = (file.metadata() or {}).get(METADATA_KEY)
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return state, None if about is None else json.loads(about)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of old pickles; the refusal says it all
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise CheckpointError(
            f"{path.name} holds something other than weights and was not opened: unpickling it "
            "could run code. Save its state_dict alone, or as safetensors"
        ) from error
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path.name} cannot be read as a checkpoint ({reason}); "
            "give a .safetensors, .pt or .ckpt file"
        ) from error
    return _tensors(loaded, path.name), None


def _tensors(loaded: object, name: str) -> StateDict:
    """The weights in what torch.load gave: a state dict, or a training checkpoint around one."""
    for key in ("state_dict", "model", "net"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
            break
    if isinstance(loaded, dict):
        tensors = {str(k): v for k, v in loaded.items() if isinstance(v, Tensor)}
        if tensors and len(tensors) == len(loaded):
            return tensors
    raise CheckpointError(f"{name} holds no state dict; save the network's state_dict()")


def _unwrapped(state: StateDict, name: str) -> StateDict:
    """Weights without a training wrapper's prefix and strays."""
    for prefix in _PREFIXES:
        inside = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        if "patch_embed.proj.weight" in inside:
            state = inside
            break
    if "patch_embed.proj.weight" not in state:
        raise CheckpointError(
            f"{name} has no patch_embed.proj.weight: it is not a PaSST checkpoint; choose another"
        )
    return {k: v for k, v in state.items() if not k.startswith(_STRAYS)}


def _require_fit(name: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    missing = sorted(expected.keys() - found.keys())
    unknown = sorted(found.keys() - expected.keys())
    if missing or unknown:
        what = f"lacks {_some(missing)}" if missing else f"has the unknown key {_some(unknown)}"
        raise CheckpointError(f"{name} {what}; the weights must fit the network key by key")
    for key, tensor in expected.items():
        if found[key].shape != tensor.shape:
            raise CheckpointError(
                f"{name}: {key} has shape {tuple(found[key].shape)} where "
                f"{tuple(tensor.shape)} belongs; the file is of another network"
            )


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return keys[0] + more


def _positions_from_square(positions: Tensor, config: PasstConfig) -> StateDict:
    """DeiT positions (1, 2 + side², d) → new, freq and time positions."""
    extra, grid = positions[:, :2], positions[:, 2:]
    side = int(grid.shape[1] ** 0.5)
    square = grid.reshape(1, side, side, -1).permute(0, 3, 1, 2)  # (1, d, side, side)
    resized = torch.nn.functional.interpolate(
        square, size=config.grid, mode="bicubic", align_corners=False
    )
    return {
        "new_pos_embed": extra,
        "freq_new_pos_embed": resized.mean(dim=3, keepdim=True),
        "time_new_pos_embed": resized.mean(dim=2, keepdim=True),
    }


def _unknown(name: str) -> str:
    return (
        f"no model is called {name!r} and no file lies there; "
        "use bundled, a published name (python -m passt_core models list) or a checkpoint file"
    )
