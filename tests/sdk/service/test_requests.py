"""A body against the contract: every fault at once, warnings where the contract says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from vendorkit.records.contract import Behaviour
from vendorkit.service.problems import Problem
from vendorkit.service.requests import Asked, RequestReader

from tests.support.service import GOOD, contract

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(body: Any, behaviour: Behaviour | None = None, max_age_days: int | None = 30) -> Asked:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RequestReader(contract(behaviour or Behaviour(), max_age_days), max_rows=5).read(data, NOW)


def faults(body: Any, behaviour: Behaviour | None = None) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        read(body, behaviour)
    assert caught.value.status == 422
    assert caught.value.faults is not None
    return {fault["path"]: fault["says"] for fault in caught.value.faults.kept}


def test_rows_come_in_the_order_of_the_contract() -> None:
    turned = dict(reversed(GOOD.items()))
    assert read({"rows": [turned]}) == Asked([[40, 1000.5, "car", True]])


def test_every_fault_is_listed() -> None:
    body = {
        "rows": [
            {"age": False, "income": "5", "purpose": None, "more": 1},
            [1],
            GOOD,
            {**GOOD, "age": 1.5},
        ],
        "as_of": "yesterday",
        "extra": True,
    }
    assert faults(body) == {
        "extra": "is not known here; expected `rows` and `as_of` only.",
        "as_of": 'is "yesterday", expected a time by RFC 3339 with its zone.',
        "rows[0].age": "is false, expected an integer of at most 64 bits.",
        "rows[0].income": 'is "5", expected a number.',
        "rows[0].purpose": "is null, expected a string.",
        "rows[0].owns_home": "is missing, expected true or false.",
        "rows[0].more": "is not a field of the contract.",
        "rows[1]": "is a list, expected an object.",
        "rows[3].age": "is 1.5, expected an integer of at most 64 bits.",
    }
    assert faults({"rows": [{**GOOD, "more": 1}]}) == {"rows[0].more": "is not a field of the contract."}


@pytest.mark.parametrize("body", [[], 5, "text", None, True])
def test_the_body_must_be_an_object(body: Any) -> None:
    assert list(faults(body)) == [""]


@pytest.mark.parametrize("rows", [[], {}, "rows", 5, None])
def test_rows_must_be_a_list_of_some(rows: Any) -> None:
    assert list(faults({"rows": rows})) == ["rows"]
    assert list(faults({})) == ["rows"]


def test_too_many_rows_are_too_large() -> None:
    assert len(read({"rows": [GOOD] * 5}).rows) == 5
    with pytest.raises(Problem, match="6 rows, expected at most 5") as caught:
        read({"rows": [GOOD] * 6})
    assert caught.value.status == 413


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "The body is empty."),
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        (b"NaN", 'The body holds "NaN", which is no JSON number.'),
        (b'{"rows": [{"age": NaN}]}', 'The body holds "NaN", which is no JSON number.'),
        (b'{"rows": [{"age": -Infinity}]}', 'The body holds "-Infinity", which is no JSON number.'),
        (b'{"rows": [{"age": 1e999}]}', 'The body holds "1e999", which is no JSON number.'),
        (b'{"rows": "\xff"}', "The body is not UTF-8: invalid start byte at byte 10."),
        (b'{"rows": "\xed\xa0\x80"}', "The body is not UTF-8: invalid continuation byte at byte 10."),
        (b'{"rows": "\\ud800"}', "The body holds text that is no Unicode: half of a surrogate pair."),
        (b"\xef\xbb\xbf{}", "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)."),
        (b'{"rows":\n [1 2]}', "Expecting ',' delimiter: line 2 column 5 (char 13)."),
        (b"{'rows': []}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        (b"[" * 200_000, "The body is nested too deeply."),
        (b'{"rows": [{"age": ' + b"9" * 10_000 + b"}]}", "The body holds a number that is too long."),
        (b"\x00", "Expecting value: line 1 column 1 (char 0)."),
    ],
    ids=range(15),
)
def test_what_is_not_json_is_a_400_that_says_why_and_where(body: bytes, says: str) -> None:
    with pytest.raises(Problem) as caught:
        read(body)
    assert (caught.value.status, caught.value.detail) == (400, says)


@pytest.mark.parametrize(
    "body",
    [
        b'{"rows": [%s], "rows": [%s]}',
        b'{"rows": [%s, %s], "as_of": null, "as_of" :null}',
    ],
)
def test_a_key_said_twice_is_refused(body: bytes) -> None:
    good = json.dumps(GOOD).encode()
    assert faults(body % (good, good)) == {
        "": f'an object has the key "{"rows" if b"as_of" not in body else "as_of"}" more than once.'
    }


def test_a_field_said_twice_is_refused_however_it_is_written() -> None:
    for twice in (b'"age":40,"age":41', b'"age" : 40,"age" :40', b'"age":40,"\\u0061ge":40'):
        body = b'{"rows":[{' + twice + b',"income":1,"purpose":"car","owns_home":true}],"as_of":"2026-11-22T12:00:00Z"}'
        assert faults(body) == {"": 'an object has the key "age" more than once.'}


def test_colons_and_escapes_in_text_are_no_keys() -> None:
    row = {**GOOD, "purpose": 'a:b"c:d'}
    asked = read({"rows": [row], "as_of": "2026-11-22T12:00:00+01:00"})
    assert asked.rows[0][2] == 'a:b"c:d'


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"),
        ("2026-11-22t12:00:00.5z", "2026-11-22T12:00:00.500000Z"),
        ("2026-11-22T12:00:00+02:00", "2026-11-22T10:00:00Z"),
        (None, None),
    ],
)
def test_as_of_is_kept_in_utc(given: str | None, kept: str | None) -> None:
    assert read({"rows": [GOOD], "as_of": given}).as_of == kept


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-22",
        "2026-11-22T12:00:00",
        "2026-13-01T00:00:00Z",
        "2026-11-22 12:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "٢٠٢٦-11-22T12:00:00Z",
        "2026-11-22T13:00:00Z",
        1763812800,
        True,
        {},
        "",
    ],
)
def test_as_of_that_is_no_time_or_lies_ahead_is_refused(given: Any) -> None:
    assert list(faults({"rows": [GOOD], "as_of": given})) == ["as_of"]


def test_stale_rows_are_flagged_by_the_name_of_the_contract() -> None:
    body = {"rows": [GOOD, GOOD], "as_of": "2026-10-01T00:00:00Z"}
    asked = read(body, Behaviour(stale="degrade-to-bureau-only"))
    assert asked.common_warnings == (
        {
            "path": "as_of",
            "field": "as_of",
            "kind": "stale",
            "says": 'is "2026-10-01T00:00:00Z", 52 days old; the contract takes at most 30.',
            "action": "degrade-to-bureau-only",
        },
    )
    assert read(body, max_age_days=None).common_warnings == ()
    assert read({**body, "as_of": "2026-10-23T12:00:00Z"}).common_warnings == ()
    assert list(faults(body, Behaviour(stale="reject-422"))) == ["as_of"]


def test_doubts_become_warnings_or_faults_as_declared() -> None:
    body = {"rows": [GOOD, {"age": 99, "purpose": "boat", "owns_home": "yes", "income": 1}, {**GOOD, "income": None}]}
    tolerant = Behaviour(missing="accept", invalid="refer-to-human", out_of_distribution="flag")
    asked = read(body, tolerant)
    assert asked.rows[1] == [99, 1.0, "boat", None]
    told = {warning["path"]: (warning["kind"], warning["action"]) for warning in asked.warnings[1]}
    assert list(asked.warnings) == [1]
    assert told == {
        "rows[1].age": ("out_of_distribution", "flag"),
        "rows[1].purpose": ("out_of_distribution", "flag"),
        "rows[1].owns_home": ("invalid", "refer-to-human"),
    }
    strict = Behaviour(out_of_distribution="reject-422")
    assert list(faults(body, strict)) == ["rows[1].age", "rows[1].purpose", "rows[1].owns_home"]


def test_a_missing_field_is_handed_on_as_none_where_the_contract_accepts_it() -> None:
    asked = read({"rows": [{}]}, Behaviour(missing="accept"))
    assert asked == Asked([[None, None, None, None]])
    named = read({"rows": [{}]}, Behaviour(missing="use-median"))
    assert [warning["action"] for warning in named.warnings[0]] == ["use-median"] * 4
