"""Tar archives whose headers mean harm are bad input."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from vendorkit.adapters.archive import read_archive
from vendorkit.errors import BadInput


def header(size: bytes = b"") -> bytes:
    """A header that says that a long name of a member follows, of 5 bytes or of another size."""
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = b"L", 5
    data = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    if size:
        data[124:136] = size
        data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * ord(" ") + sum(data[156:]))
    return bytes(data)


HOSTILE = {
    "names of names": (header() + b"name".ljust(512, b"\0")) * 3_000,
    "larger than memory": header(b"\x80" + (1 << 60).to_bytes(11, "big")),
    "larger than any size": header(b"\x80" + b"\x7f" * 11),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_headers_without_end_are_bad_input(name: str, tmp_path: Path) -> None:
    (tmp_path / "m1.tar").write_bytes(HOSTILE[name])
    with pytest.raises(BadInput, match="is no whole tar archive: its headers are too long"):
        read_archive(tmp_path / "m1.tar", "pack.json")
