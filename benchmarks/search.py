"""Neighbours in small and large libraries: how many are missed, how long it takes, what it holds.

``python -m benchmarks.search [--sizes 10000,1000000] [--also "IVF512,SQ8;HNSW32_SQ8"]``

The embeddings are drawn from a mixture (``benchmarks/_clusters.py`` says which) into a temporary
file of 3 GB for a million clips of dimension 768. Queries are draws that are not in the library:
of its own clusters, of *strange* ones that it does not hold, and of its own with only *half* of
the classes allowed. The truth is the comparison with all embeddings. Building, and searching one
query after the other, happen in processes of their own. *own* memory is what the process grew by,
*mapped* is what lies in files and can be taken back by the system at any time; *cpu* is the
processor's time for a query, the median too: what p50 is where nothing else runs.

``--also`` measures other indices of FAISS: 200 candidates compared exactly, as with ours.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks._clusters import Clusters
from benchmarks._table import clocked, show_cells
from passt_core.files import ROOT
from passt_core.library import nearest

Floats = NDArray[np.float32]
Search = Callable[[Floats, Any], NDArray[np.int64]]
"""A query (1, D) and what is allowed → numbers (K,)."""

K = 10
BLOCK = 10_000
CANDIDATES = 200
PROBED = 64
EF_SEARCH = 256
SCANS = 5
"""Queries that are compared with all embeddings against the clock."""
FIRST_QUERY_BLOCK = 1_000_000_000
STEP = 7
"""Between numbers, which are no rows."""
HEAD = (
    "clips",
    "kind",
    "recall@10",
    "strange",
    "half",
    "p50 ms",
    "p95 ms",
    "cpu ms",
    "half p50",
    "scan ms",
    "ratio",
    "build s",
    "build MB",
    "file MB",
    "own MB",
    "mapped MB",
)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a process of its own does in a folder of embeddings, queries and truths."""

    folder: str
    step: str
    kind: str
    limit: int

    @property
    def index(self) -> Path:
        return Path(self.folder) / "faiss.index"

    def load(self, name: str) -> Any:
        return np.load(Path(self.folder) / f"{name}.npy", mmap_mode="r", allow_pickle=False)


# --- the library and the truth -----------------------------------------------------------------


