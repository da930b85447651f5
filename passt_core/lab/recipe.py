"""A :class:`TrainConfig` as text: YAML files, and ``name=value`` on a command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from passt_core.errors import TrainingError
from passt_core.lab.config import TrainConfig

_EXAMPLES = MappingProxyType({bool: "true", int: "16", float: "0.5", str: "bce"})
_WORDS = MappingProxyType({"true": True, "false": False})
_CLOSE = 0.5


def effective(path: Path | None, choices: Iterable[str]) -> TrainConfig:
    """The defaults, changed by a YAML file, changed by some ``name=value``.

    Raises:
        TrainingError: the file cannot be read, no such name, or a value that does not fit it.
    """
    written = {} if path is None else read_yaml(path)
    return TrainConfig(**(written | parsed(choices)))


def read_yaml(path: Path) -> dict[str, Any]:
    """The choices that a YAML file makes: a flat mapping; numbers, words, true and false.

    Raises:
        TrainingError: unreadable, no mapping, or a choice that does not exist or fit.
    """
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrainingError(
            f"{path} cannot be read as a config ({error}); give YAML with one 'name: value' a line"
        ) from error
    if held is None:
        return {}
    if not isinstance(held, Mapping):
        raise TrainingError(
            f"{path} holds a {type(held).__name__}; a config is one 'name: value' a line"
        )
    return {str(name): _fitted(str(name), value) for name, value in held.items()}


def parsed(choices: Iterable[str]) -> dict[str, Any]:
    """Choices written ``name=value``.

    Raises:
        TrainingError: no such name, or a value that does not fit it.
    """
    split = (choice.partition("=") for choice in choices)
    return {name: _fitted(name, value) for name, _, value in split}


def to_yaml(config: TrainConfig) -> str:
    """Every choice, in the order of the class; :func:`read_yaml` takes it back unchanged."""
    return yaml.safe_dump(asdict(config), sort_keys=False)


def _fitted(name: str, value: object) -> Any:
    """A value as its choice wants it, from what a YAML file or a command line holds."""
    kinds = {field.name: type(field.default) for field in fields(TrainConfig)}
    if name not in kinds:
        raise TrainingError(_unknown(name, tuple(kinds)))
    kind = kinds[name]
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    text = "" if isinstance(value, bool | list | dict) else str(value)
    with suppress(ValueError, KeyError):
        return _WORDS[text] if kind is bool else _number_or_word(kind, text, value)
    wanted = "true or false" if kind is bool else f"a value of type {kind.__name__}"
    raise TrainingError(f"{name} is {value!r}; give {wanted}, such as {name}={_EXAMPLES[kind]}")


def _number_or_word(kind: type, text: str, value: object) -> Any:
    """``text`` as an int, float or str; a list, a mapping, true or nothing is none of them."""
    if value is None or isinstance(value, bool | list | dict):
        raise ValueError(text)
    return kind(text)


def _unknown(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, cutoff=_CLOSE)
    if close:
        return f"{name!r} is no choice of a training; did you mean {' or '.join(close)}?"
    return f"{name!r} is no choice of a training; use one of {', '.join(known)}"
