"""Zips from anyone: what is good is unpacked, and nothing a zip says can do harm."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from passt_core.errors import DatasetError
from passt_core.lab.archive import Unpacked, unpack
from passt_core.lab.archive_checks import ArchiveLimits

SOUND = b"RIFF" + bytes(range(200))


def _zip(path: Path, names: dict[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", **options) as bundle:
        for name, data in names.items():
            bundle.writestr(name, data)
    return path


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Unpacked]:
    """Unpack a zip of these names; whatever happens, no file may be outside the folder."""

    def run(names: dict[str, bytes], **limits: int) -> Unpacked:
        archive = _zip(tmp_path / "clips.zip", names, compression=zipfile.ZIP_DEFLATED)
        parent = tmp_path / "into"
        parent.mkdir()
        return unpack(archive, parent, ArchiveLimits(**limits))

    yield run
    assert {path.name for path in tmp_path.iterdir()} <= {"clips.zip", "into"}


def _left(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "into").rglob("*"))


def test_a_folder_per_class_is_unpacked(opened, tmp_path: Path) -> None:
    found = opened({"dog/a.wav": SOUND, "dog/deep/b.FLAC": SOUND * 2, "cat/c.ogg": SOUND})
    assert [(s.label, s.name) for s in found.sounds] == [
        ("dog", "dog/a.wav"),
        ("dog", "dog/deep/b.FLAC"),
        ("cat", "cat/c.ogg"),
    ]
    assert [s.path.read_bytes() for s in found.sounds] == [SOUND, SOUND * 2, SOUND]
    assert all(s.path.parent == found.folder for s in found.sounds)
    assert found.folder.parent == tmp_path / "into"
    assert found.skipped == {}


@pytest.mark.parametrize("around", ["mine/", "mine/sounds/"])
def test_folders_around_the_classes_are_seen_through(opened, around: str) -> None:
    names = {around + "dog/a.wav": SOUND, around + "cat/c.wav": SOUND, around + "stray.wav": SOUND}
    found = opened(names)
    assert {s.label for s in found.sounds} == {"dog", "cat"}
    assert found.skipped == {"in no class folder": 1}


def test_what_is_no_sound_is_counted(opened) -> None:
    found = opened(
        {
            "dog/a.wav": SOUND,
            "dog/._a.wav": b"mac",
            ".git/x.wav": SOUND,
            "__MACOSX/dog/a.wav": b"mac",
            "dog/notes.txt": b"text",
            "dog/run.py": b"print()",
            "loose.wav": SOUND,
        }
    )
    assert len(found.sounds) == 1
    assert found.skipped == {"hidden": 3, "not sounds": 2, "in no class folder": 1}


@pytest.mark.parametrize(
    "name",
    [
        "../evil.wav",
        "dog/../../evil.wav",
        "/etc/evil.wav",
        "C:/evil.wav",
        "c:\\evil.wav",
        "..\\evil.wav",
        "\\\\server\\share\\evil.wav",
        "dog/../evil.txt",
    ],
)
def test_names_that_lead_out_are_refused(opened, tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="leads out of it"):
        opened({"dog/a.wav": SOUND, name: SOUND})
    assert not _left(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "dog/" + "n" * 400 + ".wav",
        "d\u202eog/\x07a.wav",
        "dog/con.wav",
        "dog/a:b|c.wav",
        "d/é鳥.wav",
    ],
)
def test_odd_names_are_only_text(opened, name: str) -> None:
    found = opened({name: SOUND, "cat/a.wav": SOUND})
    assert found.sounds[0].path.read_bytes() == SOUND
    assert found.sounds[0].name.isprintable()
    assert found.sounds[0].path.name == "00000.wav"


def test_two_members_of_one_name_are_two_sounds(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z", "w") as bundle:
        bundle.writestr("dog/a.wav", SOUND)
        with pytest.warns(UserWarning, match="Duplicate"):
            bundle.writestr("dog/a.wav", SOUND * 2)
    found = unpack(tmp_path / "z", tmp_path)
    assert [s.path.read_bytes() for s in found.sounds] == [SOUND, SOUND * 2]


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as bundle:
        bundle.writestr("dog/a.wav", SOUND)
        for number, kind in enumerate((stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR)):
            entry = zipfile.ZipInfo(f"dog/{number}.wav")
            entry.create_system = 3
            entry.external_attr = (kind | 0o777) << 16
            bundle.writestr(entry, "/etc/passwd")
    found = unpack(tmp_path / "z.zip", tmp_path)
    assert len(found.sounds) == 1
    assert found.skipped == {"links and devices": 3}
    assert not any(path.is_symlink() for path in found.folder.iterdir())


def test_a_bomb_is_stopped_by_its_ratio(opened, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="more than 200 times its size"):
        opened({"dog/a.wav": bytes(20 << 20), "cat/b.wav": SOUND})
    assert not _left(tmp_path)


def test_silence_in_good_company_is_no_bomb(opened) -> None:
    noisy = {f"cat/{i}.wav": os.urandom(20_000) for i in range(9)}
    assert len(opened(noisy | {"dog/a.wav": bytes(4 << 20)}).sounds) == 10


def test_too_much_is_refused_by_what_the_zip_says(opened, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="unpacks to 0 MB or more; the limit is 0 MB"):
        opened({"dog/a.wav": SOUND * 9}, unpacked_bytes=1000)
    assert not _left(tmp_path)


def test_too_much_is_refused_though_the_zip_says_otherwise(tmp_path: Path) -> None:
    """A member whose header claims fewer bytes than its data has gives those, and no more."""
    archive = _zip(tmp_path / "z.zip", {"dog/a.wav": SOUND * 99}, compression=zipfile.ZIP_DEFLATED)
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.index(signature) + offset
        data[at : at + 4] = struct.pack("<L", 10)
    archive.write_bytes(data)
    (tmp_path / "into").mkdir()
    with pytest.raises(DatasetError, match="1 damaged"):
        unpack(archive, tmp_path / "into", ArchiveLimits(unpacked_bytes=1000))
    assert not _left(tmp_path)


def test_too_many_are_refused(opened, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds 3 sounds; the limit is 2"):
        opened({f"dog/{i}.wav": SOUND for i in range(3)}, sounds=2)
    assert not _left(tmp_path)


@pytest.mark.parametrize(("limit", "message"), [("entries", "9 files"), ("directory_bytes", "MB")])
def test_a_long_list_of_files_is_refused(opened, limit: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        opened({f"dog/{i}.txt": b"" for i in range(9)}, **{limit: 8})


def test_the_long_list_of_a_zip64_is_seen_before_it_is_read(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "z.zip", {"dog/a.wav": SOUND})
    data = archive.read_bytes()
    end = data.index(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    archive.write_bytes(data[:end] + record + locator + data[end:])
    with pytest.raises(DatasetError, match=r"lists its files in 1\d+\.\d MB"):
        unpack(archive, tmp_path)


def test_a_zip64_that_is_harmless_is_read(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "z.zip", "w") as bundle,
        bundle.open("dog/a.wav", "w", force_zip64=True) as member,
    ):
        member.write(SOUND)
    assert len(unpack(tmp_path / "z.zip", tmp_path).sounds) == 1


def test_damaged_members_are_counted_and_the_rest_is_kept(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "z.zip", {"dog/a.wav": SOUND, "cat/b.wav": SOUND[::-1]})
    data = bytearray(archive.read_bytes())
    data[data.index(SOUND) + 20] ^= 0xFF  # the checksum no longer fits
    archive.write_bytes(data)
    found = unpack(archive, tmp_path)
    assert [s.label for s in found.sounds] == ["cat"]
    assert found.skipped == {"damaged": 1}
    assert len(list(found.folder.iterdir())) == 1


@pytest.mark.parametrize(("offset", "value", "reason"), [(8, 1, "encrypted"), (10, 99, "damaged")])
def test_what_cannot_be_unpacked_is_told(
    tmp_path: Path, offset: int, value: int, reason: str
) -> None:
    """A flag for encryption, or a method that nobody knows, in the zip's list of members."""
    archive = _zip(tmp_path / "z.zip", {"dog/a.wav": SOUND})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + offset] = value
    archive.write_bytes(data)
    with pytest.raises(DatasetError, match=f"it has 1 {reason}"):
        unpack(archive, tmp_path)


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _no_list(data: bytes) -> bytes:
    return data.replace(b"PK\x01\x02", b"XXXX")


