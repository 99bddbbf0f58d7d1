"""Names what a file would import if it were unpickled, without unpickling it.

Reads the opcodes of pickles (all protocols, several in a row, joblib's with arrays between), also inside zip archives
(PyTorch, `.npz`), NumPy object arrays and compressed files. Nothing is built, imported or called. Whether a pickle may
be used at all is for who asks; that none is found is no proof that a file is harmless.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickletools
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from pickletools import markobject

MOST_BYTES = 1 << 30
"""Content beyond this is not looked at, and said to be too large."""
MOST_IN_A_ROW = 10_000
"""So many pickles in a file are read one by one; what comes after is searched only."""
MOST_UNPACKED = 4 << 30
"""Bytes that one file may unpack to in all: a zip may name the same zeros thousands of times."""
DEEPEST = 4
"""Containers within containers."""

DANGEROUS = frozenset("""
__builtin__ _posixsubprocess asyncio bdb builtins cProfile code codeop commands copyreg ctypes distutils doctest
ensurepip functools http idlelib imaplib importlib inspect io ipaddress linecache lib2to3 logging marshal
multiprocessing nt operator os pathlib pdb pickle pip pkgutil platform posix posixpath profile pty pydoc requests runpy
shlex shutil signal site smtplib socket ssl subprocess sys tempfile test timeit torch.hub trace types urllib uuid venv
warnings webbrowser xmlrpc zipimport
""".split())  # fmt: skip  # noqa: SIM905
"""Modules that no model needs when it is loaded, and that run, write, call out or reach further."""
HARMLESS = frozenset({("builtins", "set"), ("builtins", "frozenset"), ("builtins", "bytearray"), ("builtins", "slice"),
                      ("builtins", "complex"), ("builtins", "range"), ("copyreg", "_reconstructor"),
                      ("builtins", "object"), ("__builtin__", "set"), ("__builtin__", "object")})  # fmt: skip

_STRINGS = ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_WORD = re.compile(r"[A-Za-z_][\w.]*\Z")
_TEXT_GLOBAL = re.compile(rb"[ci]([A-Za-z_][\w.]{0,200})\n([A-Za-z_][\w.]{0,200})\n")
_OTHER_BASE = re.compile(rb"([IL])0[xXbBoO][0-9a-fA-F_]+(L?\n)")
"""A number that unpickling takes and the reader of opcodes does not."""
_FIRST = tuple(bytes([code]) for code in b"()]}NILFSTUVXKJMGcCB\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x96")
"""Opcodes that a pickle can begin with; what begins otherwise, as models stored as text do, is not searched."""
_STACK_GLOBAL = re.compile(
    rb"\x8c[\x01-\xff]([A-Za-z_][\w.]{0,200})\x94?\x8c[\x01-\xff]([A-Za-z_][\w.]{0,200})\x94?\x93"
)
_COMPRESSED: dict[bytes, Callable[[io.BytesIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x5d\x00\x00": lzma.LZMAFile,
}


@dataclass(frozen=True)
class Pickled:
    """A pickle that was found.

    Args:
        where: The file, and after `!` the member of the archive that it is.
        imports: What it would import, as `module.name`, sorted, the dangerous ones first.
        dangerous: Those of them that run, write, call out or reach further.
        whole: Whether it could be read to its end; what could not may import more.
    """

    where: str
    imports: tuple[str, ...]
    dangerous: tuple[str, ...]
    whole: bool

    @property
    def says(self) -> str:
        """What it is, in one sentence."""
        named = f"imports {', '.join(self.imports)}" if self.imports else "imports nothing"
        warns = f"; dangerous: {', '.join(self.dangerous)}" if self.dangerous else ""
        return f"is a pickle and {named}{warns}{'' if self.whole else '; it cannot be read to its end'}."


def scan_folder(folder: Path) -> tuple[Pickled, ...]:
    """Every pickle in the files below a folder. Links are not followed."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return tuple(found for path in paths for found in scan(path, path.relative_to(folder).as_posix()))


def scan(path: Path, where: str) -> tuple[Pickled, ...]:
    """Every pickle in a file, and in what it contains.

    Args:
        path: The file.
        where: How it is named in the answer.
    """
    if path.stat().st_size > MOST_BYTES:
        return (Pickled(f"{where} (too large to be looked at)", (), (), whole=False),)
    return tuple(_scan(path.read_bytes(), where, DEEPEST, [MOST_UNPACKED]))


def _scan(data: bytes, where: str, deep: int, left: list[int]) -> Iterator[Pickled]:
    """Every pickle in some bytes; `left` is how many more may be unpacked of the file that they come from."""
    if deep and zipfile.is_zipfile(io.BytesIO(data)):
        yield from _zip(data, where, deep, left)
    if data.startswith(b"\x93NUMPY"):
        end = data.find(b"\n")
        if b"|O" in data[: end + 1]:
            yield _pickle(data[end + 1 :], where) or Pickled(where, (), (), whole=False)
        return
    if deep and (unpacked := _unpacked(data)):
        left[0] -= len(unpacked)
        yield from _scan(unpacked, where, deep - 1, left)
    found = _pickle(data, where)
    if found:
        yield found


