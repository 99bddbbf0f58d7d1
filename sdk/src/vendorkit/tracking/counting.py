"""What is counted of data: violations of its contract, missing values, age, labels, and rows that leak.

Tables are read in batches, and counts are added up, so that memory does not grow with them; only hashes of rows and
keys that must be found again take 8 bytes each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.adapters.tables import batch_frame, frozen_batches
from vendorkit.errors import BadInput
from vendorkit.records.data_contract import read_rules
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.batches import prepared_batches
from vendorkit.tracking.contract_counting import ContractCount, cell
from vendorkit.tracking.hashes import among, row_hashes, sorted_hashes
from vendorkit.tracking.subject import Measuring

DAY_SECONDS = 86_400
NAMED_ROWS = 3


def data(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """One figure of the data of a benchmark, or of all datasets of the model."""
    counts = COUNTS[str(given["metric"])](measuring, given)
    cells = counts.pop("cells", [])
    return {**counts, "cells": cells, "values": {str(given["metric"]): counts.pop("value")}}


def _tables(measuring: Measuring, given: dict[str, Any]) -> dict[str, Snapshot]:
    """The tables that are asked about: the benchmark, or every dataset."""
    texts = given.get("benchmark") or measuring.subject.datasets
    return {name: Snapshot.parse(text, name) for name, text in texts.items()}


def _batches(measuring: Measuring, snapshot: Snapshot) -> Iterator[pd.DataFrame]:
    """The rows of a table, verified when the last of them was read."""
    for batch in frozen_batches(snapshot, Path(measuring.subject.base)):
        yield batch_frame(batch, snapshot)


def _contract_violations(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    cells: list[dict[str, Any]] = []
    notes: list[str] = []
    rows = 0
    for name, snapshot in _tables(measuring, given).items():
        contract = given["contracts"].get(name)
        if contract is None:
            raise BadInput(f"dataset {name} has no data contract that can be read.")
        rules = read_rules(contract["text"].encode(), name, contract["path"])
        count = ContractCount(rules, _names(snapshot))
        for frame in _batches(measuring, snapshot):
            count.add(frame)
            rows += len(frame)
        cells += [{**each, "name": f"{name}: {each['name']}"} for each in count.cells()]
        notes += [f"Not counted, another tool must judge it: {name}, {rule}" for rule in rules.not_counted]
    broken = sum(each["value"] for each in cells)
    worst = [each["name"] for each in cells if each["value"]]
    says = f"Broken: {', '.join(worst[:5])}{', ...' if len(worst) > 5 else ''}." if worst else ""
    return {"value": broken, "n": rows, "says": says, "cells": cells, "notes": notes}


def _names(snapshot: Snapshot) -> list[str]:
    return [column.name for column in snapshot.columns]


def _missing_share(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    cells, least = [], []
    for table, snapshot in _tables(measuring, given).items():
        names = _columns(snapshot, given) or _names(snapshot)
        missing, n = np.zeros(len(names), dtype=np.int64), 0
        for frame in _batches(measuring, snapshot):
            missing += frame[names].isna().sum().to_numpy()
            n += len(frame)
        cells += [cell(f"{table}: {name}", count / n, n) for name, count in zip(names, missing.tolist(), strict=True)]
        least.append(n)
    worst = max(cells, key=lambda each: each["value"])
    says = f"The worst is {worst['name']}." if worst["value"] else ""
    return {"value": worst["value"], "n": min(least), "says": says, "cells": cells}


def _columns(snapshot: Snapshot, given: dict[str, Any]) -> list[str]:
    """The columns that the gate names.

    Raises:
        BadInput: They are not there.
    """
    names, there = list(given.get("columns") or []), _names(snapshot)
    absent = [name for name in names if name not in there]
    if absent:
        raise BadInput(f"there is no column {', '.join(absent)}; there are: {', '.join(there)}.")
    return names


def _age_days(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    tables = _tables(measuring, given)
    times, least = [], []
    for snapshot in tables.values():
        newest, n = _newest(measuring, snapshot, given)
        times.append(newest if given.get("columns") else pd.Timestamp(snapshot.taken_at))
        least.append(n)
    age = (datetime.now(UTC) - min(times).to_pydatetime()).total_seconds()
    return {"value": age / DAY_SECONDS, "n": min(least)}


def _newest(measuring: Measuring, snapshot: Snapshot, given: dict[str, Any]) -> tuple[Any, int]:
    """The newest time of the column that the gate names, where it does, and the number of rows."""
    newest, n = [], 0
    named = _columns(snapshot, given)
    for frame in _batches(measuring, snapshot):
        n += len(frame)
        newest += [_times(frame, named).max()] if named else []
    return max((time for time in newest if not pd.isna(time)), default=pd.NaT), n


def _times(frame: pd.DataFrame, named: list[str]) -> Any:
    """The one time column that the gate names, in UTC, without missing values."""
    (name,) = named or [""]
    if not pd.api.types.is_datetime64_any_dtype(frame[name]):
        raise BadInput(f"column {name} is of type {frame[name].dtype}; expected a date or a time.")
    return pd.to_datetime(frame[name], utc=True).dropna()


def _rows(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    tables = _tables(measuring, given).values()
    least = min(sum(len(frame) for frame in _batches(measuring, snapshot)) for snapshot in tables)
    return {"value": least, "n": least}


def _labels(measuring: Measuring, given: dict[str, Any]) -> Iterator[pd.Series[Any]]:
    column = measuring.subject.label
    benchmark = given.get("benchmark")
    frames = prepared_batches(measuring, benchmark) if benchmark else iter([measuring.prepared()])
    for frame in frames:
        if column is None or column not in frame:
            raise BadInput(f"the prepared table has no label{f' {column}' if column else ''}.")
        yield frame[column]


def _label_share(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    counts = [(int(labels.notna().sum()), len(labels)) for labels in _labels(measuring, given)]
    n = sum(rows for _, rows in counts)
    return {"value": sum(there for there, _ in counts) / n, "n": n}


def _label_balance(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    if measuring.subject.task == "multiclass":
        return _rarest(measuring, given)
    ones, n = 0.0, 0
    for labels in _labels(measuring, given):
        there = labels.dropna()
        strange = sorted({str(value) for value in there.unique() if value not in (0, 1)})
        if strange:
            raise BadInput(f"the label holds {', '.join(strange[:5])}; its balance is known for 0 and 1 only.")
        ones, n = ones + float(there.sum()), n + len(there)
    return {"value": ones / n if n else float("nan"), "n": n}


def _rarest(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """The share of the class with the fewest rows, with those of all."""
    counts: Counter[str] = Counter()
    for labels in _labels(measuring, given):
        counts.update(labels.dropna().astype(str).tolist())
    n = counts.total()
    cells = [cell(name, count / n, n) for name, count in sorted(counts.items())]
    least = min(counts, key=lambda name: (counts[name], name), default="")
    says = f"The rarest class is {least}, with {counts[least]:,} rows." if counts else ""
    return {"value": counts[least] / n if n else float("nan"), "n": n, "says": says, "cells": cells}


def _shared(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """Rows of the benchmark whose values (of the key, or of all columns) stand in the training data."""
    held, trained = _both(measuring, given)
    columns = _columns(held, given) or _names(held)
    if _names(trained) != _names(held) and not given.get("columns"):
        raise BadInput(f"the benchmark has other columns than {trained.dataset}; name the columns of a key.")
    _columns(trained, given)
    known = sorted_hashes(row_hashes(each[columns]) for each in _batches(measuring, trained))
    count, n, named = 0, 0, list[str]()
    for frame in _batches(measuring, held):
        hashes = row_hashes(frame[columns])
        shared = among(hashes, known)
        named += [str(n + int(at) + 1) for at in np.flatnonzero(shared)[: NAMED_ROWS - len(named)]]
        count, n = count + int(shared.sum()), n + len(frame)
    says = f"They are {'rows' if len(named) > 1 else 'row'} {', '.join(named)} of the benchmark." if named else ""
    return {"value": count, "n": n, "says": says}


def _time_overlap(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    held, trained = _both(measuring, given)
    named = _columns(held, given)
    newest, _ = _newest(measuring, trained, given)
    count, n = 0, 0
    for frame in _batches(measuring, held):
        count, n = count + int((_times(frame, named) <= newest).sum()), n + len(frame)
    return {"value": count, "n": n}


def _both(measuring: Measuring, given: dict[str, Any]) -> tuple[Snapshot, Snapshot]:
    """The benchmark, and the training data that it stands in for."""
    ((name, text),) = given["benchmark"].items()
    return Snapshot.parse(text, name), Snapshot.parse(measuring.subject.datasets[name], name)


COUNTS: dict[str, Callable[[Measuring, dict[str, Any]], dict[str, Any]]] = {
    "contract_violations": _contract_violations,
    "missing_share": _missing_share,
    "age_days": _age_days,
    "rows": _rows,
    "label_share": _label_share,
    "label_balance": _label_balance,
    "shared_rows": _shared,
    "shared_keys": _shared,
    "time_overlap": _time_overlap,
}
