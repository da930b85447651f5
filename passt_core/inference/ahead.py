"""Work that is done ahead of whoever takes its results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORKERS = 2
"""Threads that read, decode and resample while the model listens."""


def ahead(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int = WORKERS,
    most: float = 16,
    size: Callable[[T], float] = lambda _: 1,
) -> Iterator[tuple[T, R]]:
    """Do work in threads, a few items ahead of who takes the results; their order stays.

    Decoders and resamplers compute outside Python's lock, so that threads are enough.

    Args:
        work: done on each item, in any of the threads; what it raises comes out with its turn.
        items: taken when there is room for them.
        workers: threads.
        most: results that may wait to be taken, with those that are being worked on; as many as
            there are threads always may.
        size: how many results an item counts as.

    Yields:
        Each item with its result. Closed early, no further item is begun.
    """
    waiting: deque[tuple[T, Future[R]]] = deque()
    held = 0.0
    with ThreadPoolExecutor(workers, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                held += size(item)
                while held > most and len(waiting) > workers:
                    first, result = waiting.popleft()
                    held -= size(first)
                    yield first, result.result()
            while waiting:
                first, result = waiting.popleft()
                yield first, result.result()
        finally:
            for _, result in waiting:
                result.cancel()
