"""Settings of the app, from environment variables that begin with ``PASST_``."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from passt_core.network.registry import BUNDLED


def _default_port() -> int:
    return int(os.environ.get("GRADIO_SERVER_PORT", "7860"))


class Settings(BaseSettings):
    """What can be chosen before the app starts; the README lists every field."""

    model_config = SettingsConfigDict(env_prefix="PASST_", frozen=True)

    host: str | None = Field(None, description="address to listen on; default: GRADIO_SERVER_NAME")
    port: int = Field(default_factory=_default_port, ge=0, le=65535, description="port")
    model: str = Field(BUNDLED, description="model at the start: a name or a checkpoint file")
    library: str = Field(BUNDLED, description="library at the start: a folder's name in index/")
    device: str = Field("auto", description="auto, cpu or cuda")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="fp32 or bf16")
    max_file_mb: int = Field(1000, ge=1, description="largest upload in MB")
    max_minutes: float = Field(90.0, gt=0, description="longest clip in minutes")
    jobs: int = Field(1, ge=1, description="clips that the model listens to at the same time")
    own_checkpoints: bool = Field(True, description="may visitors upload checkpoint files")


def explained(error: Exception) -> str:
    """Why the app does not start: the error, or a line for each variable that is wrong."""
    if not isinstance(error, ValidationError):
        return f"error: {error}"
    lines = []
    for fault in error.errors():
        name = "PASST_" + "_".join(str(part) for part in fault["loc"]).upper()
        lines.append(f"error: {name} is {fault['input']!r}: {fault['msg']}")
    return "\n".join(lines)
