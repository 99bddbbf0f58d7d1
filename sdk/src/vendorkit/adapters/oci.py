"""OCI image layouts by the CNCF ModelPack specification, which any container registry holds and `skopeo` copies.

Each file of a bundle is one layer as it is (`raw`), so that a layer has the digest that the release record names. A
layout of other makers is read only as far as its layers are such files.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vendorkit.errors import BadInput, Fault
from vendorkit.records.base import Digest, key_path
from vendorkit.records.bundle import BUNDLE_FILE, MOST_FILES, SUMS_FILE, Bundle, path_faults
from vendorkit.records.canonical import digest_bytes, load_json, to_canonical

LAYOUT_FILE = "oci-layout"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MODEL_TYPE = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json"
FILE_PATH = "org.cncf.model.filepath"
OWN = "org.vendorkit."
Parsed = TypeVar("Parsed", bound=BaseModel)
_LAYER_TYPE = re.compile(r"application/vnd\.cncf\.model\.(weight|weight\.config|doc|code|dataset)\.v1\.raw")


@dataclass(frozen=True)
class Described:
    """What a model artifact says of itself, in the words of ModelPack's config.

    Args:
        annotations: Ours, put on the manifest below `org.vendorkit.`.
    """

    name: str
    version: str
    created_at: str
    authors: tuple[str, ...]
    family: str
    format: str
    revision: str
    annotations: Mapping[str, str] = field(default_factory=dict)


class _Part(BaseModel):
    """A part of what OCI describes; fields that we do not need are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Descriptor(_Part):
    mediaType: str  # noqa: N815  (OCI's own names)
    digest: Digest
    size: int
    annotations: dict[str, str] = {}


class _Index(_Part):
    manifests: list[_Descriptor]


class _Manifest(_Part):
    artifactType: str = ""  # noqa: N815
    config: _Descriptor
    layers: Annotated[list[_Descriptor], Field(max_length=MOST_FILES)]


def write_layout(root: Path, bundle: Bundle, described: Described, target: Path) -> str:
    """Write a bundle as an OCI image layout; gives the digest of its manifest.

    Args:
        root: The bundle as a folder, on the same disk: its files are linked where that can be done.
        bundle: Its index.
        described: What it is.
        target: Folder that does not exist yet.
    """
    blobs = target / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    own = [(name, (root / name).read_bytes()) for name in (BUNDLE_FILE, SUMS_FILE)]
    files = [(file.path, file.bytes, file.digest) for file in bundle.files]
    files += [(name, len(data), digest_bytes(data)) for name, data in own]
    layers = []
    for path, size, digest in sorted(files):
        blob = blobs / digest.removeprefix("sha256:")
        if not blob.exists():
            _link(root / path, blob)
        layers.append({**_descriptor(_layer_type(path), size, digest), "annotations": {FILE_PATH: path}})
    config = _put(blobs, CONFIG_TYPE, _config(described, [layer["digest"] for layer in layers]))
    annotations = {f"{OWN}{name}": text for name, text in described.annotations.items()}
    annotations |= {
        "org.opencontainers.image.created": described.created_at,
        "org.opencontainers.image.title": described.name,
        "org.opencontainers.image.version": described.version,
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": MODEL_TYPE,
        "config": config,
        "layers": layers,
        "annotations": annotations,
    }
    entry = _put(blobs, MANIFEST_TYPE, manifest)
    entry |= {"artifactType": MODEL_TYPE, "annotations": {"org.opencontainers.image.ref.name": described.version}}
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}
    (target / "index.json").write_bytes(to_canonical(index))
    (target / LAYOUT_FILE).write_bytes(LAYOUT)
    return str(entry["digest"])


def _config(described: Described, layers: list[str]) -> dict[str, Any]:
    descriptor = {
        "name": described.name,
        "version": described.version,
        "createdAt": described.created_at,
        "authors": list(described.authors),
        "family": described.family,
        "revision": described.revision,
    }
    config = {"format": described.format}
    return {"descriptor": descriptor, "config": config, "modelfs": {"type": "layers", "diffIds": layers}}


