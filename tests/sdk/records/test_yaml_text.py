"""Strict YAML: what is read, what is refused and on which line, and that nothing can crash it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorkit.errors import BadInput
from vendorkit.records.yaml_text import MAX_DEPTH, NotTextError, read_yaml


def faults_of(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(BadInput) as caught:
        read_yaml(data, "f.yaml")
    assert caught.value.faults
    return [str(fault) for fault in caught.value.faults]


def test_words_mean_what_yaml_1_2_says() -> None:
    text = """
    a: yes
    b: 2026-09-01
    c: 0o17
    d: 0x1f
    e: 1e3
    f: ~
    g: "true"
    h: true
    i: -12
    j: 010
    k: 12:30:45
    l: 1_000
    m: .5
    z: on
    """
    assert read_yaml(text.encode(), "f.yaml").value == {
        "a": "yes", "b": "2026-09-01", "c": 15, "d": 31, "e": 1000.0, "f": None, "g": "true", "h": True,
        "i": -12, "j": 10, "k": "12:30:45", "l": "1_000", "m": 0.5, "z": "on",
    }  # fmt: skip


def test_every_key_and_entry_has_its_line() -> None:
    read = read_yaml(b"a: 1\nb:\n  - {c: 2}\n  -\n    c: 3\n", "f.yaml")
    assert read.value == {"a": 1, "b": [{"c": 2}, {"c": 3}]}
    assert read.lines[("b", 1, "c")] == 5
    assert read.place(("b", 1, "c")) == "f.yaml:5: b[1].c"
    assert read.place(("b", 0, "missing")) == "f.yaml:3: b[0].missing"


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    read = read_yaml(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "f.yaml")
    assert read.value == {"a": 1, "b": 2}
    assert read.lines[("b",)] == 2


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3: a", "duplicate key; it stands on line 1"),
        ("x:\n  on: 1", "f.yaml:2: x.on", "reads as a boolean"),
        ("No: 1", "f.yaml:1: No", "reads as a boolean"),
        ("y: 1", "f.yaml:1: y", "reads as a boolean"),
        ("a: &x 1\nb: *x", "f.yaml:1: a", "anchor &x"),
        ("a: &x 1\nb: *x", "f.yaml:2: b", "alias *x"),
        ("a: !!python/object/apply:os.system [ls]", "f.yaml:1: a", "tag"),
        ("a: ! 1\nb: !x y", "f.yaml:2: b", "tag !x"),
        ("a: 1\n---\nb: 2", "f.yaml:2", "second document"),
        ("[a]: 1", "f.yaml:1", "a key must be a word"),
        ("{a: 1}: 2", "f.yaml:1", "a key must be a word"),
        ("a: .inf", "f.yaml:1: a", "finite"),
        ("a: .NaN", "f.yaml:1: a", "finite"),
        ("a: 1e999", "f.yaml:1: a", "too large"),
        ("a: 9007199254740993", "f.yaml:1: a", "too large"),
        ("a: " + "9" * 5000, "f.yaml:1: a", "too large"),
        ('a: "x\\e[31m"', "f.yaml:1: a", "control character"),
        ('"x\\0": 1', "f.yaml:1", "printable"),
        ("~: 1", "f.yaml:1", "printable"),
        ("a: [1, 2", "f.yaml:1", "not YAML"),
        ("a: b: c", "f.yaml:1", "not YAML"),
        ("\tb: 1", "f.yaml:1", "not YAML"),
        ("", "f.yaml", "is empty"),
        ("# only a remark\n", "f.yaml", "is empty"),
    ],
)
def test_refused_with_its_place(text: str, place: str, says: str) -> None:
    found = [fault for fault in faults_of(text) if fault.startswith(place) and says in fault]
    assert found, faults_of(text)


def test_all_faults_come_at_once() -> None:
    assert len(faults_of("a: 1\na: 2\non: 3\nb: &x 4\nc: .inf\n")) == 4


@pytest.mark.parametrize("data", [b"\x00\x01\x02", b"a: \x00", b"\xff\xfe\x00a", b"a: \xe9", b"\x89PNG\r\n\x1a\n"])
def test_binary_is_no_text(data: bytes) -> None:
    with pytest.raises(NotTextError, match="binary"):
        read_yaml(data, "f.yaml")


def test_five_megabytes_are_not_even_looked_at() -> None:
    with pytest.raises(NotTextError, match="5,000,000 bytes"):
        read_yaml(b"a" * 5_000_000, "f.yaml")


def test_one_megabyte_of_duplicates_gives_a_readable_answer() -> None:
    found = faults_of("a: 1\n" * 190_000)
    assert len(found) == 201
    assert "there are more faults" in found[-1]


def test_depth_has_a_limit() -> None:
    fits = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert isinstance(read_yaml(fits.encode(), "f.yaml").value, list)
    assert "levels deep" in faults_of(f"[{fits}]")[0]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "{a: " * 20_000,
        "? " * 20_000,
        "- " * 20_000,
        "[" * 20_000 + "]" * 20_000,
        "\n".join(" " * depth + "a:" for depth in range(1_300)),
        "? [" * 20_000,
    ],
)
def test_twenty_thousand_levels_are_refused(text: str) -> None:
    assert any("levels deep" in fault or "not YAML" in fault for fault in faults_of(text))


def test_an_alias_bomb_is_refused_without_unfolding() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    found = faults_of("\n".join(lines))
    assert any("alias *a0" in fault for fault in found)


@given(st.binary(max_size=300) | st.text(alphabet="ab:-{}[]&*!?|>'\"#%,\n\t \\x0~", max_size=120).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read = read_yaml(data, "f.yaml")
    except BadInput as error:
        assert error.faults
    else:
        assert read.where == "f.yaml"
