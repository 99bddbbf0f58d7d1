"""One value against one field: JSON's own types, and what the contract does with the rest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example
from hypothesis import given as given_values
from hypothesis import strategies as st
from vendorkit.records.contract import Behaviour
from vendorkit.records.features import Feature, FeatureType
from vendorkit.service.fields import ABSENT, UNFIT, Field, join_path, show


def field(kind: FeatureType, behaviour: Behaviour | None = None, *, nullable: bool = False, **seen: Any) -> Field:
    return Field(Feature(name="x", type=kind, nullable=nullable, **seen), behaviour or Behaviour())


@pytest.mark.parametrize(
    ("kind", "given", "got"),
    [
        ("number", 1, 1.0),
        ("number", 1.5, 1.5),
        ("number", 2**70, float(2**70)),
        ("integer", 3, 3),
        ("integer", 3.0, 3),
        ("integer", -(2**63), -(2**63)),
        ("string", "", ""),
        ("boolean", False, False),
    ],
)
def test_a_fit_value_is_handed_on(kind: FeatureType, given: Any, got: Any) -> None:
    value, doubt = field(kind).check(given)
    assert (value, type(value), doubt) == (got, type(got), None)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("number", True),
        ("number", False),
        ("number", "5"),
        ("number", 10**400),
        ("number", []),
        ("number", {}),
        ("integer", 1.5),
        ("integer", True),
        ("integer", 2**63),
        ("integer", 1e300),
        ("string", 5),
        ("string", ["a"]),
        ("boolean", 0),
        ("boolean", "true"),
    ],
)
def test_a_wrong_type_is_refused(kind: FeatureType, given: Any) -> None:
    value, doubt = field(kind).check(given)
    assert value is None
    assert doubt is not None
    assert (doubt.kind, doubt.action) == ("invalid", "reject-422")


@pytest.mark.parametrize(
    ("nullable", "missing", "absent_ok", "null_ok"),
    [
        (False, "reject-422", False, False),
        (True, "reject-422", False, True),
        (False, "accept", True, True),
        (True, "accept", True, True),
    ],
)
def test_missing_follows_the_contract(nullable: bool, missing: str, absent_ok: bool, null_ok: bool) -> None:
    checked = field("number", Behaviour(missing=missing), nullable=nullable)
    for given, fit in ((ABSENT, absent_ok), (None, null_ok)):
        value, doubt = checked.check(given)
        assert value is None
        assert (doubt is None) == fit
        assert doubt is None or (doubt.kind, doubt.action) == ("missing", "reject-422")


def test_another_name_for_missing_answers_with_that_name() -> None:
    checked = field("number", Behaviour(missing="use-bureau"))
    _, doubt = checked.check(ABSENT)
    assert doubt is not None
    assert doubt.action == "use-bureau"


@pytest.mark.parametrize("given", [18, 75, 40])
def test_within_what_training_saw_there_is_no_doubt(given: int) -> None:
    assert field("integer", minimum=18, maximum=75).check(given) == (given, None)


@pytest.mark.parametrize(
    ("given", "says"),
    [(17, "is 17, below 18, the least seen in training."), (76, "is 76, above 75, the most seen in training.")],
)
@pytest.mark.parametrize("action", ["flag", "reject-422", "refer-to-human"])
def test_out_of_range_is_told_and_handed_on(given: int, says: str, action: str) -> None:
    checked = field("integer", Behaviour(out_of_distribution=action), minimum=18, maximum=75)
    value, doubt = checked.check(given)
    assert value == given
    assert doubt is not None
    assert (doubt.kind, doubt.says, doubt.action) == ("out_of_distribution", says, action)


def test_a_text_that_training_never_saw_is_told() -> None:
    checked = field("string", categories=("a", "b"))
    assert checked.check("a") == ("a", None)
    value, doubt = checked.check("c")
    assert value == "c"
    assert doubt is not None
    assert doubt.says == 'is "c", which training never saw.'


def test_text_of_any_kind_is_fit_where_training_saw_too_much_to_list() -> None:
    assert field("string").check("anything") == ("anything", None)


def test_paths_name_odd_keys_safely() -> None:
    assert join_path("rows[0]", "age") == "rows[0].age"
    assert join_path("rows[0]", "a b") == 'rows[0]["a b"]'
    assert join_path("rows[0]", 'a"]') == 'rows[0]["a\\"]"]'
    assert len(join_path("", "x" * 10_000)) < 80


def test_values_are_shown_short() -> None:
    assert show(False) == "false"
    assert show({"a": 1}) == "an object"
    assert show([1]) == "a list"
    assert len(show("x" * 10_000)) < 80
    assert show(10**5000) == "a number of more than 60 digits"


FIELDS = [
    field("number"),
    field("number", minimum=-1.5, maximum=75),
    field("integer"),
    field("integer", minimum=18, maximum=75),
    field("integer", minimum=-1e30, maximum=1e30),
    field("string"),
    field("string", categories=("a", "b")),
    field("boolean", nullable=True),
]
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2) | st.just([]) | st.just({})


@given_values(VALUES)
@example(ABSENT)
@example(2**63)
@example(-(2**63))
@example(10**400)
@example(18)
@example(75.0)
def test_the_short_way_gives_what_the_long_way_gives(value: Any) -> None:
    for checked in FIELDS:
        short = checked.fit(value)
        assert short is UNFIT or (short, None) == checked.check(value)


def test_the_short_way_is_taken_for_plain_values() -> None:
    plain = [1, 40.0, 5, 40, 7, "x", "a", True]
    assert [checked.fit(value) for checked, value in zip(FIELDS, plain, strict=True)] == plain
