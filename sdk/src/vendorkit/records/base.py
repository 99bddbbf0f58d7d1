"""What all records share: frozen values with a schema name, a canonical form and a digest.

A record names its parents by digest, so that a chain of records cannot be changed unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from vendorkit.errors import BadInput, Fault
from vendorkit.records.canonical import digest_json, load_json, to_canonical
from vendorkit.records.plain_words import plain_words

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 hexadecimal digits."""

Timestamp = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]
"""UTC time by RFC 3339, ending in `Z`."""


def now() -> str:
    """The present time as a `Timestamp` with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def added(default: Any) -> Any:
    """A field that came to a record after its first release: left out while it has its default.

    So records written before it was there still read and write to the same bytes.
    """
    return Field(default=default, exclude_if=lambda value: value == default)


def key_path(location: tuple[int | str, ...]) -> str:
    """`('inputs', 0, 'digest')` as `inputs[0].digest`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


class Value(BaseModel):
    """A frozen part of a record; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Record(Value):
    """A frozen JSON document. Subclasses set `schema_name`, for instance `vendorkit/run/1`."""

    schema_name: ClassVar[str]

    def to_value(self) -> dict[str, Any]:
        """The record as plain JSON values, with its schema name."""
        return {"schema": self.schema_name, **self.model_dump(mode="json")}

    def to_bytes(self) -> bytes:
        """The canonical JSON of the record."""
        return to_canonical(self.to_value())

    @cached_property
    def digest(self) -> str:
        """The digest of the canonical JSON: the record's name."""
        return digest_json(self.to_value())

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's; the copy has a digest of its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("digest", None)
        return copied

    @classmethod
    def parse(cls, data: bytes | str, where: str) -> Self:
        """Read a record, or tell every fault of it.

        Args:
            data: JSON text or its UTF-8 bytes.
            where: The file or entry it comes from, for messages.

        Raises:
            BadInput: Not JSON, another schema, missing, unknown or wrong fields; `faults` has them all.
        """
        value = load_json(data, where)
        if not isinstance(value, dict):
            raise BadInput(f"{where} is not a record.", [Fault(where, "expected a JSON object.")])
        faults = []
        found = value.pop("schema", None)
        if found != cls.schema_name:
            given = "is missing" if found is None else f"is {found!r}"
            faults.append(Fault(f"{where}: schema", f"{given}; expected {cls.schema_name!r}."))
        try:
            record = cls.model_validate_json(_canonical(value, where))
        except ValidationError as error:
            faults += [
                Fault(": ".join(filter(None, (where, key_path(fault["loc"])))), plain_words(fault, "this record"))
                for fault in error.errors(include_url=False)
            ]
        if faults:
            raise BadInput(f"{where} is not a valid {cls.schema_name} record.", faults)
        return record


def _canonical(value: Any, where: str) -> bytes:
    try:
        return to_canonical(value)
    except BadInput as error:
        raise BadInput(f"{where} is not valid.", [Fault(where, f"{fault.says}.") for fault in error.faults]) from error
