"""The datasheet of a dataset: the questions of Gebru et al., filled from snapshot, data contract and manifest.

Timnit Gebru et al., Datasheets for Datasets, Communications of the ACM 64(12), 2021, https://doi.org/10.1145/3458723.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from vendorkit.documents.blocks import Block, Table, Text, Written, filled
from vendorkit.errors import BadInput
from vendorkit.records.document_format import FormatSection
from vendorkit.records.dossier import Dossier
from vendorkit.records.manifest import Dataset
from vendorkit.records.snapshot import Snapshot
from vendorkit.records.yaml_text import read_yaml


@dataclass(frozen=True)
class _Data:
    """One dataset, with what its data contract (ODCS) says; empty where there is none that can be read."""

    dossier: Dossier
    dataset: Dataset
    snapshot: Snapshot
    contract: Mapping[str, Any]


def datasheet(dossier: Dossier, snapshot: Snapshot, sections: tuple[FormatSection, ...]) -> Written:
    """The datasheet of one dataset that a model was trained on."""
    dataset = dossier.manifest.dataset(snapshot.dataset)
    data = _Data(dossier, dataset, snapshot, _contract(dossier.files.get(dataset.contract), dataset.contract))
    known = {heading: partial(tell, data) for heading, tell in EVIDENCE.items()}
    blocks = filled(sections, dossier.prose("datasheet", dataset.id), known)
    personal = "holds personal data" if dataset.personal_data else "holds no personal data"
    lead = (
        f"{snapshot.rows:,} rows and {len(snapshot.columns)} columns, frozen on {snapshot.taken_at[:10]}; {personal}."
    )
    return Written(f"datasheet-{dataset.id}", f"Datasheet: {dataset.id}", lead, blocks)


def _contract(data: bytes | None, where: str) -> Mapping[str, Any]:
    try:
        value = read_yaml(data or b"", where).value
    except BadInput:
        return {}
    return value if isinstance(value, dict) else {}


def _described(contract: Mapping[str, Any], key: str) -> str:
    """A text below `description` of an ODCS contract."""
    description = contract.get("description")
    found = description.get(key) if isinstance(description, dict) else None
    return found.strip().removesuffix(".") if isinstance(found, str) else ""


def _columns(contract: Mapping[str, Any]) -> dict[str, str]:
    """Column to its description, from the objects of an ODCS contract."""
    objects = contract.get("schema")
    found: dict[str, str] = {}
    for entry in objects if isinstance(objects, list) else []:
        properties = entry.get("properties") if isinstance(entry, dict) else None
        for column in properties if isinstance(properties, list) else []:
            if isinstance(column, dict) and isinstance(column.get("description"), str):
                found[str(column.get("name"))] = column["description"]
    return found


def _motivation(data: _Data) -> Iterator[Block]:
    purpose = _described(data.contract, "purpose")
    if purpose:
        yield Text(f"Purpose by its contract: {purpose}.")


def _composition(data: _Data) -> Iterator[Block]:
    meanings = _columns(data.contract)
    rows = [
        (column.name, column.type, f"{column.nulls:,}", meanings.get(column.name, "-"))
        for column in data.snapshot.columns
    ]
    yield Text(f"{data.snapshot.rows:,} rows, content {data.snapshot.content_digest}.")
    yield Table(("column", "type", "missing", "meaning by its contract"), tuple(rows), (2,))


def _collection(data: _Data) -> Iterator[Block]:
    order = "in the order in which they are stored" if data.snapshot.order == "as-stored" else "sorted by all columns"
    yield Text(f"Read from {data.snapshot.source}, frozen at {data.snapshot.taken_at}, {order}.")


def _preprocessing(data: _Data) -> Iterator[Block]:
    label, review = data.dataset.label, data.dataset.human_review
    if label:
        policy = f", defined in {label.policy}" if label.policy else ""
        yield Text(f"Label: {label.column or 'a column of another name'}, decided by {label.source}{policy}.")
    if review:
        yield Text(f"People reviewed it: {review.cohort}, by {review.policy}.")
    for each in data.dossier.run.filters:
        left = each.rows_before - each.rows_after
        yield Text(f"For {data.dossier.run.model} {left:,} rows were left out by {each.name}: "
                   f"{each.reason or 'nobody said why'}.")  # fmt: skip


def _uses(data: _Data) -> Iterator[Block]:
    models = [model.id for model in data.dossier.manifest.models() if data.dataset.id in model.datasets]
    yield Text(f"Models of this engagement that learn from it: {', '.join(models)}.")
    limitations = _described(data.contract, "limitations")
    if limitations:
        yield Text(f"Limitations by its contract: {limitations}.")


def _distribution(data: _Data) -> Iterator[Block]:
    usage = _described(data.contract, "usage")
    if usage:
        yield Text(f"Use by its contract: {usage}.")
    version, status = data.contract.get("version"), data.contract.get("status")
    if version:
        known = f", {status}" if status else ""
        yield Text(f"Data contract {data.contract.get('id', data.dataset.contract)}, version {version}{known}.")


def _maintenance(data: _Data) -> Iterator[Block]:
    owner = data.dossier.manifest.people.get(data.dataset.owner)
    yield Text(f"Answers for it: {data.dataset.owner}{f', {owner.name} ({owner.contact})' if owner else ''}.")
    age = data.dataset.max_age_days
    yield Text(f"Goes stale after {age} days." if age else "No age is declared after which it goes stale.")
    yield Text(f"Its frozen content is named by {data.dataset.pointer}; a changed table is refused at training.")


EVIDENCE: dict[str, Callable[[_Data], Iterator[Block]]] = {
    "motivation": _motivation,
    "composition": _composition,
    "collection process": _collection,
    "preprocessing, cleaning and labelling": _preprocessing,
    "uses": _uses,
    "distribution": _distribution,
    "maintenance": _maintenance,
}
"""Heading in small letters to what the records know for it."""
