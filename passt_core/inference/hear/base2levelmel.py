"""HEAR 2021 module: 160 ms, 640 ms and six log-mel frames around each timestamp."""

from functools import partial

from passt_core.inference import hear
from passt_core.inference.hear import get_scene_embeddings, get_timestamp_embeddings

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]

load_model = partial(hear.load_model, variant="base2levelmel")
