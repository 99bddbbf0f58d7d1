"""From the bytes of a body to rows that keep the contract, or to every fault in them. No pandas, no I/O."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from vendorkit.records.contract import Contract
from vendorkit.service.fields import ABSENT, REJECT, UNFIT, Doubt, Field, join_path, show
from vendorkit.service.problems import Faults, Problem, invalid

RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # section 5.6, without the leap second, which datetime cannot hold
CLOCKS_DIFFER = timedelta(minutes=5)
KEYS = {"rows", "as_of"}

Warning_ = dict[str, str]


@dataclass(frozen=True)
class Asked:
    """A request that may be answered.

    Args:
        rows: For each row the values as the model gets them, in the order of the contract's fields.
        as_of: When the caller's data was true, UTC; None where the caller did not say.
        warnings: For the number of a row, what is not fit about it but answered all the same.
        common_warnings: Warnings that hold for every row.
    """

    rows: list[list[Any]]
    as_of: str | None = None
    warnings: dict[int, list[Warning_]] = field(default_factory=dict)
    common_warnings: tuple[Warning_, ...] = ()


class RequestReader:
    """Reads the bodies of `POST /v1/predict` for one contract.

    Args:
        contract: The contract.
        max_rows: Most rows of one request.
    """

    def __init__(self, contract: Contract, max_rows: int) -> None:
        self._contract = contract
        self._max_rows = max_rows
        self._fields = [Field(feature, contract.behaviour) for feature in contract.fields]
        self._fits = [(item.name, item.fit) for item in self._fields]
        self._names = frozenset(item.name for item in self._fields)

    def read(self, body: bytes, now: datetime) -> Asked:
        """What is asked.

        Args:
            body: The body, whole.
            now: The present time with its zone: `as_of` is judged by it.

        Raises:
            Problem: 400 not JSON, 413 too many rows, 422 with every fault.
        """
        value = _decode(body)
        faults = Faults()
        rows = self._find_rows(value, faults)
        as_of, common = self._read_as_of(value.get("as_of"), now, faults) if isinstance(value, dict) else (None, ())
        read, warnings = self._read_rows(rows, faults)
        if faults.count:
            raise invalid(faults)
        _refuse_duplicates(body, value)
        return Asked(read, as_of, warnings, common)

    def _find_rows(self, value: Any, faults: Faults) -> list[Any]:
        if not isinstance(value, dict):
            faults.add("", f"is {show(value)}, expected an object with `rows`.")
            return []
        for name in value.keys() - KEYS:
            faults.add(join_path("", name).removeprefix("."), "is not known here; expected `rows` and `as_of` only.")
        rows = value.get("rows", ABSENT)
        if rows is ABSENT:
            faults.add("rows", "is missing, expected a list of rows.")
        elif not isinstance(rows, list):
            faults.add("rows", f"is {show(rows)}, expected a list of rows.")
        elif not rows:
            faults.add("rows", "is empty, expected at least one row.")
        elif len(rows) > self._max_rows:
            says = f"has {len(rows):,} rows, expected at most {self._max_rows:,}."
            too_many = Faults()
            too_many.add("rows", says)
            raise Problem("too-large", f"`rows` {says} Send them in several requests.", too_many)
        else:
            return rows
        return []

    def _read_rows(self, rows: list[Any], faults: Faults) -> tuple[list[list[Any]], dict[int, list[Warning_]]]:
        read = []
        warnings: dict[int, list[Warning_]] = {}
        for place, row in enumerate(rows):
            if type(row) is not dict:
                faults.add(f"rows[{place}]", f"is {show(row)}, expected an object.")
                continue
            values = [fit(row.get(name, ABSENT)) for name, fit in self._fits]
            if UNFIT in values or len(row) != len(values):
                self._look_closer(place, row, values, faults, warnings)
            read.append(values)
        return read, warnings

    def _look_closer(
        self,
        place: int,
        row: dict[str, Any],
        values: list[Any],
        faults: Faults,
        warnings: dict[int, list[Warning_]],
    ) -> None:
        """Check a row that is not plainly fit, and put in what the model gets."""
        for column, item in enumerate(self._fields):
            if values[column] is not UNFIT:
                continue
            values[column], doubt = item.check(row.get(item.name, ABSENT))
            if doubt is None:
                continue
            path = f"rows[{place}]{item.path}"
            if doubt.action == REJECT:
                faults.add(path, doubt.says)
            else:
                warnings.setdefault(place, []).append(_warning(item.name, path, doubt))
        for name in row.keys() - self._names:
            faults.add(join_path(f"rows[{place}]", name), "is not a field of the contract.")

    def _read_as_of(self, given: Any, now: datetime, faults: Faults) -> tuple[str | None, tuple[Warning_, ...]]:
        if given is None:
            return None, ()
        moment = _parse_time(given)
        if moment is None:
            faults.add("as_of", f"is {show(given)}, expected a time by RFC 3339 with its zone.")
            return None, ()
        as_of = moment.isoformat().replace("+00:00", "Z")
        if moment > now + CLOCKS_DIFFER:
            faults.add("as_of", f"is {show(given)}, which lies in the future.")
            return None, ()
        oldest = self._contract.max_age_days
        if oldest is None or now - moment <= timedelta(days=oldest):
            return as_of, ()
        says = f"is {show(given)}, {(now - moment).days} days old; the contract takes at most {oldest}."
        doubt = Doubt("stale", says, self._contract.behaviour.stale)
        if doubt.action == REJECT:
            faults.add("as_of", says)
            return None, ()
        return as_of, (_warning("as_of", "as_of", doubt),)


def _warning(name: str, path: str, doubt: Doubt) -> Warning_:
    return {"path": path, "field": name, "kind": doubt.kind, "says": doubt.says, "action": doubt.action}


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Problem("not-json", _why_no_json(body)) from error


def _why_no_json(body: bytes) -> str:
    """What keeps a body from being JSON, and where: the fast decoder counts no lines."""

    def number(text: str) -> float:
        if not math.isfinite(value := float(text)):
            raise OverflowError(text)
        return value

    try:
        json.loads(body.decode(), parse_constant=number, parse_float=number)
    except UnicodeDecodeError as error:
        return f"The body is not UTF-8: {error.reason} at byte {error.start}."
    except json.JSONDecodeError as error:
        return f"{error}." if body else "The body is empty."
    except RecursionError:
        return "The body is nested too deeply."
    except OverflowError as error:
        return f"The body holds {show(str(error))}, which is no JSON number."
    except ValueError:  # an integer of thousands of digits
        return "The body holds a number that is too long."
    return "The body holds text that is no Unicode: half of a surrogate pair."


def _parse_time(given: Any) -> datetime | None:
    if not isinstance(given, str) or not RFC_3339.fullmatch(given):
        return None
    try:
        return datetime.fromisoformat(given.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _refuse_duplicates(body: bytes, value: dict[str, Any]) -> None:
    """Refuse an object that says one key twice: RFC 8259 leaves open which of the two counts.

    The decoder keeps the last. Every key brings a colon, so if there are as many colons as keys, none is there
    twice; only bodies with more (in a string, say) are parsed once more to be sure.
    """
    keys = len(value) + sum(map(len, value["rows"]))
    extra = value["as_of"].count(":") if isinstance(value.get("as_of"), str) else 0
    if b"\\" not in body and body.count(b":") == keys + extra:
        return
    faults = Faults()

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: set[str] = set()
        for name, _ in items:
            if name in seen:
                faults.add("", f"an object has the key {show(name)} more than once.")
            seen.add(name)
        return dict(items)

    try:
        json.loads(body, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise Problem("not-json", "The body is nested too deeply, or no JSON at all.") from error
    if faults.count:
        raise invalid(faults)
