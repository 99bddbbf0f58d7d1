"""OCI image layouts of other makers, and hostile ones: refused with the place of each fault."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.bundle import list_regular, read_small
from vendorkit.adapters.oci import Described, read_layout, write_layout
from vendorkit.errors import BadInput
from vendorkit.records.bundle import Bundle
from vendorkit.records.canonical import digest_bytes
from vendorkit.records.run import Artifact

DESCRIBED = Described("credit", "1", "2026-10-01T08:00:00Z", ("ml@acme.example",), "binary", "skops", "0" * 40)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A layout of two files and their index."""
    root = tmp_path / "root"
    (root / "release").mkdir(parents=True)
    files = []
    for path in ("README.md", "release/model.bin"):
        (root / path).write_bytes(path.encode())
        files.append(Artifact(path=path, bytes=len(path), digest=digest_bytes(path.encode())))
    bundle = Bundle(
        model="credit",
        version=1,
        engagement="acme",
        release=digest_bytes(b""),
        tags={},
        decisions=(),
        aliases=(),
        files=tuple(files),
    )
    (root / "bundle.json").write_bytes(bundle.to_bytes())
    (root / "SHA256SUMS").write_text(bundle.sums())
    write_layout(root, bundle, DESCRIBED, tmp_path / "layout")
    return tmp_path / "layout"


def read(layout: Path) -> dict[str, Path]:
    return read_layout(list_regular(layout), read_small)


def rewrite(layout: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest and let the index name it."""
    index = json.loads((layout / "index.json").read_text())
    entry = index["manifests"][0]
    old = layout / "blobs/sha256" / entry["digest"][7:]
    manifest = json.loads(old.read_text())
    old.unlink()
    change(manifest)
    data = json.dumps(manifest).encode()
    entry |= {"digest": digest_bytes(data), "size": len(data)}
    (layout / "blobs/sha256" / entry["digest"][7:]).write_bytes(data)
    (layout / "index.json").write_text(json.dumps(index))


def test_the_files_come_back_by_their_paths(layout: Path) -> None:
    places = read(layout)
    assert sorted(places) == ["README.md", "SHA256SUMS", "bundle.json", "release/model.bin"]
    assert places["release/model.bin"].read_bytes() == b"release/model.bin"


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../b"])
def test_a_layer_cannot_lead_out(layout: Path, path: str) -> None:
    rewrite(layout, lambda value: value["layers"][0]["annotations"].update({"org.cncf.model.filepath": path}))
    with pytest.raises(BadInput) as caught:
        read(layout)
    assert caught.value.faults[0].where == path


def test_archives_and_other_artifacts_are_refused(layout: Path) -> None:
    rewrite(layout, lambda value: value["layers"][0].update(mediaType="application/vnd.cncf.model.weight.v1.tar+gzip"))
    rewrite(layout, lambda value: value.update(artifactType="application/vnd.other"))
    with pytest.raises(BadInput) as caught:
        read(layout)
    says = [fault.says for fault in caught.value.faults]
    assert any("tar+gzip" in text and "one raw file" in text for text in says)
    assert any("application/vnd.other" in text for text in says)


def test_a_layer_without_a_path_and_one_of_another_size_are_told(layout: Path) -> None:
    rewrite(layout, lambda value: (value["layers"][0].pop("annotations"), value["layers"][1].update(size=1)))
    with pytest.raises(BadInput) as caught:
        read(layout)
    says = [fault.says for fault in caught.value.faults]
    assert any("has no annotation org.cncf.model.filepath" in text for text in says)
    assert any("bytes long; its descriptor says 1." in text for text in says)
    assert all(fault.where.startswith("blobs/sha256/") for fault in caught.value.faults)


def test_two_layers_of_one_path_are_refused(layout: Path) -> None:
    rewrite(layout, lambda value: value["layers"].append(value["layers"][0]))
    with pytest.raises(BadInput, match="is there twice"):
        read(layout)


def test_blobs_that_nobody_names_and_absent_ones_are_told(layout: Path) -> None:
    (layout / "blobs/sha256" / ("0" * 64)).write_bytes(b"more")
    gone = without(layout, "release/model.bin")
    with pytest.raises(BadInput) as caught:
        read(layout)
    told = {fault.where: fault.says for fault in caught.value.faults}
    assert told[f"blobs/sha256/{'0' * 64}"] == "is not part of the artifact."
    assert told[gone] == "is missing."


def without(layout: Path, path: str) -> str:
    """Remove the blob of a file; gives its place."""
    place = f"blobs/sha256/{digest_bytes(path.encode())[7:]}"
    (layout / place).unlink()
    return place


def test_an_index_of_several_artifacts_is_refused(layout: Path) -> None:
    index = json.loads((layout / "index.json").read_text())
    index["manifests"] *= 2
    (layout / "index.json").write_text(json.dumps(index))
    with pytest.raises(BadInput, match="expected exactly one"):
        read(layout)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"manifests": [{"digest": "md5:1"}]}', '{"manifests": 3}'])
def test_an_index_of_another_shape_is_refused(layout: Path, text: str) -> None:
    (layout / "index.json").write_text(text)
    with pytest.raises(BadInput):
        read(layout)


def test_a_link_in_a_layout_is_refused(layout: Path, tmp_path: Path) -> None:
    shutil.move(layout / "index.json", tmp_path / "index.json")
    (layout / "index.json").symlink_to(tmp_path / "index.json")
    with pytest.raises(BadInput, match="is a link"):
        read(layout)
