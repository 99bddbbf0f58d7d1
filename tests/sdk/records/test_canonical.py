"""Canonical JSON: the vectors of RFC 8785, and what is not JSON."""

from __future__ import annotations

import hashlib
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorkit.errors import BadInput
from vendorkit.records.canonical import digest_bytes, digest_file, digest_json, load_json, to_canonical

# RFC 8785, appendix B: IEEE 754 bits and the text they are written as.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "text"), NUMBERS, ids=[text for _, text in NUMBERS])
def test_numbers_are_written_as_the_rfc_says(bits: str, text: str) -> None:
    assert to_canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == text.encode()


def test_keys_are_sorted_by_utf_16() -> None:
    # RFC 8785, 3.2.3: the emoji's surrogates sort before U+FB33, its code point after.
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    said = ["Carriage Return", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
    places = [to_canonical(value).decode().index(word) for word in said]
    assert places == sorted(places)


def test_the_example_of_the_rfc() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert to_canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**53, object, {1: 2}, "\ud800"], ids=repr)
def test_what_has_no_json_form_is_refused(value: Any) -> None:
    with pytest.raises(BadInput):
        to_canonical({"a": [value]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(JSON)
def test_canonical_json_reads_back_and_is_stable(value: Any) -> None:
    text = to_canonical(value)
    again = load_json(text, "x")
    assert again == value
    assert to_canonical(again) == text


@pytest.mark.parametrize("value", [2.0**53, -(2.0**53), 1e18, 20854403485480110.0, 1e20, 1e21], ids=repr)
def test_large_floats_are_written_like_integers_and_read_back(value: float) -> None:
    text = to_canonical(value)
    again = load_json(text, "x")
    assert isinstance(again, float)
    assert again == value
    assert to_canonical(again) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2, "d": 1}}', "duplicate key: c."),
        ('{"a": NaN}', "NaN is not a JSON number."),
        ("[-Infinity]", "-Infinity is not a JSON number."),
        ("[1e999]", "1e999 is not a JSON number."),
        ("[-" + "9" * 400 + "]", "9 is not a JSON number."),
        ("[" * 100_000, "nested too deeply."),
        ("", "not JSON: Expecting value"),
        ("{'a': 1}", "not JSON: Expecting property name"),
        (b"\xff\xfe\xfa", "not JSON: "),
        ('{"a": 1} x', "not JSON: Extra data: line 1 column 10"),
    ],
    ids=["duplicate", "nan", "infinity", "huge float", "huge integer", "deep", "empty", "quotes", "binary", "more"],
)
def test_what_is_not_json_is_refused_with_the_place(text: str | bytes, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_json(text, "here.json")
    (fault,) = caught.value.faults
    assert fault.where == "here.json"
    assert says in fault.says


def test_digests_name_their_algorithm(tmp_path: Path) -> None:
    expected = "sha256:" + hashlib.sha256(b'{"a":1}').hexdigest()
    (tmp_path / "file").write_bytes(b'{"a":1}')
    assert digest_json({"a": 1}) == digest_bytes(b'{"a":1}') == digest_file(tmp_path / "file") == expected


def test_a_large_object_with_a_key_twice_is_refused_at_once() -> None:
    many = ", ".join(f'"{number}": 1' for number in range(200_000))  # too many to hold each against each
    with pytest.raises(BadInput, match=r"duplicate key: 7\."):
        load_json(f'{{{many}, "7": 2}}', "large.json")
