"""A slider that hands on whatever its number field says.

Gradio writes a stub beside the module of every component class (``slider.pyi``, not in git).
"""

from __future__ import annotations

import gradio as gr


class Slider(gr.Slider):
    """A slider whose handler sets a value right that is out of its range.

    Gradio's own refuses such a value before any handler is called, and with it every later event
    that has the slider among its inputs.
    """

    is_template = True

    def preprocess(self, payload: float) -> float:
        """Hand the value on as it is."""
        return payload
