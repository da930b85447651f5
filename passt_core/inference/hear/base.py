"""HEAR 2021 module: 160 ms around each timestamp; the package itself offers the same."""

from passt_core.inference.hear import get_scene_embeddings, get_timestamp_embeddings, load_model

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]
