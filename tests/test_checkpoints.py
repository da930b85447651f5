"""Files → networks: strictly, and without running what is in them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from passt_core import files
from passt_core.errors import CheckpointError, PasstError
from passt_core.network import checkpoints, labels, registry
from passt_core.network.checkpoints import load
from passt_core.network.deit import from_deit
from passt_core.network.model import PasstConfig
from passt_core.network.weights import METADATA_KEY, infer_config, read_state
from passt_core.signal.mel import MelConfig
from tests.sounds import TINY, randomised, save_network

State = dict[str, Tensor]
SMALL = PasstConfig(dim=64, depth=1, heads=1, stride_freq=16, stride_time=16, classes=5)


def state_of(config: PasstConfig = SMALL) -> State:
    return dict(randomised(config).state_dict())


def saved(path: Path, state: object) -> Path:
    torch.save(state, path)
    return path


# --- what fits -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", (torch.float32, torch.float16))
def test_save_and_load_agree(dtype: torch.dtype, tmp_path: Path) -> None:
    network, front_end = randomised(TINY), MelConfig(fmax=14_000.0)
    names = tuple("abcdefg")
    card = {"title": "Test", "trained_on": "тест", "scores": {"fold": [0.5, 0.25]}}
    path = save_network(
        tmp_path / "own.safetensors",
        network,
        front_end=front_end,
        labels=names,
        activation="softmax",
        card=card,
        dtype=dtype,
    )
    loaded = load(path)
    assert (loaded.name, loaded.config, loaded.front_end) == ("own", TINY, front_end)
    assert (loaded.labels, loaded.activation, dict(loaded.card)) == (names, "softmax", card)
    assert loaded.sha256 == files.sha256_of(path)
    assert not loaded.network.training
    for key, value in network.state_dict().items():
        found = loaded.network.state_dict()[key]
        assert found.dtype == torch.float32
        assert torch.equal(found, value.to(dtype).float())
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())


def test_a_broken_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_network(tmp_path / "own.safetensors", randomised(TINY))
    before = path.read_bytes()

    def broken(state: State, temporary: Path, **_: object) -> None:
        Path(temporary).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(checkpoints, "save_file", broken)
    with pytest.raises(OSError, match="disk full"):
        save_network(path, randomised(TINY, seed=1))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["own.safetensors"]


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"labels": ("a", "b")}, "7 classes and 2 labels"),
        ({"activation": "tanh"}, "activation 'tanh'"),
        ({"temperature": 0.0}, "temperature 0.0; it must be a finite number above 0"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"temperature": float("inf")}, "temperature inf"),
    ),
)
def test_what_is_saved_must_mean_something(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=message):
        save_network(tmp_path / "own.safetensors", randomised(TINY), **changes)
    assert not (tmp_path / "own.safetensors").exists()


def test_a_temperature_comes_back_and_is_1_where_none_was_said(tmp_path: Path) -> None:
    path = save_network(tmp_path / "own.safetensors", randomised(TINY), temperature=1.75)
    assert load(path).temperature == 1.75
    state, about = read_state(path)
    assert about is not None
    about = dict(about)
    for said, message in ((-1, "temperature -1"), ("2", "temperature '2'"), (True, "True")):
        told = {METADATA_KEY: json.dumps(about | {"temperature": said})}
        save_file(state, tmp_path / "odd.safetensors", metadata=told)
        with pytest.raises(CheckpointError, match=f"{message}.*calibrate the model again"):
            load(tmp_path / "odd.safetensors")
    del about["temperature"]  # as files of earlier versions are
    save_file(state, tmp_path / "old.safetensors", metadata={METADATA_KEY: json.dumps(about)})
    assert load(tmp_path / "old.safetensors").temperature == 1.0


def test_bare_safetensors_load_too(tmp_path: Path) -> None:
    save_file(state_of(), tmp_path / "bare.safetensors")
    assert load(tmp_path / "bare.safetensors").config == SMALL


# --- what does not ---------------------------------------------------------------------------


def without(key: str) -> Callable[[State], State]:
    return lambda state: {k: v for k, v in state.items() if k != key}


def reshaped(key: str, *shape: int) -> Callable[[State], State]:
    return lambda state: state | {key: torch.zeros(shape)}


MISFITS = (
    (without("norm.bias"), "lacks norm.bias"),
    (without("blocks.0.attn.qkv.bias"), "lacks blocks.0.attn.qkv.bias"),
    (without("head_dist.weight"), "lacks head_dist.weight"),
    (without("patch_embed.proj.weight"), "has no patch_embed.proj.weight"),
    (without("head.1.weight"), "head.1.weight"),
    (without("freq_new_pos_embed"), "freq_new_pos_embed"),
    (reshaped("surplus.weight", 3), "has the unknown key surplus.weight"),
    (reshaped("blocks.0.extra", 3), "has the unknown key blocks.0.extra"),
    (reshaped("norm.weight", 65), r"norm.weight has shape \(65,\) where \(64,\) belongs"),
    (reshaped("head.1.bias", 4), r"head.1.bias has shape \(4,\) where \(5,\) belongs"),
    (reshaped("new_pos_embed", 1, 1, 64), r"new_pos_embed has shape \(1, 1, 64\)"),
    (reshaped("blocks.1.norm1.weight", 64), "lacks blocks.1."),
    (reshaped("freq_new_pos_embed", 1, 64, 7, 1), "positions of 7 x 62 contradict"),
    (reshaped("patch_embed.proj.weight", 64, 3, 16, 16), r"where \(64, 1, 16, 16\) belongs"),
)


@pytest.mark.parametrize(("change", "message"), MISFITS, ids=[message for _, message in MISFITS])
def test_every_misfit_is_named(
    change: Callable[[State], State], message: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=message):
        load(saved(tmp_path / "misfit.pt", change(state_of())))


def test_a_misfit_of_our_own_format_is_named(tmp_path: Path) -> None:
    path = save_network(tmp_path / "own.safetensors", randomised(SMALL))
    about = describe(path)
    state = without("norm.bias")(state_of())
    save_file(state, path, metadata={"passt": json.dumps(about)})
    with pytest.raises(CheckpointError, match="lacks norm.bias"):
        load(path)


def describe(path: Path) -> dict[str, object]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["passt"])


@pytest.mark.parametrize(
    "change",
    (
        {"schema": 99},
        {"schema": None},
        {"labels": ["a"]},
        {"labels": 3},
        {"activation": "tanh"},
        {"config": {"dim": 64}},
        {"config": {"size": 64}},
        {"config": 5},
        {"config": asdict(SMALL) | {"heads": 5}},
        {"config": asdict(SMALL) | {"heads": 0}},
        {"config": asdict(SMALL) | {"stride_time": 0}},
        {"config": asdict(SMALL) | {"dim": "wide"}},
        {"config": asdict(SMALL) | {"frames": 3}},
        {"front_end": {"hops": 3}},
        {"card": 7},
    ),
    ids=str,
)
def test_a_wrong_description_is_one_message(change: dict[str, object], tmp_path: Path) -> None:
    path = save_network(tmp_path / "own.safetensors", randomised(SMALL))
    about = describe(path) | change
    save_file(state_of(), path, metadata={"passt": json.dumps(about)})
    with pytest.raises(PasstError):
        load(path)


@pytest.mark.parametrize("suffix", (".pt", ".ckpt", ".safetensors", ""))
@pytest.mark.parametrize("content", (b"", b"hello\n" * 99, b"PK\3\4" + bytes(99), b"\x80\x02}q"))
def test_what_is_no_checkpoint(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"file{suffix}"):
        load(path)


@pytest.mark.parametrize(
    "holds", ([1, 2], 3.5, {}, {"weight": 3}, {"state_dict": {}}, torch.zeros(3), None), ids=str
)
def test_what_holds_no_state_dict(holds: object, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        load(saved(tmp_path / "odd.pt", holds))


@given(data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_damaged_files_are_refused_or_whole(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    suffix = data.draw(st.sampled_from((".pt", ".safetensors")))
    original = tmp_path_factory.getbasetemp() / f"whole{suffix}"
    if not original.exists():
        (save_network(original, randomised(SMALL)) if suffix != ".pt" else None) or saved(
            original, state_of()
        )
    content = bytearray(original.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        limit = min(len(content), 4000)  # headers and pickles, where structure is
        for place in data.draw(st.lists(st.integers(0, limit - 1), min_size=1, max_size=8)):
            content[place] = data.draw(st.integers(0, 255))
    damaged = original.with_name(f"damaged{suffix}")
    damaged.write_bytes(content)
    try:
        assert load(damaged).config.dim == 64
    except PasstError as error:
        assert str(error)


class Burglar:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("suffix", (".pt", ".ckpt", ".safetensors"))
@pytest.mark.parametrize("how", ("torch", "pickle", "legacy"))
@pytest.mark.parametrize("where", ("alone", "beside", "inside"))
def test_code_in_a_file_does_not_run(suffix: str, how: str, where: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / f"evil{suffix}"
    evil = Burglar(mark)
    holds: object = {
        "alone": evil,
        "beside": {"state_dict": state_of(), "hyper_parameters": evil},
        "inside": state_of() | {"norm.bias": evil},
    }[where]
    if how == "pickle":
        path.write_bytes(pickle.dumps(holds))
    else:
        torch.save(holds, path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(CheckpointError):
        load(path)
    assert not mark.exists()


# --- shapes ----------------------------------------------------------------------------------

GRIDS = (
    (10, 998, (12, 99)),
    (12, 998, (10, 83)),
    (14, 998, (9, 71)),
    (16, 998, (8, 62)),
    (10, 2000, (12, 200)),
    (10, 3000, (12, 300)),
    (10, 3200, (12, 320)),
)


@pytest.mark.parametrize(("stride", "frames", "grid"), GRIDS)
def test_every_published_grid_is_inferred(
    stride: int, frames: int, grid: tuple[int, int], tmp_path: Path
) -> None:
    config = replace(SMALL, stride_freq=stride, stride_time=stride, frames=frames)
    assert config.grid == grid
    state = state_of(config)
    assert infer_config(state, frames=None, stride=None) == config
    assert infer_config(state, frames=frames, stride=stride) == config
    loaded = load(saved(tmp_path / "net.pt", state))
    assert loaded.front_end.hop == (100 if frames == 3200 else 320)


@pytest.mark.parametrize(("stride", "frames", "grid"), GRIDS)
def test_what_is_known_must_agree_with_the_shapes(
    stride: int, frames: int, grid: tuple[int, int]
) -> None:
    state = state_of(replace(SMALL, stride_freq=stride, stride_time=stride, frames=frames))
    for other_stride, other_frames, other_grid in GRIDS:
        if other_grid != grid:
            with pytest.raises(CheckpointError, match=f"positions of {grid[0]} x {grid[1]} contra"):
                infer_config(state, frames=other_frames, stride=other_stride)


def test_a_grid_of_no_known_width_is_taken_at_its_word() -> None:
    config = replace(SMALL, frames=480)
    assert infer_config(state_of(config), frames=None, stride=None) == config


@pytest.mark.parametrize("name", registry.OFFICIAL)
def test_every_published_name_fits_its_own_description(name: str) -> None:
    entry = registry.OFFICIAL[name]
    stride, frames = entry.stride or 16, entry.frames or 998
    config = replace(SMALL, stride_freq=stride, stride_time=stride, frames=frames)
    assert infer_config(state_of(config), frames=entry.frames, stride=entry.stride) == config
    assert entry.url.startswith("https://github.com/kkoutini/PaSST/releases/download/v")
    assert entry.sha256 is None or len(entry.sha256) == 64


def test_an_own_file_of_the_published_shape_gets_audioset_names(tmp_path: Path) -> None:
    state = state_of(replace(SMALL, classes=527))
    loaded = load(saved(tmp_path / "net.pt", state))
    assert loaded.labels == labels.label_set("audioset")
    assert loaded.labels[0] == "Speech"
    other = load(saved(tmp_path / "other.pt", state_of()))
    assert other.labels == ("class 0", "class 1", "class 2", "class 3", "class 4")
    assert other.activation == "sigmoid"


def test_labels_may_lie_beside_a_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pt", state_of())
    sidecar = tmp_path / "net.labels.csv"
    sidecar.write_text('index,display_name\n0,Rain\n1,"Wind, strong"\n2,雨\n3,d\n4,e\n')
    assert load(path).labels == ("Rain", "Wind, strong", "雨", "d", "e")
    sidecar.write_text("display_name\nRain\n")
    with pytest.raises(CheckpointError, match="5 classes and 1 labels"):
        load(path)
    sidecar.write_text("name\nRain\n")
    with pytest.raises(CheckpointError, match="give a CSV with a column display_name"):
        load(path)
    sidecar.write_bytes(b"display_name\n\xff\xfe\n")
    with pytest.raises(CheckpointError, match="does not list labels"):
        load(path)


def test_label_sets() -> None:
    for name, count in (("audioset", 527), ("esc50", 50), ("openmic", 20)):
        names = labels.label_set(name)
        assert len(names) == len(set(names)) == count
    with pytest.raises(CheckpointError, match="known are audioset, esc50, openmic"):
        labels.label_set("imagenet")


# --- names -----------------------------------------------------------------------------------


def test_names_begin_with_the_bundled_one() -> None:
    assert checkpoints.names()[0] == "bundled"
    assert len(checkpoints.names()) == len(set(checkpoints.names())) == 26


@pytest.mark.parametrize("name", ("passt_xl", "", ".", "no/such/file.pt", "n" * 5000, "a\0b"))
def test_unknown_names(name: str) -> None:
    with pytest.raises(CheckpointError, match="no model is called"):
        load(name)


def test_a_name_that_is_not_published_cannot_be_fetched() -> None:
    with pytest.raises(CheckpointError, match="no model is called"):
        checkpoints.fetch_official("bundled")


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network of the published shape but for its width, where a fetched file would lie."""
    monkeypatch.setenv("PASST_CACHE", str(tmp_path))
    path = checkpoints.official_path("passt_s_kd_p16_128_ap486")
    path.parent.mkdir(parents=True)
    config = replace(SMALL, stride_freq=10, stride_time=10, classes=527)
    return saved(path, state_of(config))


