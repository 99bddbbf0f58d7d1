"""The frame that the model sees: the contract's columns, with the same types whatever the rows hold."""

from __future__ import annotations

import math

import pytest
from vendorkit.records.contract import Behaviour
from vendorkit.records.features import Feature
from vendorkit.service.frame import FrameBuilder, synthetic_row

from tests.support.service import FIELDS, GOOD, contract


def test_columns_have_the_types_of_the_contract() -> None:
    frame = FrameBuilder(contract()).build([[40, 1.5, "car", True], [41, None, "home", False]])
    assert frame.columns.tolist() == ["age", "income", "purpose", "owns_home"]
    assert [str(dtype) for dtype in frame.dtypes] == ["int64", "float64", "str", "bool"]
    assert math.isnan(frame["income"][1])
    assert frame["purpose"].tolist() == ["car", "home"]


def test_types_do_not_depend_on_the_rows() -> None:
    builder = FrameBuilder(contract(Behaviour(missing="accept")))
    full = builder.build([[40, 1.5, "car", True]])
    empty = builder.build([[None, None, None, None]])
    assert full.dtypes.tolist() == empty.dtypes.tolist()
    assert [str(dtype) for dtype in full.dtypes] == ["Int64", "float64", "str", "boolean"]
    assert empty.isna().all(axis=None)


def test_a_contract_of_numbers_gives_the_same_frame_by_the_short_way() -> None:
    numbers = tuple(Feature(name=name, type="number", nullable=True) for name in ("a", "b"))
    frame = FrameBuilder(contract(fields=numbers)).build([[1.0, None], [2.0, 3.0]])
    assert frame.columns.tolist() == ["a", "b"]
    assert frame["a"].tolist() == [1.0, 2.0]
    assert math.isnan(frame["b"][0])
    assert {str(dtype) for dtype in frame.dtypes} == {"float64"}


def test_the_made_up_row_lies_in_the_middle() -> None:
    assert synthetic_row(contract()) == {"age": 46, "income": 500_000.0, "purpose": "car", "owns_home": False}
    assert set(GOOD) == set(synthetic_row(contract()))


@pytest.mark.parametrize(
    ("low", "high", "middle"),
    [(None, None, 0.0), (5.0, None, 5.0), (None, -5.0, -5.0), (1.0, 1.0, 1.0), (-1e308, 1e308, 0.0)],
)
def test_the_made_up_row_keeps_half_open_ranges(low: float | None, high: float | None, middle: float) -> None:
    field = Feature(name="x", type="number", nullable=False, minimum=low, maximum=high)
    assert synthetic_row(contract(fields=(*FIELDS, field)))["x"] == pytest.approx(middle)