@pytest.mark.parametrize(
    "spoil", [_cut, _no_list, lambda _: b"", lambda _: b"PK\x05\x06", lambda _: SOUND]
)
def test_what_is_no_zip_is_told(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    archive = _zip(tmp_path / "z.zip", {"dog/a.wav": SOUND, "cat/a.wav": SOUND})
    archive.write_bytes(spoil(archive.read_bytes()))
    (tmp_path / "into").mkdir()
    with pytest.raises(DatasetError, match="z.zip cannot be read as a zip"):
        unpack(archive, tmp_path / "into")
    assert not _left(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({}, "it is empty"),
        ({"a.txt": b""}, "1 not sounds"),
        ({"a.wav": SOUND}, "in no class folder"),
    ],
)
def test_without_a_sound_it_says_what_to_do(opened, names: dict[str, bytes], message: str) -> None:
    with pytest.raises(DatasetError, match=f"{message}.*a folder of its own"):
        opened(names)


def test_a_full_disk_is_told(opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, mode="r", *a: Full() if mode == "xb" else real(self, mode, *a)
    )
    with pytest.raises(DatasetError, match="No space left on device"):
        opened({"dog/a.wav": SOUND})
    assert not _left(tmp_path)


AUDIO = frozenset((".wav", ".caf"))


