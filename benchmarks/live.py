"""An answer to the microphone: a block taken, the window heard, the minute drawn, on the server.

``python -m benchmarks.live``
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import gradio as gr
import numpy as np

from benchmarks._table import Row, in_turn, show
from passt_core.inference.live import KEPT_S
from passt_ui.services import Services
from passt_ui.timeline import live

RUNS = 20
AIM_S = 0.5
"""Two answers in a second."""
RATE, BLOCK_S = 48_000, 0.25


def answers(services: Services, window_s: float) -> Callable[[], object]:
    """A microphone that was heard for a minute, and what answers its next block."""
    with gr.Blocks():
        state, visit = gr.State(None), gr.State(None)
        on = live.LiveHandlers(services=services, state=state, visit=visit, tab=live.build())
    noise = np.random.default_rng(0).normal(scale=3000.0, size=round(BLOCK_S * RATE))
    samples = base64.b64encode(noise.astype("<i2").tobytes()).decode("ascii")
    block = cast(gr.EventData, SimpleNamespace(_data={"rate": RATE, "samples": samples}))
    heard: list[live.LiveVisit | None] = [None]

    def answer() -> None:
        heard[0] = on.hear(None, heard[0], window_s, live.CLASSES, block)[visit]

    for _ in range(round(KEPT_S / BLOCK_S)):
        answer()
    return answer


def main() -> None:
    services = Services.create()
    usual, longest = in_turn(
        RUNS, answers(services, live.WINDOW_S), answers(services, live.MOST_WINDOW_S)
    )
    show(
        [
            Row(what="a window of 2 s", seconds=usual, against="the aim", other=AIM_S, aim=1),
            Row(what="a window of 10 s", seconds=longest, against="the aim", other=AIM_S, aim=1),
        ]
    )


if __name__ == "__main__":
    main()
