"""What a sound library is made of and by what, and the command that makes it again."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from passt_core.errors import LibraryError
from passt_core.files import ASSETS, INDEX, ROOT, settle_folder
from passt_core.network.registry import BUNDLED
from passt_core.signal.mel import MelConfig

SCHEMA = 2
METRIC = "cosine"
FP32 = "fp32"
MANIFEST = "manifest.json"

BUNDLED_SOUNDS = ASSETS / "library"
"""What the library called ``bundled`` is made of."""

_NAME = re.compile(r"\w[\w .+-]{0,59}")
_UNKNOWN = "FOLDER"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where sounds of a library lie.

    Attributes:
        root: a folder, with the folders in it; relative to the library's own folder where both
            lie in the project.
        labels: the CSV that describes them, if one was given by hand; as ``root``.
        only: the files of the folder that are meant; None: all, also those that come later.
    """

    root: str
    labels: str | None = None
    only: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class MapFacts:
    """How a map was made and how much of the neighbourhoods it keeps.

    Attributes:
        neighbours, min_dist: UMAP's; see :func:`passt_core.library.soundmap.layout`.
        placed: clips that came later and were put among their neighbours, without UMAP.
        judged: clips that the two figures are of, drawn with a fixed seed from a larger library.
        trustworthiness: 0 to 1; 1: no clip lies among strangers.
        preservation: mean share of a clip's nearest sounds that are its nearest on the map too.
    """

    neighbours: int = 15
    min_dist: float = 0.3
    placed: int = 0
    judged: int = 0
    trustworthiness: float | None = None
    preservation: float | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a library is made of, and by what.

    Attributes:
        schema: version of the format.
        name: of the library.
        model, weights_sha256, front_end: what embedded it; precision: of its matrix products, which
            a manifest from before there were others does not tell.
        dim: length of an embedding; metric: how two are compared; count: how many there are.
        seconds: how long its clips last, together.
        created, changed: when, as ISO 8601 in UTC; tool_version: of this package.
        sources: where the sounds lie.
        next_number: what the next clip will be numbered.
        map: how the map was made.
        files: SHA-256 of each of the library's data files.
    """

    schema: int
    name: str
    model: str
    weights_sha256: str
    front_end: MelConfig
    dim: int
    metric: str
    count: int
    seconds: float
    created: str
    changed: str
    tool_version: str
    sources: tuple[Source, ...]
    next_number: int
    map: MapFacts
    files: Mapping[str, str]
    precision: str = FP32

    @classmethod
    def read(cls, folder: Path, model: str = BUNDLED) -> Manifest:
        """Read a library's manifest.

        Args:
            folder: where the library lies.
            model: name or path of the checkpoint that a message shall rebuild it with.

        Raises:
            LibraryError: there is no library, or its manifest is damaged or of another version.
        """
        again = rebuild_command(folder, model=model)
        try:
            settle_folder(folder)
            text = (folder / MANIFEST).read_text(encoding="utf-8")
            schema = json.loads(text)["schema"]
            if schema == SCHEMA:
                return TypeAdapter(cls).validate_json(text)
        except FileNotFoundError as error:
            raise LibraryError(
                f"there is no sound library in {folder}; make it: {again}"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LibraryError(
                f"{folder / MANIFEST} cannot be read ({reason_of(error)}); "
                f"make the library again: {again}"
            ) from error
        raise LibraryError(
            f"the library in {folder} has schema {schema}; this version reads {SCHEMA}; "
            f"make it again: {again}"
        )


def check_name(name: str) -> str:
    """Return ``name`` if a library can be called so.

    Raises:
        LibraryError: it could not be, or should not be, the name of a folder.
    """
    if not _NAME.fullmatch(name):
        raise LibraryError(
            f"a library cannot be called {name[:80]!r}; use up to 60 letters, digits, spaces, "
            "and . + - _ and begin with a letter or digit"
        )
    return name


def portable(path: Path, folder: Path) -> str:
    """``path`` as a manifest in ``folder`` says it: relative if both lie in the project."""
    path, folder = path.resolve(), folder.resolve()
    if path.is_relative_to(ROOT) and folder.is_relative_to(ROOT):
        return Path(os.path.relpath(path, folder)).as_posix()
    return path.as_posix()


def reason_of(error: Exception) -> str:
    """What went wrong with a file, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"no {error}"
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__


def rebuild_command(
    folder: Path,
    manifest: Manifest | None = None,
    model: str = BUNDLED,
    precision: str | None = None,
) -> str:
    """The command that makes the library in ``folder`` again.

    Args:
        folder: of the library.
        manifest: what is known of it, which is where its sounds lie; None: nothing.
        model: name or path of the checkpoint that shall embed it.
        precision: that it shall have; None: the one it has.
    """
    command = ["python", "-m", "passt_core", "library"]
    if manifest is not None:
        command += ["rebuild", folder.name]
    else:
        root = _shown(BUNDLED_SOUNDS) if folder.name == BUNDLED else _UNKNOWN
        command += ["build", root, "--name", folder.name]
    if model != BUNDLED:
        command += ["--model", model]
    precision = precision or (manifest.precision if manifest else FP32)
    if precision != FP32:
        command += ["--precision", precision]
    index = folder.resolve().parent
    if index != INDEX:
        command += ["--index", str(index)]
    return shlex.join(command)


def _shown(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
