"""A new head on a frozen network, trained in seconds on embeddings of labelled clips.

The head is the network's own kind, LayerNorm then Linear, so that it goes back into a checkpoint:
the embedding is layer-normalised without an affine part, standardised by the training clips'
mean and spread, and given to a linear classifier with an L2 penalty. Mean and spread then become
the LayerNorm's affine part. The fit is a convex problem, solved by L-BFGS on all clips at once; it
is scikit-learn's ``LogisticRegression`` with C = 1 / (decay x clips).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from passt_core.errors import DatasetError, TrainingError
from passt_core.lab.heard import Heard, Indices
from passt_core.network import checkpoints
from passt_core.network.checkpoints import ACTIVATIONS, Checkpoint
from passt_core.network.model import HEAD_EPS, Passt

Doubles = NDArray[np.float64]

DECAYS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
"""Strengths of the penalty that are tried, the strongest first."""
LEAST_SPREAD = 1e-4
"""A feature that varies less over the training clips says nothing and is left as it is."""

_STILL = 1e-9
"""The fit ends when the loss moves less than this share of itself."""
_CURVATURES = 20
_LINE_SEARCH = 25
"""Evaluations that may look for a good step in each epoch; torch would leave none."""


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """Choices of a probe.

    Attributes:
        activation: ``softmax`` (one class per clip) or ``sigmoid`` (each class for itself).
        decays: strengths of the L2 penalty to try; the one of the lowest validation loss is taken.
        epochs: passes over all clips at most; the fit ends earlier once it stands still.
        validation: share of the clips to hold out, by class.
        seed: of the choice of the clips that are held out.
    """

    activation: str = "softmax"
    decays: tuple[float, ...] = DECAYS
    epochs: int = 60
    validation: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise TrainingError(
                f"activation is {self.activation!r}; use {' or '.join(ACTIVATIONS)}"
            )
        if not self.decays or min(self.decays) <= 0:
            raise TrainingError(f"decays are {self.decays}; give one or more above 0")
        if self.epochs < 1 or not 0 < self.validation < 1:
            raise TrainingError(
                f"{self.epochs} epochs with {self.validation:g} held out; "
                "take at least 1 epoch and a share between 0 and 1"
            )


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """How far a fit is: losses without the penalty, in nats per clip, and accuracies, 0 to 1."""

    decay: float
    number: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """A linear head on standardised features: ``logits = ((x - mean) / spread) @ weight.T + bias``.

    Attributes:
        mean, spread: of the layer-normalised embedding, (D,).
        weight: (C, D); bias: (C,).
    """

    mean: Tensor
    spread: Tensor
    weight: Tensor
    bias: Tensor

    def logits(self, features: Tensor) -> Tensor:
        """Layer-normalised embeddings (N, D) → (N, C)."""
        return (features - self.mean) / self.spread @ self.weight.T + self.bias

    def into(self, network: Passt) -> None:
        """Make this the head of a network of the same width and number of classes."""
        state = {
            "0.weight": 1.0 / self.spread,
            "0.bias": -self.mean / self.spread,
            "1.weight": self.weight,
            "1.bias": self.bias,
        }
        network.head.load_state_dict({key: value.float() for key, value in state.items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class Probed:
    """A head that was trained, and how.

    Attributes:
        head: fitted on all clips with the decay that was chosen.
        labels: its classes; activation: how its logits become probabilities.
        curve: epochs of the fit that was chosen, on the training clips only.
        train, validation: which of the clips were trained on, and which were held out to choose.
        decay: the strength of the penalty that was chosen.
    """

    head: Head
    labels: tuple[str, ...]
    activation: str
    curve: tuple[Epoch, ...]
    train: Indices
    validation: Indices
    decay: float

    @property
    def last(self) -> Epoch:
        """The scores on the clips that were held out."""
        return self.curve[-1]


Step = Epoch | Probed
Progress = Callable[[Epoch], None]


def probe(
    heard: Heard, config: ProbeConfig | None = None, *, progress: Progress | None = None
) -> Probed:
    """Train a head; see :func:`steps`."""
    for step in steps(heard, config or ProbeConfig()):
        if isinstance(step, Probed):
            return step
        if progress:
            progress(step)
    raise AssertionError("a probe ends in its result")


def steps(heard: Heard, config: ProbeConfig) -> Iterator[Step]:
    """Train a head for the labels of clips that were heard, epoch by epoch.

    A part of the clips is held out (a fold, where the clips have folds). The decay that gives the
    lowest loss on it is chosen, and the head then fitted on all clips with that decay.

    Yields:
        Every epoch of every decay, and at last the result.

    Raises:
        DatasetError: one class, or a class with one clip.
        TrainingError: the loss is not finite.
    """
    _check(heard)
    train, validation = split(heard, config)
    features = features_of(heard)
    targets = torch.from_numpy(heard.truth if config.activation == "sigmoid" else heard.targets)
    curves: dict[float, list[Epoch]] = {}
    for decay in config.decays:
        parts = _Parts(features=features, targets=targets, train=train, validation=validation)
        for _, epoch in _fit(parts, decay, config, len(heard.labels)):
            curves.setdefault(decay, []).append(epoch)
            yield epoch
    best = min(curves, key=lambda decay: curves[decay][-1].validation_loss)
    yield Probed(
        head=fit(features, targets, decay=best, config=config, classes=len(heard.labels)),
        labels=heard.labels,
        activation=config.activation,
        curve=tuple(curves[best]),
        train=train,
        validation=validation,
        decay=best,
    )


def fit(
    features: Tensor, targets: Tensor, *, classes: int, decay: float, config: ProbeConfig
) -> Head:
    """Fit a head.

    Args:
        features: layer-normalised embeddings (N, D).
        targets: class numbers (N,), or for sigmoids which classes each clip is of, (N, C).
        classes: how many there are.
        decay: strength of the penalty.
        config: activation and epochs.

    Raises:
        TrainingError: the loss is not finite.
    """
    rows = np.arange(len(targets))
    parts = _Parts(features=features, targets=targets, train=rows, validation=rows)
    *_, (head, _) = _fit(parts, decay, config, classes)
    return head


def features_of(heard: Heard) -> Tensor:
    """Embeddings as the head's LayerNorm makes them, without its affine part: (N, D), float64."""
    embeddings = torch.from_numpy(heard.embeddings).double()
    return functional.layer_norm(embeddings, embeddings.shape[1:], eps=HEAD_EPS)


