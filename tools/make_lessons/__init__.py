"""Lessons for ``distill``: stretches of sound as a network will hear them, judged by a teacher."""
