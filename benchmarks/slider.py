"""A slider's move: the masked clip heard, its veil, bars and numbers made, on the server.

``python -m benchmarks.slider``
"""

from __future__ import annotations

from itertools import count

import gradio as gr

from benchmarks._table import Row, in_turn, show
from passt_ui import hand
from passt_ui.services import Services
from passt_ui.tabs import explore

RUNS = 20
AIM_S = 0.3
CLASSES = 5


def main() -> None:
    services = Services.create()
    with gr.Blocks():
        tab = explore.build(services)
    held = hand.open_clip(
        services.first.predictor,
        services.examples[0].path,
        max_seconds=services.settings.max_minutes * 60,
    )
    columns, seeds = held.window.grid.columns, count()

    def move() -> None:
        mask = explore.Mask(time=columns // 4, freq=2, single=20, seed=next(seeds))
        explore.show_mask(tab, held, CLASSES, mask)

    def fullest_move() -> None:
        mask = explore.Mask(time=1, freq=0, single=0, seed=next(seeds))
        explore.show_mask(tab, held, CLASSES, mask)

    def whole() -> None:
        held.predictor.analyze(held.samples, held.predictor.sample_rate)

    usual, fullest, bare = in_turn(RUNS, move, fullest_move, whole)
    show(
        [
            Row(what="a quarter taken", seconds=usual, against="the aim", other=AIM_S, aim=1),
            Row(what="one column taken", seconds=fullest, against="the aim", other=AIM_S, aim=1),
            Row(what="one column taken", seconds=fullest, against="analyze alone", other=bare),
        ]
    )


if __name__ == "__main__":
    main()