def test_a_fetched_file_loads_by_name(published: Path) -> None:
    loaded = load("passt_s_kd_p16_128_ap486")
    assert loaded.name == "passt_s_kd_p16_128_ap486"
    assert loaded.labels == labels.label_set("audioset")
    assert loaded.card["score"] == "mAP .486"
    assert published.with_name(published.name + ".sha256").is_file()
    saved(published, state_of(replace(SMALL, classes=527)))
    with pytest.raises(CheckpointError, match="has changed or is damaged"):
        load("passt_s_kd_p16_128_ap486")


def test_a_file_under_another_files_name_is_refused(published: Path) -> None:
    saved(published, state_of(replace(SMALL, classes=527)))
    with pytest.raises(CheckpointError, match="positions of 8 x 62 contradict stride 10"):
        load("passt_s_kd_p16_128_ap486")
    published.with_name(published.name + ".sha256").unlink()
    saved(published, state_of(replace(SMALL, stride_freq=10, stride_time=10)))
    with pytest.raises(CheckpointError, match="5 classes and 527 labels"):
        load("passt_s_kd_p16_128_ap486")


# --- DeiT ------------------------------------------------------------------------------------


def deit(dim: int = 64, depth: int = 1, side: int = 24, distilled: bool = True) -> State:
    """A DeiT with random weights, as its authors publish it."""
    config = PasstConfig(dim=dim, depth=depth, heads=1, classes=1000, distilled=distilled)
    generator = torch.Generator().manual_seed(9)
    state = {
        key: value
        for key, value in randomised(config).state_dict().items()
        if "pos_embed" not in key and not key.startswith("head")
    }
    extra = config.extra_tokens
    state["pos_embed"] = torch.randn(1, extra + side**2, dim, generator=generator)
    state["patch_embed.proj.weight"] = torch.randn(dim, 3, 16, 16, generator=generator)
    state["head.weight"], state["head.bias"] = torch.zeros(1000, dim), torch.zeros(1000)
    return state


