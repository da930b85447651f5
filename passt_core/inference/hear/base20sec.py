"""HEAR 2021 module: scenes in windows of 20 s; the weights are fetched unless others are named."""

from functools import partial

from passt_core.inference import hear
from passt_core.inference.hear import get_scene_embeddings, get_timestamp_embeddings

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]

load_model = partial(hear.load_model, variant="base20sec")