def _zip(data: bytes, where: str, deep: int, left: list[int]) -> Iterator[Pickled]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                left[0] -= min(member.file_size, MOST_BYTES)
                if left[0] < 0:
                    yield Pickled(f"{where} (unpacks to more than is looked at)", (), (), whole=False)
                    return
                with archive.open(member) as file:
                    yield from _scan(file.read(MOST_BYTES), f"{where}!{member.filename}", deep - 1, left)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError):
        yield Pickled(f"{where} (a zip archive that cannot be read)", (), (), whole=False)


def _unpacked(data: bytes) -> bytes:
    """What a compressed file holds, as far as it can be read; nothing of other files.

    Whoever unpickles stops where the pickle ends, and does not see that the file is cut short or spoiled behind it.
    """
    read = bytearray()
    with suppress(OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
        for part in _unpacked_parts(data):
            read += part
            if len(read) >= MOST_BYTES:
                break
    return bytes(read)


def _unpacked_parts(data: bytes) -> Iterator[bytes]:
    if data.startswith(b"\x78"):
        stream = zlib.decompressobj()
        yield from (stream.decompress(data[at : at + 1024]) for at in range(0, len(data), 1024))
    opener = next((each for magic, each in _COMPRESSED.items() if data.startswith(magic)), None)
    if opener is not None:
        file = opener(io.BytesIO(data))
        while part := file.read1(1 << 20):  # `read` would lose what came before an error
            yield part


def _pickle(data: bytes, where: str) -> Pickled | None:
    """What lies at the beginning of some bytes, if it is a pickle."""
    binary = data[:1] == b"\x80" and data[1:2] <= b"\x05"
    if not binary and data[:1] in _FIRST:
        data = _OTHER_BASE.sub(rb"\g<1>1\g<2>", data)
    seen: set[tuple[str, str]] = set()
    stream, place, whole, count = io.BytesIO(data), 0, False, 0
    while place < len(data):
        stream.seek(place)
        ended = _one(stream, seen) if count < MOST_IN_A_ROW else None
        if ended is None:
            whole = False
            break
        place, whole, count = ended, True, count + 1
    if not binary and not seen and not (whole and place == len(data) and data.endswith(b".")):
        return None
    if not binary and not whole and not any(_is_dangerous(*pair) for pair in seen):
        return None  # words of a text may read as opcodes: `class` above `value` as an import of lass.value
    if not whole and binary:  # arrays between the opcodes, or cut short: what looks like an import counts as one
        rest = [*_TEXT_GLOBAL.findall(data[place:]), *_STACK_GLOBAL.findall(data[place:])]
        seen |= {(module.decode("ascii"), name.decode("ascii")) for module, name in rest}
    elif not binary and not seen and len(data) < 3:
        return None
    bad = {pair for pair in seen if _is_dangerous(*pair)}
    ordered = [*sorted(bad), *sorted(seen - bad)]
    return Pickled(where, tuple(map(".".join, ordered)), tuple(map(".".join, sorted(bad))), whole=whole)


def _is_dangerous(module: str, name: str) -> bool:
    if (module, name) in HARMLESS:
        return False
    parts, way = module.split("."), name.split(".")[:-1]  # a name with points reaches through what lies in a module
    return (
        any(".".join(parts[:count]) in DANGEROUS for count in range(1, len(parts) + 1))
        or not DANGEROUS.isdisjoint(way)
        or "?" in (module, name)
    )


def _one(stream: io.BytesIO, seen: set[tuple[str, str]]) -> int | None:
    """Collect the imports of one pickle; gives where it ends, None where it cannot be read to its end."""
    stack: list[object] = []
    memo: dict[int, object] = {}
    try:
        for opcode, argument, place in pickletools.genops(stream):
            if opcode.name in ("GLOBAL", "INST"):
                module, _, name = str(argument).partition(" ")
                if not (_WORD.match(module) and _WORD.match(name)):
                    return None
                seen.add((module, name))
            elif opcode.name == "STACK_GLOBAL":
                pair = [text if text and isinstance(text, str) else "?" for text in [None, None, *stack][-2:]]
                seen.add((pair[0], pair[1]))
            elif opcode.name.startswith("EXT"):
                seen.add(("?", f"extension-{argument}"))
            elif opcode.name == "STOP":
                return (place or 0) + 1
            _follow(opcode, argument, stack, memo)
    except Exception:  # noqa: BLE001  (whatever hostile bytes make the reader raise: it ends there)
        return None
    return None


def _follow(opcode: pickletools.OpcodeInfo, argument: object, stack: list[object], memo: dict[int, object]) -> None:
    """What an opcode does to stack and memo, of which texts and marks are known; all else is None."""
    name, top, taken = opcode.name, stack[-1] if stack else None, list(opcode.stack_before)
    if markobject in taken or (name == "POP" and top is markobject):
        while stack.pop() is not markobject:
            pass
        taken = taken[: taken.index(markobject)] if name != "POP" else []
    if taken:
        del stack[-len(taken) :]
    if name == "MARK":
        stack.append(markobject)
    elif name in _STRINGS:
        stack.append(str(argument))
    elif name == "DUP":
        stack += [top, top]
    elif name == "MEMOIZE":
        memo[len(memo)] = top
        stack.append(top)
    elif "PUT" in name and isinstance(argument, int):
        memo[argument] = top
    elif "GET" in name and isinstance(argument, int):
        stack.append(memo.get(argument))
    else:
        stack += [None] * len(opcode.stack_after)
