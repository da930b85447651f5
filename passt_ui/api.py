"""What a script can ask of the app: the page's work as JSON, through gradio_client.

Gradio names each endpoint's parameters after the functions' arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import gradio as gr

from passt_core.errors import AudioError, LibraryError, PasstError
from passt_core.inference.analysis import ClipAnalysis
from passt_core.library import search as library_search
from passt_core.network.patchout import PatchoutSpec
from passt_ui.hand import check_length
from passt_ui.services import Services

Json = dict[str, Any]
P = ParamSpec("P")

MODEL_QUEUE = "model"
"""Events of this name share the limit of clips that the model listens to at a time."""


def build(services: Services) -> None:
    """Add the endpoints ``/analyze``, ``/patchout`` and ``/search``; nothing of them is seen."""
    with gr.Group(visible=False):
        clip = gr.File(label="audio")
        top_k = gr.Number(5, label="top_k", precision=0)
        k = gr.Number(5, label="k", precision=0)
        counts = [gr.Number(0, label=n, precision=0) for n in ("time", "freq", "unstructured")]
        seed = gr.Number(0, label="seed", precision=0)
        answer = gr.JSON(label="answer")
        touch = gr.Button()
    on = Endpoints(services)
    for endpoint, inputs in (
        (on.analyze, [clip, top_k]),
        (on.patchout, [clip, *counts, seed, top_k]),
        (on.search, [clip, k]),
    ):
        touch.click(
            errors_told(endpoint),
            inputs,
            answer,
            api_name=endpoint.__name__,
            concurrency_id=MODEL_QUEUE,
            concurrency_limit=services.settings.jobs,
        )


@dataclass(frozen=True, eq=False)
class Endpoints:
    """The endpoints' work; they answer with the model and library that the app began with."""

    services: Services

    def analyze(self, audio: str, top_k: int = 5) -> Json:
        """Listen to a clip: its classes, and those of every window."""
        return self._listen(audio).report(_count(top_k, "top_k"))

    def patchout(
        self,
        audio: str,
        time: int = 0,
        freq: int = 0,
        unstructured: int = 0,
        seed: int = 0,
        top_k: int = 5,
    ) -> Json:
        """Listen to a clip with and without some of its patches."""
        spec = PatchoutSpec(time=int(time), freq=int(freq), unstructured=int(unstructured))
        wanted = _count(top_k, "top_k")
        masked = self._listen(audio, spec, int(seed))
        return {
            "with_all": self._listen(audio).report(wanted),
            "with_mask": masked.report(wanted),
            "grid": {"rows": masked.grid.rows, "columns": masked.grid.columns},
            "kept": masked.kept.tolist(),
        }

    def search(self, audio: str, k: int = 5) -> Json:
        """Find the library's sounds that are most like a clip."""
        first = self.services.first
        if first.library is None:
            raise LibraryError(first.library_problem)
        wanted = _count(k, "k")
        hits = library_search.search(first.library, self._listen(audio).embedding, wanted)
        return {
            "model": first.predictor.name,
            "library": first.library.name,
            "hits": [hit.report() for hit in hits],
        }

    def _listen(
        self, audio: str | None, spec: PatchoutSpec | None = None, seed: int = 0
    ) -> ClipAnalysis:
        if not audio:
            raise AudioError("no clip was given; send one with gradio_client.handle_file(path)")
        check_length(Path(audio), self.services.settings.max_minutes * 60)
        return self.services.first.predictor.analyze_file(audio, spec, seed)


def errors_told(function: Callable[P, Json]) -> Callable[P, Json]:
    """Tell a caller what they can mend; anything else is a bug and is logged by Gradio."""

    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> Json:
        try:
            return function(*args, **kwargs)
        except PasstError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return told


def _count(value: int | None, name: str) -> int:
    if value is None or value < 1:
        raise PasstError(f"{name} is {value}; ask for at least 1")
    return int(value)
