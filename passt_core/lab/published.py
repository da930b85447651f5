"""Layouts that datasets are published in → :class:`Dataset`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from passt_core.errors import DatasetError
from passt_core.files import ASSETS
from passt_core.lab.labelled import Dataset, LabelledClip, checked, some
from passt_core.lab.tables import Labels, Row, from_folders, read_rows, sounds_under
from passt_core.network.labels import LABEL_FILES, label_set

ESC50_TABLE = Path("meta") / "esc50.csv"
FSD50K_TRUTH = "FSD50K.ground_truth"
SPEECH_LISTS = MappingProxyType({"validation": "validation_list.txt", "test": "testing_list.txt"})
SPEECH_NOISE = "_background_noise_"
CLASS_INDEX = "class_labels_indices.csv"

_FSD50K_PARTS = (("dev.csv", "FSD50K.dev_audio"), ("eval.csv", "FSD50K.eval_audio"))
_SPEAKER_END = "_nohash_"


def from_esc50(folder: Path, *, labels: Labels = None, esc10: bool = False) -> Dataset:
    """Read ESC-50 (Piczak 2015): ``meta/esc50.csv`` and ``audio/``, folds 1-5.

    A clip's label is the display name that the published ESC-50 models have for its target; its
    source is ``src_file``. With ``esc10`` only the clips of that subset are taken.

    Raises:
        DatasetError: a column or a file is missing.
    """
    table = folder / ESC50_TABLE
    rows = _columns(table, ("filename", "fold", "target", "esc10", "src_file"))
    clips = [
        _esc50_clip(f"line {number} of {table.name}", row, folder / "audio")
        for number, row in enumerate(rows, start=2)
        if not esc10 or row["esc10"] == "True"
    ]
    missing = [clip.path.name for clip in clips if not clip.path.is_file()]
    if missing:
        raise DatasetError(
            f"{table.name} names {len(missing)} files that are not in audio ({some(missing)}); "
            "unpack the whole archive"
        )
    found = {clip.label for clip in clips}
    order = tuple(name for name in label_set("esc50") if name in found)
    return checked("ESC-10" if esc10 else "ESC-50", clips, labels or order)


def _esc50_clip(place: str, row: Row, folder: Path) -> LabelledClip:
    names = label_set("esc50")
    target, fold = row["target"].strip(), row["fold"].strip()
    if not (target.isdecimal() and int(target) < len(names) and fold.isdecimal()):
        raise DatasetError(
            f"{place} has target {target!r} and fold {fold!r}; a target is 0 to "
            f"{len(names) - 1} and a fold a whole number: restore the file"
        )
    label = names[int(target)]
    return LabelledClip(
        path=folder / Path(row["filename"]).name,
        label=label,
        fold=int(fold),
        source=row["src_file"],
    )


def from_esc10(folder: Path, *, labels: Labels = None) -> Dataset:
    """Read the ESC-10 subset of ESC-50; see :func:`from_esc50`."""
    return from_esc50(folder, labels=labels, esc10=True)


def from_fsd50k(folder: Path, *, labels: Labels = None) -> Dataset:
    """Read FSD50K (Fonseca et al. 2022): several labels per clip; splits train, val and test.

    Labels have AudioSet's display names where AudioSet has the class, in the vocabulary's order.
    Clips whose file is not there are left out and listed in :attr:`Dataset.missing`.

    Raises:
        DatasetError: the ground truth cannot be read, or no clip is there.
    """
    truth = folder / FSD50K_TRUTH
    clips, missing = [], []
    for table, sounds in _FSD50K_PARTS:
        if not (truth / table).is_file():
            continue
        for row in _columns(truth / table, ("fname", "labels", "mids")):
            path = folder / sounds / f"{Path(row['fname']).name}.wav"
            if not path.is_file():
                missing.append(path.name)
                continue
            names = _fsd50k_names(row)
            split = "test" if table == "eval.csv" else row.get("split") or "train"
            clips.append(LabelledClip(path=path, label=names[0], also=names[1:], fold=split))
    found = checked("FSD50K", _there(FSD50K_TRUTH, clips, missing), labels)
    order = labels or _fsd50k_order(truth / "vocabulary.csv", found)
    return replace(found, labels=order, multi_label=True, missing=tuple(missing))


def _fsd50k_names(row: Row) -> tuple[str, ...]:
    names, mids = row["labels"].split(","), row["mids"].split(",")
    if len(names) != len(mids) or not all(names):
        raise DatasetError(
            f"clip {row['fname']} of FSD50K has labels {row['labels']!r} and mids {row['mids']!r}; "
            "there must be as many of each: restore the file"
        )
    known = audioset_names()
    return tuple(dict.fromkeys(known.get(mid, name) for name, mid in zip(names, mids, strict=True)))


def _fsd50k_order(vocabulary: Path, dataset: Dataset) -> tuple[str, ...]:
    """Labels that occur, in the vocabulary's order (its rows are index, label, mid)."""
    if not vocabulary.is_file():
        return dataset.labels
    known = audioset_names()
    listed = [known.get(row[2], row[1]) for row in _plain_rows(vocabulary) if len(row) > 2]
    rest = [label for label in dataset.labels if label not in listed]
    return tuple(label for label in dict.fromkeys(listed + rest) if label in dataset.labels)


