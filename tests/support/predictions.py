"""Prediction logs of any size, made as the service leaves them: Parquet by day, in the order of UUIDv7 ids."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
from vendorkit.adapters.predictions import SCHEMA, write_rows
from vendorkit.records.deployment import Deployment

ROWS_PER_FILE = 100_000
ROWS_PER_DAY = 10_000_000
FIRST_MS = 1_767_225_600_000
"""2026-01-01, in milliseconds since 1970."""
_HEX = np.array([[ord(sign) for sign in f"{byte:02x}"] for byte in range(256)], dtype=np.uint8)
_HYPHENS = (8, 13, 18, 23)


def make_log(folder: Path, rows: int, deployment: Deployment, *, rows_per_day: int = ROWS_PER_DAY) -> list[str]:
    """Write a log; gives one id of every file, oldest first.

    Args:
        folder: The log of one model; gets a folder for each day and the record of the deployment.
        rows: A multiple of 100,000.
        deployment: What all rows were answered by.
        rows_per_day: How busy the service was.
    """
    (folder / "deployments").mkdir(parents=True)
    name = f"{deployment.digest.partition(':')[2]}.json"
    (folder / "deployments" / name).write_bytes(deployment.to_bytes())
    chance = np.random.default_rng(20260901)
    known = []
    for start in range(0, rows, ROWS_PER_FILE):
        times = FIRST_MS + ((start + np.arange(ROWS_PER_FILE)) * (86_400_000 / rows_per_day)).astype("int64")
        ids = _ids(times, chance)
        write_rows(folder, _rows(ids, times, deployment))
        known.append(ids[int(chance.integers(ROWS_PER_FILE))].as_py())
    return known


def link_log(source: Path, folder: Path, files: int) -> None:
    """A log that is the oldest files of another one, without a copy."""
    for path in [*sorted(source.glob("date=*/*.parquet"))[:files], *source.glob("deployments/*")]:
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)


def _ids(times: np.ndarray, chance: np.random.Generator) -> pa.Array:
    """UUIDv7 as text: 48 bits of milliseconds, version, 74 random bits, variant."""
    raw = chance.integers(0, 256, (len(times), 16), dtype=np.uint8)
    raw[:, :6] = times.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    raw[:, 6] = raw[:, 6] & 0x0F | 0x70
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = np.insert(_HEX[raw].reshape(len(times), 32), [8, 12, 16, 20], ord("-"), axis=1)
    ends = np.arange(len(times) + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(len(times), pa.py_buffer(ends.tobytes()), pa.py_buffer(text.tobytes()))


def _rows(ids: pa.Array, times: np.ndarray, deployment: Deployment) -> pa.Table:
    count = len(ids)
    same = {
        "model": deployment.model,
        "deployment": deployment.digest,
        "row": '{"duration_in_month":24,"credit_amount":3000}',
        "output": '{"score":0.25}',
        "warnings": "[]",
    }
    columns = {name: pa.array([text]).take(pa.array(np.zeros(count, "int64"))) for name, text in same.items()}
    columns |= {
        "id": ids,
        "at": pa.array(times, pa.timestamp("ms", "UTC")),
        "version": pa.array(np.full(count, deployment.version)),
        "as_of": pa.nulls(count, pa.string()),
        "score": pa.array(np.linspace(0, 1, count)),
    }
    return pa.table({name: columns[name] for name in SCHEMA.names}).cast(SCHEMA)
