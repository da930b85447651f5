"""The Library tab: libraries of one's own sounds, and the choice among all there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import gradio as gr

from passt_core.library.export import FORMATS
from passt_ui import components
from passt_ui.library import facts, views
from passt_ui.library.listed import ListedLibrary
from passt_ui.services import Services, Visitor
from passt_ui.views import heading, how_to_read, notice

Changes = dict[Any, Any]

LONGEST_NAME = 60
LISTED = 60
"""Clips that may be ticked at a time; a filter finds the others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LibraryTab:
    """The tab's components."""

    tab: gr.Tab
    name: gr.Textbox
    files: gr.File
    folder: gr.UploadButton
    build: gr.Button
    add: gr.Button
    stop: gr.Button
    progress: gr.HTML
    notice: gr.HTML
    summary: gr.HTML
    cards: gr.HTML
    details: gr.HTML
    form: gr.Radio
    export: gr.Button
    download: gr.DownloadButton
    rebuild: gr.Button
    delete: gr.Button
    asked: gr.Column
    question: gr.HTML
    sure: gr.Button
    keep: gr.Button
    clips: gr.Column
    filter: gr.Textbox
    picked: gr.CheckboxGroup
    remove: gr.Button
    told: gr.HTML

    @property
    def building(self) -> list[gr.components.Component]:
        """What a build changes while it goes on."""
        return [self.progress, self.notice, self.summary, *self.buttons]

    @property
    def buttons(self) -> list[gr.components.Component]:
        """What begins and stops a build."""
        return [self.build, self.add, self.rebuild, self.stop]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What a build takes."""
        return [self.name, self.files]

    @property
    def hand(self) -> list[gr.components.Component | gr.blocks.BlockContext]:
        """What tells of the library in hand, and changes it."""
        return [
            self.cards,
            self.details,
            self.add,
            self.rebuild,
            self.delete,
            self.download,
            *self.asking,
            self.clips,
            self.filter,
            self.picked,
            self.remove,
            self.told,
        ]

    @property
    def asking(self) -> list[gr.components.Component | gr.blocks.BlockContext]:
        """The question before a library is deleted."""
        return [self.asked, self.question]


def build(services: Services, tab: gr.Tab) -> LibraryTab:
    """Lay the tab out."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300):
            left = _build_column(services)
        with gr.Column(scale=9, min_width=320):
            right = _hand_column(services)
    return LibraryTab(tab=tab, **left, **right)


def _build_column(services: Services) -> dict[str, Any]:
    settings = services.settings
    gr.HTML(heading("Make a library of your sounds"))
    stay = (
        "Libraries are stored here, for all who use this app."
        if settings.storage
        else "It is yours alone, and is deleted when you leave or reload the page."
    )
    gr.HTML(
        '<p class="passt-quiet">Drop sound files or a zip, name the library and press Build. '
        f"Each sound is listened to once; then it can be searched, seen and heard. {stay}</p>"
    )
    name = gr.Textbox(
        label="Name",
        info="letters, digits, spaces and . + - _",
        placeholder="field recordings",
        max_length=LONGEST_NAME,
        elem_id="library-name",
    )
    files = gr.File(
        label="Sound files, a zip, a CSV of labels",
        file_count="multiple",
        type="filepath",
        height=190,
        elem_id="library-files",
    )
    folder = gr.UploadButton(
        "Choose a whole folder",
        file_count="directory",
        type="filepath",
        size="sm",
        elem_id="library-folder",
    )
    with gr.Row():
        begin = gr.Button("Build", variant="primary", elem_id="library-build", min_width=120)
        add = gr.Button("Add", visible=False, elem_id="library-add", min_width=120)
        stop = gr.Button("Stop", visible=False, elem_id="library-stop", min_width=120)
    progress = gr.HTML("", elem_id="library-progress", min_height=44)
    told = gr.HTML("", elem_id="library-notice", visible=False)
    summary = gr.HTML("", elem_id="library-summary", apply_default_css=False)
    gr.HTML(
        how_to_read(
            "Labels come from a CSV with columns file and label, among the files or in the zip; "
            "else from the folders in the zip; else there are none. A browser does not tell which "
            "folders a chosen folder's files lie in: zip it if they are the labels. A long sound "
            "is cut into stretches, each with a place of its own. Up to "
            f"{settings.max_library_sounds} sounds and {settings.max_library_mb} MB in a library."
        )
    )
    return {
        "name": name,
        "files": files,
        "folder": folder,
        "build": begin,
        "add": add,
        "stop": stop,
        "progress": progress,
        "notice": told,
        "summary": summary,
    }


