"""How long the whole service takes to answer: started for one measurement, asked over one connection of this machine.

What it serves with is the real application; it lives in a layer above, so it is started as a program.
"""

from __future__ import annotations

import http.client
import json
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from vendorkit.errors import BadInput
from vendorkit.records.contract import Contract
from vendorkit.tracking.golden import TYPES
from vendorkit.tracking.measurement import last_words

PROGRAM = "vendorkit.service.trial"
START_SECONDS = 120
"""A service that is not warm by then does not start."""
ANSWER_SECONDS = 60
"""Longer than the service lets a prediction take before it answers that it took too long."""
SHOWN = 300
"""Characters of a refusal that are told."""


@dataclass(frozen=True)
class Request:
    """A request to predict.

    Args:
        where: Which rows of the benchmark it asks about.
        body: Its body.
    """

    where: str
    body: bytes


@contextmanager
def service(folder: Path) -> Iterator[Callable[[Request], None]]:
    """Start the service of a job's folder; gives what asks it.

    Raises:
        BadInput: It does not start; or, when asked, it does not answer or answers with anything but predictions.
    """
    said = folder / "service.txt"
    command = [sys.executable, "-m", PROGRAM, str(folder)]
    with (
        said.open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            connection = http.client.HTTPConnection(_address(process, said), timeout=ANSWER_SECONDS)
            yield lambda request: _ask(connection, request)
            connection.close()
        finally:
            process.kill()  # nothing of it is kept


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    """Host and port, once it is warm."""
    announced = process.stdout
    if announced is None or not select.select([announced], [], [], START_SECONDS)[0]:
        raise BadInput(f"the service was not ready {START_SECONDS} s after its start: {last_words(said)}")
    line = announced.readline()
    if not line:
        raise BadInput(f"the service did not start: {last_words(said)}")
    return urlsplit(line.decode().strip()).netloc


def _ask(connection: http.client.HTTPConnection, request: Request) -> None:
    try:
        connection.request("POST", "/v1/predict", request.body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise BadInput(f"the service gave no answer to {request.where}: {type(error).__name__}: {error}") from error
    if answer.status != http.client.OK:
        raise BadInput(f"the service answered {answer.status} to {request.where}: {_why(text)}")


def _why(text: bytes) -> str:
    """What a problem document says, in one line."""
    try:
        problem = json.loads(text)
        faults = [f"{fault.get('path', '')}: {fault.get('says', '')}" for fault in problem.get("errors", [])]
        said = "; ".join([str(problem.get("detail") or problem.get("title") or ""), *faults[:3]])
    except (ValueError, AttributeError):
        said = text.decode(errors="replace")
    return said[:SHOWN] or "nothing"


def requests(rows: pd.DataFrame, size: int, number: int, contract: Contract) -> list[Request]:
    """Requests for so many rows each, from the first row on and round again.

    Args:
        rows: Rows of features, shape `(n_rows, n_features)`.
        size: Rows of a request.
        number: How many requests.
        contract: The types of the fields; a missing value is null.
    """
    values = _rows(rows, contract)
    found = []
    for first in range(number):
        asked = [values[at % len(values)] for at in range(first, first + size)]
        where = f"row {first % len(values) + 1}" + (f" and the {size - 1} after it" if size > 1 else "")
        found.append(Request(f"{where} of the benchmark", json.dumps({"rows": asked}).encode()))
    return found


def _rows(call: pd.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    columns = {
        field.name: [None if pd.isna(value) else TYPES[field.type](value) for value in call[field.name].tolist()]
        for field in contract.fields
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
