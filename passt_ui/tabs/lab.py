"""The Lab tab: judge a model on labelled sounds, hear what it confuses, train a new head."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from passt_core.lab.judge import HEAD, NEIGHBOURS, Judgement, known_among
from passt_core.lab.probe import Epoch
from passt_core.network.checkpoints import Checkpoint
from passt_ui import components
from passt_ui.lab import figures
from passt_ui.lab import views as lab_views
from passt_ui.lab.sounds import UPLOAD, LabelledSounds, library_choices, library_key
from passt_ui.lab.visit import LabVisit, OwnHead
from passt_ui.library.listed import ListedLibrary
from passt_ui.services import Services
from passt_ui.views import heading, how_to_read, note

Changes = dict[Any, Any]

WAYS = (("the model's classes", HEAD), ("nearest neighbours", NEIGHBOURS))
ONE, SEVERAL = "softmax", "sigmoid"
KINDS = (("one class per sound", ONE), ("several may be true", SEVERAL))
FIRST_NAME = "my head"
LONGEST_NAME = 40

_NO_RESULT = "Choose sounds and press Evaluate: the confusion matrix appears here."
_NO_CELL = "Click a cell, a class or a confusion: its sounds appear here, to be heard."
_NO_CURVE = "Press Train: loss and accuracy are drawn here while the head learns."


@dataclass(frozen=True, kw_only=True, eq=False)
class LabTab:
    """The tab's components."""

    tab: gr.Tab
    sounds: gr.Dropdown
    upload: gr.File
    facts: gr.HTML
    way: gr.Radio
    run: gr.Button
    stop: gr.Button
    progress: gr.HTML
    notice: gr.HTML
    line: gr.HTML
    figures: gr.HTML
    matrix: gr.HTML
    bars: gr.HTML
    confusions: gr.HTML
    cell_line: gr.HTML
    cell: gr.HTML
    name: gr.Textbox
    kind: gr.Radio
    train: gr.Button
    stop_train: gr.Button
    train_progress: gr.HTML
    train_notice: gr.HTML
    curve: gr.HTML
    trained: gr.HTML
    use: gr.Button
    download: gr.DownloadButton

    @property
    def results(self) -> list[gr.components.Component]:
        """What belongs to one evaluation."""
        return [self.line, self.figures, self.matrix, self.bars, self.confusions, *self.cells]

    @property
    def cells(self) -> list[gr.components.Component]:
        """What belongs to one cell of the matrix."""
        return [self.cell_line, self.cell]

    @property
    def setting(self) -> list[gr.components.Component]:
        """What other sounds, or another model, change."""
        return [self.sounds, self.upload, self.facts, self.way, self.notice, *self.running]

    @property
    def running(self) -> list[gr.components.Component]:
        """What tells that an evaluation or a training goes on."""
        return [self.progress, self.run, self.stop, *self.training]

    @property
    def training(self) -> list[gr.components.Component]:
        """What tells that a training goes on."""
        return [self.train_progress, self.train_notice, self.train, self.stop_train]

    @property
    def head(self) -> list[gr.components.Component]:
        """What belongs to the head that was trained."""
        return [self.curve, self.trained, self.use, self.download]


