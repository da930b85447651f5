"""Times and lengths as the page writes them."""

from __future__ import annotations


def clock(seconds: float, digits: int = 0) -> str:
    """``0:03`` or ``12:30`` below an hour, ``1:02:30`` above; with decimals of a second."""
    whole = round(seconds, digits)
    minutes, rest = divmod(whole, 60)
    shown = f"{rest:0{3 + digits if digits else 2}.{digits}f}"
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes}:{shown}"


def moment(seconds: float) -> str:
    """``2.5 s`` below a minute, ``1:05.2`` above: where in a file."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds, 1)


def length(seconds: float) -> str:
    """``9.0 s`` below a minute, ``58:15`` above."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
