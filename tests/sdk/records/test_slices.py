"""Slices: the whole grammar, and everything else refused with the place of the fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorkit.errors import BadInput
from vendorkit.records.slices import Comparison, Joined, parse_slice


@pytest.mark.parametrize(
    ("text", "column", "operator", "value"),
    [
        ("age<25", "age", "<", 25.0),
        ("age <= -2.5e1", "age", "<=", -25.0),
        ("age > .5", "age", ">", 0.5),
        ("sex = female", "sex", "=", "female"),
        ("sex == 'not known'", "sex", "=", "not known"),
        ('`job title` != "a \'b"', "job title", "!=", "a 'b"),
        ("größe <> 3", "größe", "!=", 3.0),
    ],
)
def test_a_comparison(text: str, column: str, operator: str, value: object) -> None:
    assert parse_slice(text).condition == Comparison(column, operator, value)  # type: ignore[arg-type]


def test_and_binds_closer_than_or() -> None:
    a, b, c = Comparison("a", "<", 1), Comparison("b", "<", 2), Comparison("c", "<", 3)
    assert parse_slice("a<1 or b<2 AND c<3").condition == Joined("or", (a, Joined("and", (b, c))))
    assert parse_slice("(a<1 or b<2) and c<3").condition == Joined("and", (Joined("or", (a, b)), c))
    assert parse_slice("a<1 and b<2 and a<1").columns == ("a", "b")


def test_columns_whose_groups_are_compared() -> None:
    assert parse_slice("sex").groups == ("sex",)
    assert parse_slice("a" * 500).groups == ("a" * 500,)
    found = parse_slice(" sex, `job title` ")
    assert (found.groups, found.columns, found.condition) == (("sex", "job title"), ("sex", "job title"), None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs the name of a column at its end"),
        ("age <", "needs a number or a text at its end"),
        ("age < young", "needs a number after `<` in place of `young`"),
        ("age < 25 sex", "needs `and`, `or` or the end in place of `sex`"),
        ("(age < 25", "needs `)` at its end"),
        ("age < 25 and", "needs the name of a column at its end"),
        ("and < 25", "needs the name of a column in place of `and`"),
        ("age; drop", "something unreadable (character 4)"),
        ("__import__('os')", "needs a comparison such as `<`, `=` or `!=` in place of `(`"),
        ("age < 25abc", "something unreadable"),
        ("sex, sex", "names a column twice"),
        ("sex housing", "needs `and`, `or` or the end in place of `housing`"),
        ("(" * 30 + "a<1" + ")" * 30, "too many parentheses"),
        ("a" * 501, "longer than 500"),
    ],
)
def test_anything_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_slice(text)
    assert says in str(caught.value)
    assert "Write a column" in caught.value.fix


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        assert parse_slice(text).columns
    except BadInput as error:
        assert error.says.endswith(".")