def from_speech_commands(folder: Path, *, labels: Labels = None) -> Dataset:
    """Read Speech Commands (Warden 2018): a folder per word; splits train, validation and test.

    The two lists say which clips are not for training. A clip's source is its speaker, the part of
    its name before ``_nohash_``. The background noise is no word and left out.

    Raises:
        DatasetError: a list cannot be read, or a word has no clip.
    """
    splits = {
        name: split for split, listing in SPEECH_LISTS.items() for name in _lines(folder / listing)
    }
    words = from_folders(folder, labels=None)
    clips = []
    for clip in words.clips:
        if clip.label == SPEECH_NOISE:
            continue
        speaker = clip.path.stem.split(_SPEAKER_END)[0]
        split = splits.get(f"{clip.label}/{clip.path.name}", "train")
        clips.append(replace(clip, fold=split, source=speaker))
    return checked(folder.name, clips, labels)


def from_audioset(table: Path, *, labels: Labels = None) -> Dataset:
    """Read a CSV of AudioSet segments: ``YTID, start_seconds, end_seconds, "mid,mid"``.

    Lines that begin with ``#`` are comments. A segment's sound is looked for beside the CSV and in
    all folders under it, as ``YTID``, ``YYTID``, ``YTID_START`` or ``YTID_START_END`` with the
    times in seconds or milliseconds. Ids have their display names from ``class_labels_indices.csv``
    beside the CSV, or from AudioSet's own 527. Segments whose sound is not there are left out and
    listed in :attr:`Dataset.missing`. A clip's source is its video.

    Raises:
        DatasetError: a row has not its four columns, or no sound at all is there.
    """
    sounds = {path.stem: path for path in reversed(sounds_under(table.parent))}
    names = _mid_names(table.parent / CLASS_INDEX)
    clips, missing = [], []
    for video, start, end, mids in _segments(table):
        path = next((sounds[s] for s in _stems(video, start, end) if s in sounds), None)
        if path is None:
            missing.append(f"{video}_{start:.3f}")
            continue
        own = tuple(dict.fromkeys(names.get(mid, mid) for mid in mids))
        clips.append(LabelledClip(path=path, label=own[0], also=own[1:], source=video))
    found = checked(table.stem, _there(table.name, clips, missing), labels)
    listed = [name for name in dict.fromkeys(names.values()) if name in found.labels]
    rest = [label for label in found.labels if label not in listed]
    order = labels or (*listed, *rest)
    return replace(found, labels=order, multi_label=True, missing=tuple(missing))


def is_audioset(table: Path) -> bool:
    """True if a CSV begins as AudioSet's segment lists do: with a comment, or four columns."""
    try:
        with table.open(encoding="utf-8-sig") as file:
            first = file.readline()
    except (OSError, UnicodeDecodeError):
        return False
    return first.startswith("# ") or first.replace(" ", "").startswith("YTID,start")


def _segments(table: Path) -> Iterator[tuple[str, float, float, list[str]]]:
    for number, row in enumerate(_plain_rows(table), start=1):
        if not row or row[0].startswith("#") or row[0] == "YTID":
            continue
        try:
            _, start, end, mids = row
            ids = [mid.strip() for mid in mids.split(",") if mid.strip()]
            times = float(start), float(end)
        except ValueError:
            ids, times = [], (0.0, 0.0)
        if not ids:
            raise DatasetError(
                f"line {number} of {table.name} is {','.join(row)[:60]!r}; a segment has "
                'YTID, start, end and "mid,mid": correct the line'
            )
        yield (row[0], *times, ids)


def _stems(video: str, start: float, end: float) -> Iterator[str]:
    """Names that tools give to a segment's file, the most exact first."""
    for name in (video, f"Y{video}"):
        for scale in (1, 1000):
            for form in (".3f", ".1f", ".0f"):
                first, last = format(start * scale, form), format(end * scale, form)
                yield f"{name}_{first}_{last}"
                yield f"{name}_{first}"
        yield name


@cache
def audioset_names() -> Mapping[str, str]:
    """AudioSet's 527 classes: id (``/m/…``) → display name."""
    return MappingProxyType(_mid_names(ASSETS / "labels" / LABEL_FILES["audioset"]))


def _mid_names(table: Path) -> Mapping[str, str]:
    if not table.is_file():
        return audioset_names()
    return {row["mid"]: row["display_name"] for row in _columns(table, ("mid", "display_name"))}


def _columns(table: Path, needed: Sequence[str]) -> list[Row]:
    rows, columns = read_rows(table)
    absent = [name for name in needed if name not in columns]
    if absent:
        raise DatasetError(
            f"{table.name} has the columns {', '.join(columns) or '(none)'}; "
            f"this layout has {', '.join(needed)}: restore the file"
        )
    short = [number for number, row in enumerate(rows, start=2) if None in row.values()]
    if short:
        raise DatasetError(
            f"line {short[0]} of {table.name} is cut short; each row fills all columns: "
            "restore the file"
        )
    return rows


def _plain_rows(table: Path) -> list[list[str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{table.name} cannot be read as a CSV ({error}); give UTF-8 text"
        ) from error


def _lines(listing: Path) -> list[str]:
    try:
        return listing.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{listing.name} cannot be read ({error}); unpack the whole archive"
        ) from error


def _there(name: str, clips: list[LabelledClip], missing: list[str]) -> list[LabelledClip]:
    if not clips:
        raise DatasetError(
            f"none of the {len(missing)} sounds that {name} lists is there "
            f"({some(missing)}); put them beside it"
        )
    return clips
