"""Which embeddings a HEAR module gives: the variants of ``hear21passt``, as data."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from passt_core.errors import PasstError
from passt_core.network.registry import BUNDLED

MODES = ("all", "embed_only", "logits")
"""What stands for a window: logits and embedding, the embedding, or the logits."""

TIMESTAMP_HOP_MS = 50
"""From one timestamp to the next."""


@dataclass(frozen=True, kw_only=True)
class HearVariant:
    """What is made of a sound.

    Attributes:
        weights: model that is loaded where none is named.
        levels_ms: lengths of the windows around a timestamp; their embeddings stand side by side.
        mel_frames: frames of log-mel around a timestamp that follow them.
        scene_steps: windows of a long scene begin every ``1 / scene_steps`` of a window.
        mode: one of :data:`MODES`.

    Raises:
        PasstError: unknown mode.
    """

    weights: str = BUNDLED
    levels_ms: tuple[int, ...] = (160,)
    mel_frames: int = 0
    scene_steps: int = 4
    mode: str = "all"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise PasstError(f"mode is {self.mode!r}; use one of {', '.join(MODES)}")


VARIANTS: MappingProxyType[str, HearVariant] = MappingProxyType(
    {
        "base": HearVariant(),
        "base2level": HearVariant(levels_ms=(160, 800)),
        "base2levelmel": HearVariant(levels_ms=(160, 640), mel_frames=6),
        "base20sec": HearVariant(weights="passt_s_f128_20sec_p16_s10_ap474"),
        "base30sec": HearVariant(weights="passt_s_f128_30sec_p16_s10_ap473", scene_steps=3),
    }
)
"""name → variant; each is also a module of this name beside this one."""
