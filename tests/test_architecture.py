"""The house: imports run down only, and what no room may hold."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "passt_core"
CORE_FILES = sorted(CORE.rglob("*.py"))
ALL_FILES = sorted(
    [*CORE_FILES, *(ROOT / "passt_ui").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    + [path for path in (ROOT / "app.py",) if path.exists()]
)

FLOORS = (
    frozenset({"errors"}),
    frozenset({"files", "journal"}),
    frozenset({"signal"}),
    frozenset({"network"}),
    frozenset({"inference"}),
    frozenset({"lab", "library"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
"""From the ground up: a room may use itself and all floors below, not its neighbour."""
TOP = FLOORS[-2] | FLOORS[-1]
FRONT_DOOR = CORE / "__init__.py"
"""The package's own namespace: it hands on names from every floor."""

MUTABLE_CALLS = frozenset({"list", "dict", "set", "defaultdict", "OrderedDict", "Counter", "deque"})
MUTABLE_NODES = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that is imported, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, but for those that only a checker sees."""
    for node in nodes:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.ClassDef):
            yield from at_import([n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)])


def room(path: Path) -> str:
    first = path.relative_to(CORE).parts[0]
    return first.removesuffix(".py")


def floor(name: str) -> int:
    return next(height for height, rooms in enumerate(FLOORS) if name in rooms)


Rule = Callable[[Path, ast.Module], Iterable[str]]
"""What is wrong in a file, in words; nothing if nothing is."""


def assert_held(rule: Rule, paths: list[Path]) -> None:
    found = [f"{relative(path)}: {what}" for path in paths for what in rule(path, tree_of(path))]
    assert not found, "\n".join(found)


def calls(tree: ast.Module) -> Iterator[tuple[str, dict[str | None, str]]]:
    """(function, its keyword arguments), as they are written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            yield ast.unparse(node.func), options


def packages(tree: ast.AST) -> set[str]:
    return {name.split(".")[0] for name in imports(tree)}


def test_there_is_a_house() -> None:
    assert len(CORE_FILES) > 15


def test_the_core_knows_no_front_end() -> None:
    banned = {"gradio", "plotly", "passt_ui", "app", "tests", "tools", "benchmarks"}
    assert_held(lambda _, tree: packages(tree) & banned, CORE_FILES)


def test_imports_run_down_only() -> None:
    def upward(path: Path, tree: ast.Module) -> Iterator[str]:
        here = room(path)
        for name in imports(tree):
            if not name.startswith("passt_core.") or name == "passt_core.__version__":
                continue
            other = name.split(".")[1]
            if not any(other in rooms for rooms in FLOORS):
                yield f"{name} comes through the front door: import it from its room"
            elif other != here and floor(other) >= floor(here):
                yield f"{name} is not below {here}"

    assert_held(upward, [path for path in CORE_FILES if path != FRONT_DOOR])


def test_nothing_is_unpickled_but_tensors() -> None:
    banned = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}

    def unsafe(_: Path, tree: ast.Module) -> Iterator[str]:
        for name in imports(tree):
            if name.split(".")[0] in banned and name != "pickle.UnpicklingError":
                yield f"imports {name}"
        for function, options in calls(tree):
            if function == "torch.load" and options.get("weights_only") != "True":
                yield "torch.load without weights_only=True"
            if function in {"np.load", "numpy.load"} and options.get("allow_pickle") != "False":
                yield "np.load without allow_pickle=False"

    assert_held(unsafe, ALL_FILES)


def test_sound_is_read_in_one_place() -> None:
    """torchaudio.load needs torchcodec; librosa.load and av know nothing of our limits."""

    def elsewhere(path: Path, tree: ast.Module) -> Iterator[str]:
        for function, _ in calls(tree):
            if function in {"torchaudio.load", "librosa.load"}:
                yield function
        if path != CORE / "signal" / "decoding.py" and "av" in packages(tree):
            yield "imports av"

    assert_held(elsewhere, ALL_FILES)


def test_the_core_does_not_print() -> None:
    below = [path for path in CORE_FILES if room(path) not in TOP]
    assert_held(lambda _, tree: {name for name, _ in calls(tree)} & {"print"}, below)


def test_modules_hold_no_mutable_state() -> None:
    def mutable(value: ast.expr) -> bool:
        if isinstance(value, ast.Call):
            return ast.unparse(value.func).rsplit(".", 1)[-1] in MUTABLE_CALLS
        return isinstance(value, MUTABLE_NODES)

    def state(_: Path, tree: ast.Module) -> Iterator[str]:
        for node in at_import(tree.body):
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            if mutable(node.value) and not ast.unparse(node).startswith("__all__"):
                yield f"line {node.lineno}: use a tuple, a frozenset or a MappingProxyType"
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                yield f"line {node.lineno}: global"

    assert_held(state, ALL_FILES)


def test_umap_waits_until_it_is_needed() -> None:
    """It compiles for 13 s when it is imported."""
    slow = {"umap", "numba", "pynndescent"}

    def eager(_: Path, tree: ast.Module) -> Iterator[str]:
        for node in at_import(tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom) and packages(node) & slow:
                yield f"line {node.lineno}"

    assert_held(eager, ALL_FILES)


def test_the_app_stays_small() -> None:
    app = ROOT / "app.py"
    if not app.exists():
        pytest.skip("app.py is not there yet")
    assert len(app.read_text(encoding="utf-8").splitlines()) <= 60