def make(folder: Path, count: int, dim: int, queries: int) -> None:
    """Write embeddings, queries, what half of the classes is, and the true neighbours."""
    mixture, others = Clusters(count, dim), Clusters(count, dim, seed=1)
    embeddings = np.lib.format.open_memmap(
        folder / "embeddings.npy", "w+", np.float32, (count, dim)
    )
    half = np.empty(count, bool)
    for start in range(0, count, BLOCK):
        part = slice(start, min(start + BLOCK, count))
        embeddings[part], classes = mixture.draw(part.stop - start, start // BLOCK)
        half[part] = classes % 2 == 0
    embeddings.flush()
    own, _ = mixture.draw(queries, FIRST_QUERY_BLOCK)
    strange, _ = others.draw(queries, FIRST_QUERY_BLOCK)
    for name, asked, may in (
        ("own", own, np.full(count, True)),
        ("strange", strange, np.full(count, True)),
        ("half", own, half),
    ):
        np.save(folder / f"{name}.npy", asked)
        np.save(folder / f"{name}-truth.npy", truth(embeddings, asked, may))
    np.save(folder / "allowed.npy", np.flatnonzero(half) * STEP)


def truth(embeddings: Floats, queries: Floats, may: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Numbers of the nearest, (Q, K), by comparison with all."""
    best = np.full((len(queries), K), -np.inf, np.float32)
    numbers = np.full((len(queries), K), -1)
    for start in range(0, len(embeddings), BLOCK):
        rows = start + np.flatnonzero(may[start : start + BLOCK])
        found = np.hstack([best, queries @ embeddings[rows].T])
        whose = np.hstack([numbers, np.tile(rows * STEP, (len(queries), 1))])
        order = np.argsort(-found, axis=1)[:, :K]
        best, numbers = (np.take_along_axis(a, order, axis=1) for a in (found, whose))
    return numbers


# --- in a process of its own -------------------------------------------------------------------


def build(job: Job) -> dict[str, float]:
    embeddings = job.load("embeddings")
    before = memory()["own"]
    watch = Watch()
    watch.start()
    begin = time.perf_counter()
    if job.kind == "ours":
        numbers = np.arange(len(embeddings)) * STEP
        index = nearest.build(embeddings, numbers, limit=job.limit)
    else:
        index = another(job.kind, embeddings)
    seconds = time.perf_counter() - begin
    grown = watch.ended() - before
    nearest.write(index, job.index)
    return {"seconds": seconds, "peak": grown, "file": job.index.stat().st_size / 2**20}


def another(kind: str, embeddings: Floats) -> Any:
    """An index of FAISS's, made as ours is; its numbers are rows."""
    index = faiss.index_factory(embeddings.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    drawn = np.random.default_rng(0).permutation(len(embeddings))[:65_536]
    index.train(np.ascontiguousarray(embeddings[np.sort(drawn)]))
    for start in range(0, len(embeddings), BLOCK):
        index.add(np.ascontiguousarray(embeddings[start : start + BLOCK]))
    return index


def search(job: Job) -> dict[str, Any]:
    embeddings, queries = job.load("embeddings"), job.load("own")
    find, kind = searcher(job, embeddings, warm=True)
    before = memory()
    find, kind = searcher(job, embeddings)
    recall, times, worked = ask(job, find, "own", None)
    after = memory()
    strange, _, _ = ask(job, find, "strange", None)
    half, half_times, _ = ask(job, find, "half", np.array(job.load("allowed")))
    scans = [clocked(lambda q=query: scan(embeddings, q)) for query in queries[:SCANS]]
    return {
        "kind": kind,
        "recall": recall,
        "strange": strange,
        "half": half,
        "p50": np.percentile(times, 50),
        "p95": np.percentile(times, 95),
        "cpu": np.percentile(worked, 50),
        "half_p50": np.percentile(half_times, 50),
        "scan": float(np.median(scans)),
        "own": after["own"] - before["own"],
        "mapped": after["mapped"] - before["mapped"],
    }


def searcher(job: Job, embeddings: Floats, *, warm: bool = False) -> tuple[Search, str]:
    """How to search, and the kind; to warm up, a tiny library that loads what code is needed."""
    vectors: Any = lambda numbers: embeddings[numbers // STEP]  # noqa: E731
    if job.kind == "ours":
        if warm:
            some = np.ascontiguousarray(embeddings[:100])
            index = nearest.build(some, np.arange(100) * STEP, limit=0)
        else:
            index = nearest.read(job.index)

        def ours(query: Floats, allowed: Any) -> NDArray[np.int64]:
            return nearest.search(index, query, K, vectors=vectors, allowed=allowed)[1][0]

        if warm:
            ours(np.array(embeddings[:1]), None)
        return ours, nearest.kind(index)
    other: Any = faiss.read_index(str(job.index), faiss.IO_FLAG_MMAP_IFC)

    def theirs(query: Floats, allowed: Any) -> NDArray[np.int64]:
        selector = None if allowed is None else faiss.IDSelectorBatch(allowed // STEP)
        rows = np.sort(other.search(query, CANDIDATES, params=parameters(other, selector))[1][0])
        rows = rows[rows >= 0]
        return rows[np.argsort(-(embeddings[rows] @ query[0]))[:K]] * STEP

    return theirs, job.kind


def parameters(index: Any, selector: Any) -> Any:
    if isinstance(index, faiss.IndexPreTransform):
        below = parameters(faiss.downcast_index(index.index), selector)
        return faiss.SearchParametersPreTransform(index_params=below)
    if isinstance(index, faiss.IndexIVF):
        return faiss.SearchParametersIVF(sel=selector, nprobe=PROBED)
    return faiss.SearchParametersHNSW(sel=selector, efSearch=EF_SEARCH)


def ask(job: Job, find: Search, name: str, allowed: Any) -> tuple[float, list[float], list[float]]:
    """The share of true neighbours that was found; milliseconds of each query, passed and worked.

    On a busy machine the second say what the first would be on a quiet one.
    """
    queries, true = job.load(name), job.load(f"{name}-truth")
    shared, times, worked = [], [], []
    for query, neighbours in zip(queries, true, strict=True):
        query = np.array(query[None])
        begin, works = time.perf_counter(), time.thread_time()
        found = find(query, allowed)
        worked.append(1000 * (time.thread_time() - works))
        times.append(1000 * (time.perf_counter() - begin))
        shared.append(len(set(found) & set(neighbours)) / K)
    return float(np.mean(shared)), times, worked


def scan(embeddings: Floats, query: Floats) -> NDArray[np.int64]:
    """What there is without an index: all embeddings, read from their file."""
    parts = [embeddings[i : i + BLOCK] @ query for i in range(0, len(embeddings), BLOCK)]
    return np.argpartition(-np.concatenate(parts), K)[:K]


def memory() -> dict[str, float]:
    """Megabytes of this process, as Linux counts them."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    status = dict(line.split(":", 1) for line in text.splitlines())
    names = {"own": "RssAnon", "mapped": "RssFile"}
    return {name: int(status[key].split()[0]) / 1024 for name, key in names.items()}


class Watch(threading.Thread):
    """Looks at this process's own memory twenty times a second; Linux keeps no peak of it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.over = 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.peak = max(self.peak, memory()["own"])

    def ended(self) -> float:
        """The peak, in megabytes."""
        self.over.set()
        self.join()
        return max(self.peak, memory()["own"])


# --- the table ---------------------------------------------------------------------------------


def measured(job: Job) -> dict[str, Any]:
    """What a process of its own answers."""
    command = [sys.executable, "-m", "benchmarks.search", "--job", json.dumps(asdict(job))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"{job.step} of {job.kind} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def row(folder: Path, kind: str, count: int, limit: int) -> tuple[str, ...]:
    jobs = [Job(folder=str(folder), step=step, kind=kind, limit=limit) for step in STEPS]
    built, found = (measured(job) for job in jobs)
    return (
        f"{count:,}",
        found["kind"],
        *(f"{found[name]:.3f}" for name in ("recall", "strange", "half")),
        *(f"{found[name]:.2f}" for name in ("p50", "p95", "cpu", "half_p50")),
        f"{1000 * found['scan']:.1f}",
        f"{found['p50'] / (1000 * found['scan']):.3f}",
        f"{built['seconds']:.1f}",
        f"{built['peak']:.0f}",
        f"{built['file']:.1f}",
        f"{found['own']:.0f}",
        f"{found['mapped']:.0f}",
    )


STEPS = ("build", "search")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10000,100000", help="clips, with commas")
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--limit", type=int, default=nearest.EXACT_LIMIT, help="of exact search")
    parser.add_argument("--also", default="", help="other indices of FAISS, with semicolons")
    parser.add_argument("--folder", help="where 3 GB are free; else the system's temporary folder")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    chosen = parser.parse_args(words)
    if chosen.job:
        job = Job(**json.loads(chosen.job))
        print(json.dumps({"build": build, "search": search}[job.step](job)))
        return
    rows = []
    for count in map(int, chosen.sizes.split(",")):
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            make(Path(folder), count, chosen.dim, chosen.queries)
            for kind in ("ours", *filter(None, chosen.also.split(";"))):
                rows.append(row(Path(folder), kind, count, chosen.limit))
                print(*rows[-1], file=sys.stderr)
    print(f"dimension {chosen.dim}, {chosen.queries} queries of each sort, one at a time, ", end="")
    print(f"{faiss.omp_get_max_threads()} threads")
    show_cells(HEAD, rows)


if __name__ == "__main__":
    main()
