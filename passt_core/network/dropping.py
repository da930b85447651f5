"""Taking whole blocks out of a network: what is left is a shallower network with the usual keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from passt_core.errors import PasstError
from passt_core.network.model import Passt


def shallower(network: Passt, blocks: Sequence[int]) -> Passt:
    """A new network of some of the stored blocks, in their order.

    The residual stream passes over what is missing, as in LayerDrop (Fan et al. 2019,
    arXiv:1909.11556, section 3). A block that is run several times goes with all its runs.

    Args:
        network: of any shape, pruned before or not; it is not changed.
        blocks: ascending places of the stored blocks that stay, one or more.

    Raises:
        PasstError: none would be left, or a place is not there or stands twice.
    """
    config, chosen = network.config, list(blocks)
    rising = sorted(set(chosen)) == chosen
    if not chosen or not rising or chosen[0] < 0 or chosen[-1] >= config.stored:
        raise PasstError(
            f"the blocks {chosen[:8]} would stay; name one or more of 0 to {config.stored - 1}, "
            "ascending"
        )
    shape = replace(
        config,
        depth=len(chosen) * config.share,
        heads_left=tuple(config.heads_left[block] for block in chosen if config.heads_left),
        units_left=tuple(config.units_left[block] for block in chosen if config.units_left),
    )
    places = {f"blocks.{old}.": f"blocks.{new}." for new, old in enumerate(chosen)}
    state = {}
    for key, value in network.state_dict().items():
        prefix = ".".join(key.split(".")[:2]) + "."
        if not key.startswith("blocks."):
            state[key] = value.clone()
        elif prefix in places:
            state[places[prefix] + key.removeprefix(prefix)] = value.clone()
    found = Passt(shape)
    found.load_state_dict(state)
    return found.train(network.training)
