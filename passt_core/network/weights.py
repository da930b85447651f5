"""Files of weights: read without running what is in them, unwrapped, and held to a shape."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from passt_core.errors import CheckpointError
from passt_core.network.model import STEM_CHANNELS, STEM_FACTOR, PasstConfig, Stem

METADATA_KEY = "passt"
"""Where our own safetensors say what they are."""
HEAD_DIM = 64
"""Width of a head in every published PaSST; files do not say how many heads they have."""

_PREFIXES = ("net_swa._orig_mod.", "net_swa.", "net._orig_mod.", "net.", "_orig_mod.", "module.")
"""Wrappings met in the wild, best weights first (SWA before the plain ones)."""
_STRAYS = ("device_proxy", "mel.")
_KNOWN_FRAMES = (998, 1000, 2000, 3000, 3200)

_UNREADABLE = (
    *(OSError, SafetensorError, RuntimeError, ValueError, EOFError, LookupError, TypeError),
    *(AttributeError, AssertionError, MemoryError, struct.error),
)
"""What torch's and safetensors' readers raise on bytes that are no checkpoint."""

StateDict = dict[str, Tensor]


def read_state(path: Path) -> tuple[StateDict, Mapping[str, Any] | None]:
    """Tensors of a file and, in our own safetensors, what it says of itself.

    Raises:
        CheckpointError: not a file of weights, damaged, or with more in it than weights.
    """
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


def unwrapped(state: StateDict, name: str) -> StateDict:
    """Weights without a training wrapper's prefix and strays.

    Raises:
        CheckpointError: they are not a PaSST's.
    """
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


def require_fit(name: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Refuse weights that do not fit a network key by key and shape by shape.

    Raises:
        CheckpointError: names the first key that is missing, unknown or of another shape.
    """
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
        dim, patch, stem = _infer_stem(state["patch_embed.proj.weight"])
        rows = state["freq_new_pos_embed"].shape[2]
        columns = state["time_new_pos_embed"].shape[3]
        classes = len(state["head.1.weight"])
        blocks = len({key.split(".")[1] for key in state if key.startswith("blocks.")})
        units = _row_counts(state, "mlp.fc1.weight", blocks)
        widths = [count // 3 for count in _row_counts(state, "attn.qkv.weight", blocks)]
        mlp_ratio = -(-max(units) // dim)
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(
            f"the file is not a PaSST checkpoint (no usable {error}); choose another"
        ) from error
    bands = PasstConfig.mel_bands
    stride, frames = _infer_stride(rows, columns, bands, patch, stride, frames)
    heads = max(1, dim // HEAD_DIM)
    pruned_heads = any(width != dim for width in widths)
    pruned_units = any(count != mlp_ratio * dim for count in units)
    return PasstConfig(
        dim=dim,
        depth=blocks,
        heads=heads,
        mlp_ratio=mlp_ratio,
        mel_bands=bands,
        frames=frames,
        patch=patch,
        stride_freq=stride,
        stride_time=stride,
        classes=classes,
        distilled="dist_token" in state,
        stem=stem,
        heads_left=tuple(width * heads // dim for width in widths) if pruned_heads else (),
        units_left=tuple(units) if pruned_units else (),
    )


def _row_counts(state: StateDict, name: str, blocks: int) -> list[int]:
    """Rows of a weight in each block; where one lacks it, as in the first: that is told later."""
    first = state[f"blocks.0.{name}"]
    return [len(state.get(f"blocks.{block}.{name}", first)) for block in range(blocks)]


def _infer_stem(weight: Tensor) -> tuple[int, int, Stem]:
    """(dim, patch, stem) of the last weight that makes a token."""
    if weight.dim() == 4:
        return len(weight), weight.shape[2], "linear"
    dim, features = weight.shape
    return dim, STEM_FACTOR * isqrt(features // STEM_CHANNELS[-1]), "conv"


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
