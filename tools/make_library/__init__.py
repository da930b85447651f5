"""Synthesises the bundled sound library: every clip is computed, none is recorded."""
