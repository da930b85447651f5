"""Settings of the app, from environment variables that begin with ``PASST_``."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from passt_core.errors import PasstError
from passt_core.network.registry import BUNDLED

LOCALHOST = "127.0.0.1"


def _default_port() -> int:
    return int(os.environ.get("GRADIO_SERVER_PORT", "7860"))


class Settings(BaseSettings):
    """What can be chosen before the app starts; the README lists every field."""

    model_config = SettingsConfigDict(env_prefix="PASST_", env_ignore_empty=True, frozen=True)

    host: str | None = Field(None, description="address to listen on; default: GRADIO_SERVER_NAME")
    port: int = Field(default_factory=_default_port, ge=0, le=65535, description="port")
    model: str = Field(BUNDLED, description="model at the start: a name or a checkpoint file")
    library: str = Field(
        BUNDLED, description="library at the start: its name in index/, or in the storage"
    )
    device: str = Field("auto", description="auto, cpu or cuda")
    precision: Literal["auto", "fp32", "bf16", "int8"] = Field(
        "fp32", description="fp32, bf16, int8, or auto: the fastest that was measured here"
    )
    compiled: bool = Field(False, description="let torch compile the model, on CUDA")
    threads: int | None = Field(
        None, ge=1, description="threads that a model computes with; default: what torch chooses"
    )
    max_file_mb: int = Field(1000, ge=1, description="largest upload in MB")
    max_minutes: float = Field(90.0, gt=0, description="longest clip in minutes")
    jobs: int = Field(1, ge=1, description="clips that the model listens to at the same time")
    own_checkpoints: bool = Field(True, description="may visitors upload checkpoint files")
    storage: Path | None = Field(
        None,
        description="folder for visitors' libraries, which all share and which stay; "
        "default: each has their own, for the visit",
    )
    max_libraries: int = Field(
        10, ge=0, description="most libraries of a visitor, or stored; 0: none can be built"
    )
    max_library_sounds: int = Field(5000, ge=1, description="most sounds in such a library")
    max_library_mb: int = Field(1000, ge=1, description="most MB of sounds of such a library")


class AddressError(PasstError):
    """An address that the app cannot listen on."""


def check_address(settings: Settings) -> None:
    """Find out whether the app could listen where the settings say.

    Raises:
        AddressError: the port is in use, or the address is not one of this machine's.
    """
    default = os.environ.get("GRADIO_SERVER_NAME") or LOCALHOST
    for name in (default, settings.host or default):  # Gradio wants the port on both
        try:
            family, kind, *_, address = socket.getaddrinfo(
                name.strip("[]"), settings.port, type=socket.SOCK_STREAM
            )[0]
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressError(
                    f"port {settings.port} is in use; stop what uses it, or set PASST_PORT"
                ) from error
            raise AddressError(
                f"the app cannot listen on {name}, port {settings.port} ({error.strerror}); "
                "set PASST_HOST or PASST_PORT"
            ) from error


def explained(error: Exception) -> str:
    """Why the app does not start: the error, or a line for each variable that is wrong."""
    if not isinstance(error, ValidationError):
        return f"error: {error}"
    lines = []
    for fault in error.errors():
        field = str(fault["loc"][0])
        lines.append(
            f"error: PASST_{field.upper()} is {fault['input']!r}; "
            f"it must be {_rule(Settings.model_fields[field])}: set it, or leave it out"
        )
    return "\n".join(lines)


def _rule(field: FieldInfo) -> str:
    """What the value of a setting must be, in words."""
    if get_origin(field.annotation) is Literal:
        return " or ".join(get_args(field.annotation))
    if field.annotation is bool:
        return "true or false"
    number = "a whole number" if field.annotation is int else "a number"
    limits = {
        name: getattr(limit, name)
        for limit in field.metadata
        for name in ("ge", "gt", "le")
        if hasattr(limit, name)
    }
    if "gt" in limits:
        return f"{number} above {limits['gt']}"
    if "le" in limits:
        return f"{number} from {limits['ge']} to {limits['le']}"
    return f"{number} of {limits['ge']} or more"
