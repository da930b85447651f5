"""A model that answers with fewer classes: rows of its head are taken out, all else stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from passt_core.errors import CheckpointError
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.model import Passt


def narrow(checkpoint: Checkpoint, labels: Sequence[str]) -> Checkpoint:
    """Keep some classes, in the order of ``labels``. Embeddings do not change.

    Of a sigmoid model the probabilities that are left do not change either.

    Raises:
        CheckpointError: fewer than two classes, one twice, or one that the model does not know.
    """
    unknown = [label for label in labels if label not in checkpoint.labels]
    if unknown:
        raise CheckpointError(
            f"{checkpoint.name} does not know the class {unknown[0]!r} ({len(unknown)} such); "
            f"its classes are named like {checkpoint.labels[0]!r}"
        )
    if len(set(labels)) != len(labels) or len(labels) < 2:
        raise CheckpointError(
            f"{len(labels)} classes, {len(set(labels))} of them different, cannot be a head; "
            "name two or more, each once"
        )
    rows = torch.tensor([checkpoint.labels.index(label) for label in labels])
    network = Passt(replace(checkpoint.config, classes=len(labels)))
    state = dict(checkpoint.network.state_dict())
    for name, module in checkpoint.network.named_modules():
        if name in ("head.1", "head_dist") and isinstance(module, nn.Linear):
            state |= {f"{name}.weight": module.weight[rows], f"{name}.bias": module.bias[rows]}
    network.load_state_dict(state)
    return replace(checkpoint, network=network.eval().requires_grad_(False), labels=tuple(labels))