def _loose(tmp_path: Path, archive: Path, **limits: int) -> Unpacked:
    parent = tmp_path / "into"
    parent.mkdir(exist_ok=True)
    return unpack(archive, parent, ArchiveLimits(**limits), loose=True, suffixes=AUDIO)


def test_a_loose_zip_needs_no_class_folders(tmp_path: Path) -> None:
    names = {
        "a.wav": SOUND,
        "x/dog/b.CAF": SOUND,
        "x/c.wav": SOUND,
        "x/labels.csv": b"file,label\nc.wav,Cat\n",
        "x/d.flac": SOUND,
    }
    found = _loose(tmp_path, _zip(tmp_path / "z.zip", names))
    assert [(s.name, s.label) for s in found.sounds] == [
        ("a.wav", ""),
        ("x/dog/b.CAF", "dog"),
        ("x/c.wav", "x"),
    ]
    assert [(t.name, t.path.read_bytes()) for t in found.tables] == [
        ("x/labels.csv", names["x/labels.csv"])
    ]
    assert found.skipped == {"not sounds": 1}
    assert len({p.name for p in found.folder.iterdir()}) == 4


def _named(*names: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        return _zip(path, dict.fromkeys(names, SOUND))

    return make


def _spoilt(spoil: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        whole = _zip(path, {"a.wav": SOUND, "b.wav": SOUND[::-1]})
        path.write_bytes(spoil(whole.read_bytes()))
        return path

    return make


def _link(kind: int) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        with zipfile.ZipFile(path, "w") as bundle:
            entry = zipfile.ZipInfo("link.wav")
            entry.create_system = 3
            entry.external_attr = (kind | 0o777) << 16
            bundle.writestr(entry, "../../../../etc/passwd")
        return path

    return make


def _link_and_a_way_through_it(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as bundle:
        entry = zipfile.ZipInfo("way")
        entry.create_system = 3
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        bundle.writestr(entry, "/tmp")
        bundle.writestr("way/a.wav", SOUND)
    return path


def _bomb(path: Path) -> Path:
    return _zip(path, {"a.wav": bytes(30 << 20)}, compression=zipfile.ZIP_DEFLATED)


def _nested_bomb(path: Path) -> Path:
    inner = _bomb(path.with_name("inner.zip")).read_bytes()
    path.with_name("inner.zip").unlink()
    return _zip(path, {"a.wav": SOUND, "more.zip": inner})


def _bomb_that_is_a_sound(path: Path) -> Path:
    """A zip with a sound's name is a sound that cannot be heard; it is not opened as a zip."""
    inner = _bomb(path.with_name("inner.zip")).read_bytes()
    path.with_name("inner.zip").unlink()
    return _zip(path, {"a.wav": inner})


def _overlapping(path: Path) -> Path:
    """Many names in the list for one member's bytes."""
    whole = _zip(path, {"a.wav": SOUND * 50}).read_bytes()
    at, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry = whole[at:end]
    count = 40
    record = bytearray(whole[end:])
    record[8:10] = record[10:12] = struct.pack("<H", count)
    record[12:16] = struct.pack("<L", count * len(entry))
    path.write_bytes(whole[:at] + entry * count + bytes(record))
    return path


def _many(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as bundle:
        for number in range(100_000):
            bundle.writestr(f"{number}.wav", b"")
    return path


def _flag(signature: bytes, offset: int, value: bytes) -> Callable[[bytes], bytes]:
    def spoil(data: bytes) -> bytes:
        at = data.index(signature) + offset
        return data[:at] + value + data[at + len(value) :]

    return spoil


def _all_encrypted(data: bytes) -> bytes:
    found = bytearray(data)
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        found[at + 8] |= 1
    return bytes(found)


def _zip64_lies(data: bytes) -> bytes:
    end = data.index(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1 << 60, 1 << 50, 7)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    return data[:end] + record + locator + data[end:]


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "up": (_named("a.wav", "../b.wav"), "leads out of it"),
    "up within": (_named("x/y/../../../b.wav"), "leads out of it"),
    "up with backslashes": (_named("x\\..\\..\\b.wav"), "leads out of it"),
    "absolute": (_named("/etc/b.wav"), "leads out of it"),
    "drive": (_named("C:\\b.wav"), "leads out of it"),
    "share": (_named("\\\\host\\share\\b.wav"), "leads out of it"),
    "table that leads out": (_named("a.wav", "../labels.csv"), "leads out of it"),
    "link": (_link(stat.S_IFLNK), "1 links and devices"),
    "device": (_link(stat.S_IFBLK), "1 links and devices"),
    "pipe": (_link(stat.S_IFIFO), "1 links and devices"),
    "socket": (_link(stat.S_IFSOCK), "1 links and devices"),
    "bomb": (_bomb, "more than 200 times its size"),
    "100,000 entries": (_many, "the limit is 4.2 MB"),
    "encrypted": (_spoilt(_all_encrypted), "2 encrypted"),
    "cut": (_spoilt(_cut), "cannot be read as a zip"),
    "no list": (_spoilt(_no_list), "cannot be read as a zip"),
    "zip64 that lies": (_spoilt(_zip64_lies), "the limit is 4.2 MB"),
    "no zip": (_spoilt(lambda _: SOUND * 9), "cannot be read as a zip"),
    "nothing": (_spoilt(lambda _: b""), "cannot be read as a zip"),
    "empty": (_named(), "no sound in it .it is empty"),
    "list beyond the end": (
        _spoilt(_flag(b"PK\x05\x06", 16, b"\xff\xff\xff\x7f")),
        "cannot be read as a zip",
    ),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_a_hostile_zip_is_refused_and_leaves_nothing(
    tmp_path: Path, make: tuple[Callable[[Path], Path], str]
) -> None:
    archive, message = make[0](tmp_path / "z.zip"), make[1]
    with pytest.raises(DatasetError, match=message):
        _loose(tmp_path, archive)
    assert not _left(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"z.zip", "into"}


HARMLESS: dict[str, tuple[Callable[[Path], Path], int]] = {
    "NUL": (_named("a.wav", "b.wav\0.exe"), 2),
    "very long": (_named("n" * 5000 + ".wav"), 1),
    "very deep": (_named("d/" * 900 + "a.wav"), 1),
    "case": (_named("A.wav", "a.wav", "A.WAV"), 3),
    "folder and file": (_named("a.wav/b.wav", "a.wav"), 2),
    "Windows": (_named("con.wav", "NUL.wav", "x/aux.wav", "a:b|c?.wav", "trailing. .wav"), 5),
    "right to left": (_named("\u202egpj.wav", "emoji \U0001f40d.wav", "line\nbreak.wav"), 3),
    "way through a link": (_link_and_a_way_through_it, 1),
    "nested bomb": (_nested_bomb, 1),
    "bomb that is a sound": (_bomb_that_is_a_sound, 1),
    "overlapping": (_overlapping, 40),
    "first of two is damaged": (_spoilt(_flag(SOUND, 30, b"\0\0\0")), 1),
    "header says less": (_spoilt(_flag(b"PK\x01\x02", 24, struct.pack("<L", 1))), 2),
    "junk before": (_spoilt(lambda data: b"#!/bin/sh\n" * 9 + data), 2),
}


@pytest.mark.parametrize("make", HARMLESS.values(), ids=HARMLESS)
def test_a_hostile_zip_is_harmless(
    tmp_path: Path, make: tuple[Callable[[Path], Path], int]
) -> None:
    archive, most = make[0](tmp_path / "z.zip"), make[1]
    found = _loose(tmp_path, archive)
    assert 1 <= len(found.sounds) <= most
    files = list(found.folder.iterdir())
    assert {path.name for path in files} == {
        f"{n:05d}{p.suffix}" for n, p in enumerate(sorted(files))
    }
    assert all(path.is_file() and not path.is_symlink() for path in files)
    assert all(sound.name.isprintable() for sound in found.sounds)
    assert found.folder.parent == tmp_path / "into"
    assert {path.name for path in tmp_path.iterdir()} == {"z.zip", "into"}
