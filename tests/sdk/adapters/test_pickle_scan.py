"""Hostile pickles in every shape are named, and nothing of them is ever run."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from vendorkit.adapters.models import pickle_scan
from vendorkit.adapters.models.pickle_scan import Pickled, scan, scan_folder

CREATED = "touched-by-a-pickle"


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {CREATED}",))


@pytest.fixture(autouse=True)
def nothing_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / CREATED).exists()


def look(data: bytes, name: str = "model.pkl") -> tuple[Pickled, ...]:
    Path(name).write_bytes(data)
    return scan(Path(name), name)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("thing", [Evil(), {"weights": [1.0], "nested": [{"deep": (Evil(),)}]}], ids=["bare", "nested"])
def test_a_command_is_named_in_every_protocol(protocol: int, thing: object) -> None:
    (found,) = look(pickle.dumps(thing, protocol))
    assert found.dangerous == ("posix.system",)
    assert found.whole
    assert "dangerous: posix.system" in found.says


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_is_cut_short_is_one(protocol: int) -> None:
    data = pickle.dumps([list(range(50)), Evil(), "x" * 200], protocol)
    cut = look(data[: data.index(b"system") + 60])
    if protocol >= 2:
        assert [found.dangerous for found in cut] == [("posix.system",)]
        assert not cut[0].whole
    (evil,) = look(pickle.dumps(Evil(), protocol)[:-1])
    assert (evil.dangerous, evil.whole) == (("posix.system",), False)


def test_names_that_come_from_the_memo_and_names_that_are_computed() -> None:
    memo = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94000h\x00h\x01\x93\x8c\x04true\x85R."
    (found,) = look(memo)
    assert found.dangerous == ("os.system",)
    (hidden,) = look(b"\x80\x04]\x8c\x06system\x93.")
    assert hidden.dangerous == ("?.system",)
    (numbered,) = look(b"\x80\x02\x82\x01.")
    assert numbered.dangerous == ("?.extension-1",)
    (below,) = look(b"\x80\x02cos.own\nrun\n.")
    assert below.dangerous == ("os.own.run",)


OS, SYSTEM, MATH, ZERO = b"\x8c\x02os", b"\x8c\x06system", b"\x8c\x04math", b"\x8c\x01\0"


@pytest.mark.parametrize(
    "between",
    [
        MATH + b"0",
        b"(" + MATH + b"1",
        b"((00",
        b"(" + ZERO + MATH + b"1",
        MATH + MATH + b"\x860",
        b"}" + MATH + MATH + b"s0",
        b"](" + MATH + MATH + b"e0",
        MATH + b"\x94h\x0000",
        MATH + b"2" + b"00",
        MATH + b"q\x07" + b"0",
    ],
)
def test_what_is_pushed_and_taken_back_hides_no_name(between: bytes) -> None:
    data = b"\x80\x04" + OS + SYSTEM + between + b"\x93."
    assert pickle.loads(data) is os.system  # noqa: S301  (the function is given, not called)
    (found,) = look(data)
    assert (found.imports, found.dangerous, found.whole) == (("os.system",), ("os.system",), True)


def test_a_name_that_reaches_through_another_module() -> None:
    data = b"\x80\x04\x8c\x04glob\x8c\x09os.system\x93."
    assert pickle.loads(data) is os.system  # noqa: S301  (the function is given, not called)
    (found,) = look(data)
    assert found.dangerous == ("glob.os.system",)
    (nested,) = look(data.replace(b"\x09os.system", b"\x0bOuter.Inner"))
    assert nested.dangerous == ()


@pytest.mark.parametrize(
    "between",
    [
        b"\x8c\x05numpy\x8c\x05array\x860",
        b"(\x8c\x05numpy\x8c\x05array1(0",
        b"(\x8c\x05numpy\x8c\x05arrayt0",
        b"]\x8c\x05numpya0",
        b"}\x8c\x05numpy\x8c\x05arrays0",
        b"(\x8c\x05array1",
        b"20",
    ],
    ids=["a pair", "a mark", "a tuple", "a list", "a dictionary", "one text", "a copy"],
)
def test_other_texts_that_come_and_go_are_not_taken_for_the_name_that_is_imported(between: bytes) -> None:
    (found,) = look(b"\x80\x04\x8c\x02os\x8c\x06system" + between + b"\x93\x8c\x04true\x85R.")
    assert found.imports == ("os.system",)


def test_a_name_of_which_only_one_half_is_known_is_dangerous() -> None:
    (found,) = look(b"\x80\x04\x8c\x05numpy]\x93.")
    assert found.dangerous == ("numpy.?",)


def test_several_pickles_in_a_row() -> None:
    (found,) = look(pickle.dumps([1]) + pickle.dumps({"a": 1}) + pickle.dumps(Evil()))
    assert found.dangerous == ("posix.system",)


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)], ids=str)
def test_joblib_files_with_arrays_between(compress: Any) -> None:
    file = io.BytesIO()
    joblib.dump({"weights": np.arange(4000.0), "then": Evil()}, file, compress=compress)
    (found,) = look(file.getvalue(), "model.joblib")
    assert "posix.system" in found.dangerous
    assert any(name.startswith("joblib.numpy_pickle.") for name in found.imports)


@pytest.mark.parametrize("kind", ["gzip", "bz2", "xz", "lzma", "zlib"])
@pytest.mark.parametrize("spoil", [lambda data: data[:-3], lambda data: data + b"junk"], ids=["cut short", "longer"])
def test_a_compressed_pickle_is_named_though_its_file_is_spoiled_behind_it(
    kind: str, spoil: Callable[[bytes], bytes]
) -> None:
    packed = {
        "gzip": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
        "zlib": zlib.compress,
    }[kind](pickle.dumps(Evil()) + bytes(range(256)) * 40)
    (found,) = look(spoil(packed))
    assert found.dangerous == ("posix.system",)


def test_a_pytorch_archive_and_an_archive_in_it() -> None:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Evil(), 2))
        archive.writestr("archive/data/0", np.arange(10.0).tobytes())
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("model.pt", inner.getvalue())
        archive.writestr("README.md", "all is well")
    (found,) = look(outer.getvalue(), "bundle.zip")
    assert (found.where, found.dangerous) == ("bundle.zip!model.pt!archive/data.pkl", ("posix.system",))


def test_a_zip_that_unpacks_without_end_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_scan, "MOST_UNPACKED", 3_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}", bytes(1_000))
        archive.writestr("last", pickle.dumps(Evil(), 2))
    (found,) = look(packed.getvalue(), "model.onnx")
    assert (found.where, found.whole) == ("model.onnx (unpacks to more than is looked at)", False)


def test_an_object_array_of_numpy() -> None:
    file = io.BytesIO()
    np.save(file, np.array([Evil()], dtype=object), allow_pickle=True)
    (found,) = look(file.getvalue(), "weights.npy")
    assert "posix.system" in found.dangerous
    (spoiled,) = look(file.getvalue().partition(b"\n")[0] + b"\nno pickle", "weights.npy")
    assert not spoiled.whole


@pytest.mark.parametrize("protocol", range(6))
def test_an_ordinary_pickle_is_named_and_not_called_dangerous(protocol: int) -> None:
    data = pickle.dumps({"array": np.arange(3), "kinds": {1, 2}}, protocol)
    (found,) = look(data)
    assert found.imports
    assert found.dangerous == ()
    assert found.whole
    if protocol >= 2:
        (cut,) = look(data[:-1])
        assert not cut.whole


@pytest.mark.parametrize(
    "data",
    [
        b"(S'id'\nios\nsystem\n",
        b"(S'id'\nios\nsystem\n\xff\xff",
        b"(I1\n0cos\nsystem\n(S'id'\ntR\xff",
        b"I0x10\n0cos\nsystem\n(S'id'\ntR.",
        b"L0b1L\n0cos\nsystem\n(S'id'\ntR.",
    ],
    ids=["cut short", "garbage behind", "garbage behind a call", "hexadecimal", "binary digits"],
)
def test_a_pickle_of_text_that_calls_before_it_breaks_is_named(data: bytes) -> None:
    (found,) = look(data)
    assert found.dangerous == ("os.system",)


def test_a_pickle_of_text_without_imports_is_one() -> None:
    (found,) = look(pickle.dumps([1, 2], 0))
    assert found.says == "is a pickle and imports nothing."


def test_what_is_no_pickle_is_not_taken_for_one(tmp_path: Path) -> None:
    plain = {
        "pipeline.py": b"import os\nclass Model:\n    pass\n",
        "notes.txt": b"cold is not hot.\nNothing here.\n",
        "data.json": b'{"a": [1, 2, 3]}',
        "data.csv": b"income,age\n1,2\n",
        "labels.txt": b"class\nvalue\n",
        "systems.txt": b"windows\nmacos\nlinux\n",
        "places.txt": b"latitude\nlongitude\n",
        "story.txt": b"cold is not hot\nhere\n.",
        "short.txt": b"N.",
        "weights.raw": b"\x80\x99abc",
        "empty": b"",
        "weights.bin": np.linspace(0, 1, 999).tobytes(),
        "model.onnx": b"\x08\x08\x12\x07skl2onnx\x1a\x05",
    }
    folder = tmp_path / "plain"
    folder.mkdir()
    for name, data in plain.items():
        (folder / name).write_bytes(data)
    np.save(folder / "weights.npy", np.arange(10.0))
    np.savez_compressed(folder / "weights.npz", a=np.arange(10.0))
    (tmp_path / "outside.pkl").write_bytes(pickle.dumps(Evil()))
    (folder / "link.pkl").symlink_to(tmp_path / "outside.pkl")
    assert scan_folder(folder) == ()


def test_random_bytes_raise_nothing() -> None:
    chance = np.random.default_rng(7)
    for size in (1, 2, 7, 64, 900):
        for start in (b"", b"\x80\x04", b"PK\x03\x04", b"\x1f\x8b", b"c", b"\x93NUMPY"):
            look(start + chance.bytes(size))