def _hand_column(services: Services) -> dict[str, Any]:
    visitor = services.first
    listed = services.listed()
    gr.HTML(heading("Libraries: press one to take it in hand"))
    cards = components.card_list(_cards(listed, visitor), elem_id="library-cards")
    gr.HTML(heading("The library in hand"))
    details = gr.HTML(_details(visitor), elem_id="library-details", apply_default_css=False)
    with gr.Row(elem_id="library-tools"):
        form = gr.Radio(list(FORMATS), value=FORMATS[0], label="Table", elem_id="library-form")
        export = gr.Button("Download the table", elem_id="library-export", min_width=150)
        rebuild = gr.Button(
            "Rebuild with this model", visible=False, elem_id="library-rebuild", min_width=150
        )
        delete = gr.Button("Delete …", visible=False, elem_id="library-delete", min_width=110)
    download = gr.DownloadButton("Download", visible="hidden", elem_id="library-download")
    with gr.Column(visible=False, elem_id="library-asked") as asked:
        question = gr.HTML("", elem_id="library-question", apply_default_css=False)
        with gr.Row():
            sure = gr.Button("Delete", variant="stop", elem_id="library-sure", min_width=110)
            keep = gr.Button("Keep", elem_id="library-keep", min_width=110)
    told = gr.HTML("", elem_id="library-told", visible=False)
    with gr.Column(visible=False, elem_id="library-clips") as clips:
        gr.HTML(heading("Remove sounds from it"))
        find = gr.Textbox(
            label="Find",
            info="a part of the name or of the label",
            elem_id="library-filter",
        )
        picked = gr.CheckboxGroup([], label="Sounds", elem_id="library-picked")
        remove = gr.Button("Remove what is ticked", elem_id="library-remove", min_width=150)
    return {
        "cards": cards,
        "details": details,
        "form": form,
        "export": export,
        "download": download,
        "rebuild": rebuild,
        "delete": delete,
        "asked": asked,
        "question": question,
        "sure": sure,
        "keep": keep,
        "told": told,
        "clips": clips,
        "filter": find,
        "picked": picked,
        "remove": remove,
    }


def show(tab: LibraryTab, listed: list[ListedLibrary], visitor: Visitor) -> Changes:
    """The libraries there are, and all of the one in hand."""
    return {**show_hand(tab, listed, visitor), tab.filter: "", **show_clips(tab, visitor, "")}


def show_hand(tab: LibraryTab, listed: list[ListedLibrary], visitor: Visitor) -> Changes:
    """The libraries there are, and the one in hand without its clips."""
    chosen, library = visitor.chosen, visitor.library
    changeable = chosen is not None and chosen.changeable
    name = chosen.name if chosen else ""
    return {
        tab.cards: _cards(listed, visitor),
        tab.details: _details(visitor),
        tab.add: gr.Button(f"Add to {name}", visible=changeable and library is not None),
        tab.rebuild: gr.Button(visible=changeable and library is None and chosen in listed),
        tab.delete: gr.Button(f"Delete {name} …", visible=changeable and chosen in listed),
        tab.download: gr.DownloadButton(value=None),
        tab.clips: gr.Column(visible=changeable and library is not None),
        tab.told: gr.HTML(value="", visible=False),
        **unasked(tab),
    }


def show_clips(
    tab: LibraryTab, visitor: Visitor, wanted: str, ticked: Collection[str] = ()
) -> Changes:
    """The clips whose name or label holds ``wanted``, to be ticked; of these, some are."""
    library, chosen = visitor.library, visitor.chosen
    if library is None or chosen is None or not chosen.changeable:
        return {tab.picked: gr.CheckboxGroup(choices=[], value=[])}
    part = wanted.strip().casefold()
    found = [
        (f"{clip.id} · {clip.label}" if clip.label else clip.id, clip.id)
        for clip in library.clips
        if part in f"{clip.id} {clip.label}".casefold()
    ]
    told = f"{LISTED} of {len(found)}" if len(found) > LISTED else str(len(found))
    shown = found[:LISTED]
    value = [clip for _, clip in shown if clip in ticked]
    return {tab.picked: gr.CheckboxGroup(choices=shown, value=value, label=f"Sounds: {told}")}


def unasked(tab: LibraryTab) -> Changes:
    """No question."""
    return {tab.asked: gr.Column(visible=False), tab.question: ""}


def asked(tab: LibraryTab, library: ListedLibrary, count: int | None) -> Changes:
    """The question before a library is deleted."""
    return {tab.asked: gr.Column(visible=True), tab.question: views.question(library, count)}


def working(tab: LibraryTab, line: str, share: float | None) -> Changes:
    """A build goes on."""
    return {
        tab.progress: views.progress(line, share),
        tab.notice: gr.HTML(value="", visible=False),
        tab.summary: "",
        tab.build: gr.Button(interactive=False),
        tab.add: gr.Button(interactive=False),
        tab.rebuild: gr.Button(interactive=False),
        tab.stop: gr.Button(visible=True, interactive=True),
    }


def idle(tab: LibraryTab) -> Changes:
    """Nothing goes on."""
    return {
        tab.progress: "",
        tab.build: gr.Button(interactive=True),
        tab.add: gr.Button(interactive=True),
        tab.rebuild: gr.Button(interactive=True),
        tab.stop: gr.Button(visible=False),
    }


def refused(place: gr.HTML, message: str) -> Changes:
    """A sentence in place."""
    return {place: gr.HTML(value=notice(message), visible=True)}


def _cards(listed: list[ListedLibrary], visitor: Visitor) -> str:
    found = [facts.facts_of(library, visitor.body) for library in listed]
    return views.cards_of(found, visitor.chosen.key if visitor.chosen else "")


def _details(visitor: Visitor) -> str:
    if visitor.chosen is None:
        return ""
    return views.details(facts.facts_of(visitor.chosen, visitor.body), visitor.library_problem)
