"""HEAR 2021 module: 160 ms and 800 ms around each timestamp."""

from functools import partial

from passt_core.inference import hear
from passt_core.inference.hear import get_scene_embeddings, get_timestamp_embeddings

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]

load_model = partial(hear.load_model, variant="base2level")