def split(heard: Heard, config: ProbeConfig) -> tuple[Indices, Indices]:
    """Which clips to train on and which to hold out, ascending; every class is in both.

    Clips with folds: the smallest fold is held out, if every class is in it and in the others.
    Else a share of each class, drawn with the seed, at least one and not all; of clips that name
    their sources, a source stays on one side, if every class has two of them.
    """
    held = _smallest_fold(heard)
    if held is None:
        held = _drawn(heard, _groups(heard), config)
    return np.flatnonzero(~held), np.flatnonzero(held)


def _smallest_fold(heard: Heard) -> NDArray[np.bool_] | None:
    """The clips of the smallest fold; None if it would not do to hold it out."""
    folds = [str(clip.fold) for clip in heard.clips if clip.fold is not None]
    if len(folds) < len(heard):
        return None
    smallest = min(sorted(set(folds)), key=folds.count)
    held = np.array([fold == smallest for fold in folds])
    whole = all(heard.truth[part].any(axis=0).all() for part in (held, ~held))
    return held if whole else None


def _groups(heard: Heard) -> list[str]:
    """What each clip must stay together with: its source, or itself."""
    sources = [clip.source or str(clip.path) for clip in heard.clips]
    for label in range(len(heard.labels)):
        members = np.flatnonzero(heard.targets == label)
        if len(members) and len({sources[index] for index in members}) < 2:
            return [str(index) for index in range(len(heard))]
    return sources


def _drawn(heard: Heard, groups: list[str], config: ProbeConfig) -> NDArray[np.bool_]:
    """Which clips are held out: groups of each class, until its share is reached."""
    generator = np.random.default_rng(config.seed)
    chosen: set[str] = set()
    kept: set[str] = set()
    for label in range(len(heard.labels)):
        members = np.flatnonzero(heard.targets == label)
        own = list(dict.fromkeys(groups[index] for index in generator.permutation(members)))
        kept |= set(own[-1:])  # of every class something is left to train on
        wanted = max(1, round(config.validation * len(members)))
        for group in own:
            if sum(groups[index] in chosen for index in members) >= wanted:
                break
            if group not in kept:
                chosen.add(group)
    return np.array([group in chosen for group in groups])


def save(path: Path, base: Checkpoint, probed: Probed, card: Mapping[str, Any]) -> Checkpoint:
    """Write a checkpoint of a network's body with a new head, and load it.

    Float16 where the body is exactly representable in it, as in the bundled file; else float32.

    Args:
        path: a ``.safetensors`` file.
        base: the checkpoint that heard the clips.
        probed: its new head.
        card: what to say of it; what it was trained on and how it scored is added.

    Returns:
        The new checkpoint; its network shares the body's memory with ``base``.
    """
    network = with_head(base, probed)
    body = _body(network)
    checkpoints.save(
        path,
        network,
        front_end=base.front_end,
        labels=probed.labels,
        activation=probed.activation,
        card={**_card(base, probed), **card},
        dtype=checkpoints.exact_dtype(body.values()),
    )
    loaded = checkpoints.load(path)
    loaded.network.load_state_dict(body, strict=False, assign=True)
    loaded.network.requires_grad_(False)
    return loaded


