"""Finding one prediction or one deployment in a log, however large it is: ids are in the order of time.

A file's name says which ids it holds, and the statistics of its row groups which of them each has.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from vendorkit.adapters.predictions.rows import JOURNALS, LoggedPrediction, day_folder, deployment_path, parse_id
from vendorkit.errors import BadInput, Fault, Unavailable
from vendorkit.records.deployment import Deployment

_decoder = msgspec.json.Decoder(LoggedPrediction)


def find(folder: Path, prediction_id: str) -> dict[str, Any] | None:
    """One prediction of the log, whichever process wrote it.

    Args:
        folder: The folder of a `PredictionLog`, open or not.
        prediction_id: The id that the service answered with.

    Returns:
        The columns of `LoggedPrediction.to_value`, or None if the log does not have it.

    Raises:
        BadInput: It is not a UUIDv7.
    """
    wanted = parse_id(prediction_id)
    found = _find_in_journals(folder, wanted)
    # A journal is removed after its Parquet file is there: looking in this order misses nothing.
    return found.to_value() if found else _find_rolled(folder, wanted)


def find_deployment(folder: Path, digest: str) -> Deployment | None:
    """The deployment record of a digest, or None.

    Raises:
        BadInput: The file is not a record, or not the one with this digest.
    """
    path = deployment_path(folder, digest)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    deployment = Deployment.parse(data, path.name)
    if deployment.digest != digest:
        raise BadInput("The deployment record was changed.", [Fault(path.name, f"its digest is not {digest}.")])
    return deployment


def _find_in_journals(folder: Path, wanted: str) -> LoggedPrediction | None:
    start = b'{"id":"' + wanted.encode() + b'"'
    for path in sorted((folder / JOURNALS).glob("*.jsonl"), reverse=True):
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                at = text.find(start)
                while at > 0 and text[at - 1] != 0x0A:  # a row may hold such text too; a line starts with it
                    at = text.find(start, at + 1)
                if at >= 0:
                    end = text.find(b"\n", at)
                    return _decoder.decode(text[at:end]) if end > 0 else None
        except (FileNotFoundError, ValueError):  # rolled meanwhile, or empty
            continue
    return None


def _find_rolled(folder: Path, wanted: str) -> dict[str, Any] | None:
    for path in sorted((folder / day_folder(wanted)).glob("*.parquet")):
        first, _, last = path.stem.partition("_")
        if first <= wanted <= last and (row := _find_in_file(path, wanted)):
            return row
    return None


def _find_in_file(path: Path, wanted: str) -> dict[str, Any] | None:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise Unavailable("The prediction log is damaged.", [Fault(os.fspath(path), f"{error}")]) from error
    with file:
        for group in range(file.metadata.num_row_groups):
            ids = file.metadata.row_group(group).column(0).statistics
            if ids is not None and ids.has_min_max and not ids.min <= wanted <= ids.max:
                continue
            place = file.read_row_group(group, columns=["id"]).column("id").index(wanted).as_py()
            if place >= 0:
                row: dict[str, Any] = file.read_row_group(group).slice(place, 1).to_pylist()[0]
                return {**row, "at": row["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    return None