@pytest.mark.parametrize("side", (14, 24))
def test_deit_gives_blocks_tokens_patches_and_positions(side: int, tmp_path: Path) -> None:
    source = deit(side=side)
    path = saved(tmp_path / "deit.pth", {"model": source})
    network = from_deit(path, replace(SMALL, stride_freq=10, stride_time=10))
    found = network.state_dict()
    for key in ("blocks.0.attn.qkv.weight", "norm.bias", "cls_token", "dist_token"):
        assert torch.equal(found[key], source[key])
    kernel = source["patch_embed.proj.weight"]
    torch.testing.assert_close(
        found["patch_embed.proj.weight"][:, 0], kernel[:, 0] + kernel[:, 1] + kernel[:, 2]
    )
    assert torch.equal(found["new_pos_embed"], source["pos_embed"][:, :2])
    assert found["freq_new_pos_embed"].shape == (1, 64, 12, 1)
    assert found["time_new_pos_embed"].shape == (1, 64, 1, 99)
    assert not network(torch.zeros(1, 128, 100)).logits.any()


def test_deit_positions_agree_with_the_reference(tmp_path: Path) -> None:
    reference = pytest.importorskip(
        "hear21passt.models.passt", reason="hear21passt is not installed"
    )
    source = deit()
    network = from_deit(
        saved(tmp_path / "deit.pth", {"model": source}),
        replace(SMALL, stride_freq=10, stride_time=10),
    )
    new, freq, time = reference.adapt_image_pos_embed_to_passt(source["pos_embed"], 2, (12, 99))
    for found, expected in (
        (network.new_pos_embed, new),
        (network.freq_new_pos_embed, freq),
        (network.time_new_pos_embed, time),
    ):
        np.testing.assert_allclose(found.detach(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "source",
    (
        deit(depth=2),
        deit(dim=128),
        deit(distilled=False),
        without("pos_embed")(deit()),
        without("blocks.0.norm1.weight")(deit()),
        reshaped("pos_embed", 1, 2 + 23, 64)(deit()),
        state_of(),
    ),
    ids=("deeper", "wider", "undistilled", "no positions", "no norm", "no square", "a passt"),
)
def test_other_networks_are_no_deit(source: State, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="deit.pth"):
        from_deit(saved(tmp_path / "deit.pth", source), SMALL)