def build(services: Services, tab: gr.Tab) -> LabTab:
    """Lay the tab out."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=270):
            left = _sounds_column(services)
        with gr.Column(scale=7, min_width=320):
            middle = _matrix_column()
        with gr.Column(scale=3, min_width=260):
            right = _classes_column()
    cell_line = gr.HTML(heading("Sounds of a cell"), elem_id="lab-cell-line")
    cell = components.card_list(note(_NO_CELL), elem_id="lab-cell")
    gr.HTML(heading("Train a head of your own"), elem_id="lab-train-heading")
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=270):
            train = _train_column()
        with gr.Column(scale=10, min_width=320):
            head = _head_column()
    return LabTab(
        tab=tab, **left, **middle, **right, **train, **head, cell_line=cell_line, cell=cell
    )


def _sounds_column(services: Services) -> dict[str, Any]:
    gr.HTML(heading("Labelled sounds"))
    sounds = gr.Dropdown(
        library_choices(services.listed()),
        value=library_key(services.at_the_start()),
        label="Sounds",
        info="a library of this app, or what you brought",
        elem_id="lab-sounds",
    )
    upload = gr.File(
        label="Or a zip with one folder per class",
        file_types=[".zip"],
        type="filepath",
        height=150,
        elem_id="lab-upload",
    )
    facts = gr.HTML("", elem_id="lab-facts", min_height=40)
    way = gr.Radio(
        list(WAYS),
        value=NEIGHBOURS,
        label="Judge by",
        info="the names that the model gives, or how near like sounds lie",
        elem_id="lab-way",
    )
    with gr.Row():
        run = gr.Button("Evaluate", variant="primary", elem_id="lab-run")
        stop = gr.Button("Stop", visible=False, elem_id="lab-stop")
    progress = gr.HTML("", elem_id="lab-progress", min_height=44)
    return {
        "sounds": sounds,
        "upload": upload,
        "facts": facts,
        "way": way,
        "run": run,
        "stop": stop,
        "progress": progress,
    }


def _matrix_column() -> dict[str, Any]:
    notice = gr.HTML("", elem_id="lab-notice", visible=False)
    line = gr.HTML("", elem_id="lab-line", min_height=22)
    scores = gr.HTML("", elem_id="lab-figures", apply_default_css=False)
    matrix = components.matrix("lab-matrix", empty=_NO_RESULT)
    gr.HTML(
        how_to_read(
            "Each row is a class, each column what its sounds were called; a bright diagonal is "
            "good. The colour is the share of the row. Click a cell to hear its sounds, or move "
            "over the cells with the arrow keys and press Enter. Where the sounds' labels are not "
            "the model's classes, each sound is called what its nearest other sound is (leave one "
            "out, cosine of the embeddings): that judges what the model hears, not its names. "
            "Figures on few sounds are rough: the interval says how rough."
        )
    )
    return {"notice": notice, "line": line, "figures": scores, "matrix": matrix}


def _classes_column() -> dict[str, Any]:
    gr.HTML(heading("Largest confusions"))
    confusions = components.card_list("", elem_id="lab-confusions")
    gr.HTML(heading("Found of each class"))
    bars = components.card_list("", elem_id="lab-bars")
    return {"confusions": confusions, "bars": bars}


def _train_column() -> dict[str, Any]:
    gr.HTML(
        '<p class="passt-quiet">The model stays as it is and listens; only a new last layer is '
        "trained, on the labels of the sounds above. It takes seconds, and the model then speaks "
        "in your classes.</p>"
    )
    name = gr.Textbox(
        FIRST_NAME,
        label="Name",
        info="what the list of models will call it",
        max_length=LONGEST_NAME,
        elem_id="lab-name",
    )
    kind = gr.Radio(
        list(KINDS),
        value=ONE,
        label="A sound has",
        info="probabilities that add up to 1, or each for itself",
        elem_id="lab-kind",
    )
    with gr.Row():
        train = gr.Button("Train", variant="primary", elem_id="lab-train")
        stop = gr.Button("Stop", visible=False, elem_id="lab-stop-train")
    progress = gr.HTML("", elem_id="lab-train-progress", min_height=44)
    return {
        "name": name,
        "kind": kind,
        "train": train,
        "stop_train": stop,
        "train_progress": progress,
    }


def _head_column() -> dict[str, Any]:
    notice = gr.HTML("", elem_id="lab-train-notice", visible=False)
    curve = components.curves("lab-curve", empty=_NO_CURVE)
    trained = gr.HTML("", elem_id="lab-trained", apply_default_css=False)
    with gr.Row():
        use = gr.Button(
            "Use it in Explore",
            variant="primary",
            visible=False,
            elem_id="lab-use",
            scale=0,
            min_width=210,
        )
        download = gr.DownloadButton(
            "Download the model",
            visible=False,
            elem_id="lab-download",
            scale=0,
            min_width=210,
        )
    gr.HTML(
        how_to_read(
            "A quarter of each class is held out to choose the strength of the weight decay, and "
            "the curve is of that choice. The head that you get is then trained on all the sounds. "
            "As the held-out sounds made the choice, their score is a little kind. Held out and "
            "training far apart: too few sounds to learn from."
        )
    )
    return {
        "train_notice": notice,
        "curve": curve,
        "trained": trained,
        "use": use,
        "download": download,
    }


def show_sounds(tab: LabTab, visit: LabVisit, checkpoint: Checkpoint) -> Changes:
    """Other sounds, or another model: what is known of them, and nothing of an old result."""
    sounds = visit.sounds
    if sounds is None:
        return {tab.facts: "", **show_nothing(tab)}
    return {
        tab.facts: lab_views.about_sounds(sounds, checkpoint),
        tab.way: gr.Radio(
            value=way_for(sounds, checkpoint),
            interactive=len(known_among(sounds.counts, checkpoint)) > 1,
        ),
        **show_nothing(tab),
    }


def show_choices(tab: LabTab, visit: LabVisit, listed: Sequence[ListedLibrary]) -> Changes:
    """The sounds that there are to choose among, and which are in hand."""
    brought = [(f"yours: {visit.upload.name}", UPLOAD)] if visit.upload else []
    choices = [*brought, *library_choices(listed)]
    if visit.sounds is None:
        return {tab.sounds: gr.Dropdown(choices=choices)}
    key = visit.sounds.key
    there = key in {value for _, value in choices}
    return {tab.sounds: gr.Dropdown(choices=choices, value=key if there else None)}


def way_for(sounds: LabelledSounds, checkpoint: Checkpoint) -> str:
    """By the head where the model knows all the labels; else by neighbours."""
    known = known_among(sounds.counts, checkpoint)
    return HEAD if len(known) == len(sounds.counts) > 1 else NEIGHBOURS


def show_nothing(tab: LabTab) -> Changes:
    """No result, and nothing that runs."""
    return {
        tab.notice: gr.HTML(value="", visible=False),
        tab.line: "",
        tab.figures: "",
        tab.matrix: gr.HTML(value="", chosen=None),
        tab.bars: "",
        tab.confusions: "",
        **no_cell(tab),
        **idle(tab),
    }


def no_cell(tab: LabTab) -> Changes:
    """No cell was chosen."""
    return {tab.cell_line: heading("Sounds of a cell"), tab.cell: note(_NO_CELL)}


def idle(tab: LabTab) -> Changes:
    """Nothing runs."""
    return {
        tab.progress: "",
        tab.run: gr.Button(visible=True),
        tab.stop: gr.Button(visible=False),
        tab.train_progress: "",
        tab.train: gr.Button(visible=True),
        tab.stop_train: gr.Button(visible=False),
    }


def evaluating(tab: LabTab, told: str) -> Changes:
    """An evaluation runs."""
    return {
        tab.notice: gr.HTML(value="", visible=False),
        tab.progress: told,
        tab.run: gr.Button(visible=False),
        tab.stop: gr.Button(visible=True),
    }


def training(tab: LabTab, told: str) -> Changes:
    """A training runs."""
    return {
        tab.train_notice: gr.HTML(value="", visible=False),
        tab.train_progress: told,
        tab.train: gr.Button(visible=False),
        tab.stop_train: gr.Button(visible=True),
        tab.use: gr.Button(visible=False),
        tab.download: gr.DownloadButton(visible=False),
    }


def show_result(
    tab: LabTab, visit: LabVisit, judged: Judgement, checkpoint: Checkpoint, own: OwnHead | None
) -> Changes:
    """Everything that an evaluation gives; ``own`` if a head is judged on what trained it."""
    sounds, heard = visit.sounds, visit.heard
    if sounds is None or heard is None:
        return show_nothing(tab)
    line = lab_views.result_line(judged, sounds, checkpoint) + lab_views.unreadable(heard, sounds)
    if own is not None:
        line += lab_views.trained_on_these(own)
    else:
        line += lab_views.learnt_from_these(checkpoint, sounds)
    value = json.dumps(figures.matrix(judged) | {"summary": lab_views.matrix_summary(judged)})
    return {
        **show_nothing(tab),
        tab.line: line,
        tab.figures: lab_views.figures(judged),
        tab.matrix: gr.HTML(value=value, chosen=None),
        tab.bars: lab_views.class_bars(judged),
        tab.confusions: lab_views.confusions(judged),
        tab.way: gr.Radio(value=judged.by),
    }


def show_curve(tab: LabTab, epochs: list[Epoch], choice: int, choices: int) -> Changes:
    """A fit that goes on: its curve so far."""
    last = epochs[-1]
    told = f"Weight decay {last.decay:g} ({choice} of {choices}), epoch {last.number}"
    return {
        tab.curve: json.dumps(figures.curves(epochs)),
        tab.train_progress: lab_views.progress(told, (choice - 1) / choices),
    }


def show_head(tab: LabTab, own: OwnHead) -> Changes:
    """A head that was trained."""
    return {
        **idle(tab),
        tab.curve: json.dumps(figures.curves(own.probed.curve)),
        tab.trained: lab_views.trained_figures(own.probed),
        tab.use: gr.Button(visible=True),
        tab.download: gr.DownloadButton(value=str(own.file), visible=True),
    }