def with_head(base: Checkpoint, probed: Probed) -> Passt:
    """The network of a checkpoint with a new head; they share the body's memory."""
    config = replace(base.config, classes=len(probed.labels))
    device = next(base.network.parameters()).device
    network = Passt(config).eval().requires_grad_(False).to(device)
    network.load_state_dict(_body(base.network), strict=False, assign=True)
    if network.head_dist is not None:
        network.head_dist.weight.zero_()
        network.head_dist.bias.zero_()
    probed.head.into(network)
    return network.requires_grad_(False)


def _body(network: Passt) -> dict[str, Tensor]:
    """All weights but those of the heads."""
    state = network.state_dict()
    return {key: value for key, value in state.items() if not key.startswith("head")}


def _card(base: Checkpoint, probed: Probed) -> dict[str, Any]:
    clips = len(probed.train) + len(probed.validation)
    share = probed.last.validation_accuracy
    card = {
        "title": "a head of your own",
        "trained_on": f"{clips} clips, only the head, on {base.name}",
        "score": f"accuracy {share:.2f} on {len(probed.validation)} clips held out to choose",
        "base": base.name,
        "base_sha256": base.sha256,
    }
    return card | ({"licence": base.card["licence"]} if base.card.get("licence") else {})


@dataclass(frozen=True, kw_only=True, eq=False)
class _Parts:
    """Features (N, D), targets as for :func:`fit`, and rows to train on and to check with."""

    features: Tensor
    targets: Tensor
    train: Indices
    validation: Indices


def _fit(
    parts: _Parts, decay: float, config: ProbeConfig, classes: int
) -> Iterator[tuple[Head, Epoch]]:
    """Fit on the training rows, and tell the head and the scores after every epoch."""
    x, y = parts.features[parts.train], parts.targets[parts.train]
    mean, spread = x.mean(dim=0), x.std(dim=0, correction=0)
    spread = torch.where(spread < LEAST_SPREAD, 1.0, spread)
    z = (x - mean) / spread
    weight = torch.zeros(classes, z.shape[1], dtype=z.dtype, requires_grad=True)
    bias = torch.zeros(classes, dtype=z.dtype, requires_grad=True)
    optimizer: torch.optim.Optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=1,
        max_eval=_LINE_SEARCH,
        history_size=_CURVATURES,
        line_search_fn="strong_wolfe",
        tolerance_change=0.0,
        tolerance_grad=0.0,
    )

    def closure() -> float:
        logits = z @ weight.T + bias
        loss = _loss(logits, y, config.activation) + decay / 2 * weight.square().sum()
        weight.grad, bias.grad = torch.autograd.grad(loss, (weight, bias))
        return float(loss.detach())

    before = float("inf")
    for number in range(1, config.epochs + 1):
        loss = optimizer.step(closure)  # before this step
        if not np.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} in epoch {number} with decay {decay:g}; "
                "the embeddings are damaged: try another model"
            )
        head = Head(
            mean=mean, spread=spread, weight=weight.detach().clone(), bias=bias.detach().clone()
        )
        yield head, _epoch(head, parts, number, decay, config.activation)
        if before - loss < _STILL * abs(loss):
            break
        before = loss


def _epoch(head: Head, parts: _Parts, number: int, decay: float, activation: str) -> Epoch:
    losses, accuracies = [], []
    for rows in (parts.train, parts.validation):
        logits, targets = head.logits(parts.features[rows]), parts.targets[rows]
        losses.append(float(_loss(logits, targets, activation)))
        accuracies.append(_accuracy(logits, targets))
    return Epoch(
        decay=decay,
        number=number,
        train_loss=losses[0],
        train_accuracy=accuracies[0],
        validation_loss=losses[1],
        validation_accuracy=accuracies[1],
    )


def _loss(logits: Tensor, targets: Tensor, activation: str) -> Tensor:
    """Mean over the clips of the cross-entropy, in nats; of sigmoids, summed over the classes."""
    if activation == "softmax":
        return functional.cross_entropy(logits, targets)
    truth = targets.to(logits.dtype)
    summed = functional.binary_cross_entropy_with_logits(logits, truth, reduction="sum")
    return summed / len(targets)


def _accuracy(logits: Tensor, targets: Tensor) -> float:
    """Share of clips whose highest class is theirs, or one of theirs."""
    said = logits.argmax(dim=1)
    if targets.dim() == 1:
        return float((said == targets).double().mean())
    return float(targets.gather(1, said[:, None]).double().mean())


def _check(heard: Heard) -> None:
    if len(heard.labels) < 2:
        raise DatasetError(
            f"all {len(heard)} clips have the label {heard.labels[0]!r}; "
            "two classes or more are needed to tell apart: add another"
        )
    alone = [heard.labels[index] for index in np.flatnonzero(heard.counts < 2)]
    if alone:
        raise DatasetError(
            f"{len(alone)} of the {len(heard.labels)} classes have one clip that can be read "
            f"({', '.join(alone[:3])}{', ...' if len(alone) > 3 else ''}); one to train on and one "
            "to check with are needed: add clips or leave the class out"
        )