def _layer_type(path: str) -> str:
    """The kind of layer that a file of a bundle is."""
    kind = "doc"
    if path.startswith("release/model/code/"):
        kind = "code"
    elif path.startswith("release/model/"):
        described = path.removeprefix("release/model/") in ("MLmodel", "requirements.txt", "run.json")
        kind = "weight.config" if described else "weight"
    elif path.startswith("release/records/snapshots/"):
        kind = "dataset"
    return f"application/vnd.cncf.model.{kind}.v1.raw"


def _descriptor(media_type: str, size: int, digest: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _put(blobs: Path, media_type: str, value: dict[str, Any]) -> dict[str, Any]:
    data = to_canonical(value)
    digest = digest_bytes(data)
    (blobs / digest.removeprefix("sha256:")).write_bytes(data)
    return _descriptor(media_type, len(data), digest)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def is_layout(found: Mapping[str, Path]) -> bool:
    """Whether the files of a folder are an OCI image layout."""
    return LAYOUT_FILE in found and "index.json" in found


def read_layout(found: Mapping[str, Path], read: Callable[[Path, str], bytes]) -> dict[str, Path]:
    """Where the files of the bundle in an OCI image layout lie, by their path in the bundle. Layers are not hashed.

    Args:
        found: The files of the layout by path.
        read: Reads a small file, named by its path.

    Raises:
        BadInput: It is not one artifact of raw layers, or there are other files: all is named.
    """
    index = _parse(_Index, read(found["index.json"], "index.json"), "index.json")
    if [entry.mediaType for entry in index.manifests] != [MANIFEST_TYPE]:
        raise _unfit([Fault("index.json: manifests", f"expected exactly one {MANIFEST_TYPE}.")])
    entry = index.manifests[0]
    manifest = _parse(_Manifest, _blob(found, entry, read), _place(entry))
    _blob(found, manifest.config, read)
    faults = []
    if manifest.artifactType != MODEL_TYPE:
        faults.append(Fault("artifactType", f"is {manifest.artifactType!r}, expected {MODEL_TYPE!r}."))
    faults += [fault for layer in manifest.layers for fault in _layer_faults(layer, found.get(_place(layer)))]
    paths = [layer.annotations.get(FILE_PATH, "") for layer in manifest.layers]
    faults += path_faults(path for path in paths if path)
    listed = {LAYOUT_FILE, "index.json", *map(_place, (entry, manifest.config, *manifest.layers))}
    faults += [Fault(path, "is not part of the artifact.") for path in sorted(found.keys() - listed)]
    faults += [Fault(path, "is missing.") for path in sorted(listed - found.keys())]
    if faults:
        raise _unfit(faults)
    return {path: found[_place(layer)] for path, layer in zip(paths, manifest.layers, strict=True)}


def _layer_faults(layer: _Descriptor, blob: Path | None) -> Iterator[Fault]:
    """What keeps a layer from being a file of a bundle; its content is hashed when it is copied."""
    place = _place(layer)
    if not _LAYER_TYPE.fullmatch(layer.mediaType):
        yield Fault(place, f"is {layer.mediaType!r}; expected a ModelPack layer that is one raw file.")
    if not layer.annotations.get(FILE_PATH):
        yield Fault(place, f"has no annotation {FILE_PATH}, which says the path of its file.")
    if blob and blob.stat().st_size != layer.size:
        yield Fault(place, f"is {blob.stat().st_size} bytes long; its descriptor says {layer.size}.")


def _blob(found: Mapping[str, Path], entry: _Descriptor, read: Callable[[Path, str], bytes]) -> bytes:
    """A small blob, verified."""
    place = _place(entry)
    if place not in found:
        raise _unfit([Fault(place, "is missing.")])
    data = read(found[place], place)
    if (len(data), digest_bytes(data)) != (entry.size, entry.digest):
        raise _unfit([Fault(place, f"is {digest_bytes(data)}, not what its name says.")])
    return data


def _place(entry: _Descriptor) -> str:
    return f"blobs/sha256/{entry.digest.removeprefix('sha256:')}"


def _parse(kind: type[Parsed], data: bytes, where: str) -> Parsed:
    try:
        return kind.model_validate(load_json(data, where))
    except ValidationError as error:
        faults = [Fault(f"{where}: {key_path(fault['loc'])}", f"{fault['msg']}.") for fault in error.errors()]
        raise _unfit(faults) from error


def _unfit(faults: Sequence[Fault]) -> BadInput:
    return BadInput("The OCI image layout cannot be read.", faults)
