"""The segment gate: every slice equals pandas with scikit-learn, the worst is named, and nothing odd is a pass."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference
from vendorkit.gates import Evidence, ask_all, scored
from vendorkit.gates.columns import of_slice, picked
from vendorkit.records.gate_report import GateResult
from vendorkit.records.slices import parse_slice

from tests.sdk.gates.conftest import column

DIGEST = "sha256:" + "0" * 64
Spec = Callable[..., Any]


def people(seed: int = 1, n: int = 2000) -> pd.DataFrame:
    """Labelled and scored people; the young are scored by chance."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.02, np.nan, rng.integers(18, 80, n)),
            "sex": rng.choice(["female", "male", None], n, p=[0.5, 0.45, 0.05]),
            "housing": rng.choice(["own", "rent", "free"], n, p=[0.6, 0.39, 0.01]),
            "label": (rng.random(n) < 0.4).astype(float),
        }
    )
    drift = np.where(frame.age < 25, 0.0, 1.2)
    return frame.assign(score=1 / (1 + np.exp(-rng.normal(drift * (frame.label - 0.5), 1.0))))


def rows(frame: pd.DataFrame, score: str = "score") -> Any:
    columns = {name: column(frame[name]) for name in frame if name not in ("label", "score")}
    return scored("holdout", DIGEST, frame.label, frame[score], task="binary", columns=columns)


def ask(spec: Any, candidate: Any, current: Any = None) -> GateResult:
    live = {"holdout": current} if current is not None else None
    (result,) = ask_all([spec], Evidence(task="binary", candidate={"holdout": candidate}, current=live))
    return result


def test_one_condition(spec: Spec) -> None:
    frame = people()
    young = frame[frame.age < 25]
    result = ask(spec(kind="segment", slice="age<25", min=0.7), rows(frame))
    assert (result.verdict, result.n) == ("fail", len(young))
    assert result.value == pytest.approx(reference.roc_auc_score(young.label, young.score), abs=1e-12)
    assert f"for age<25 ({len(young)} rows); the limit is at least 0.7. Not good enough" in result.says
    assert ask(spec(kind="segment", slice="age >= 25", min=0.7), rows(frame)).verdict == "pass"


def test_every_single_and_pairwise_group(spec: Spec) -> None:
    frame = people()
    result = ask(spec(kind="segment", slice="sex, housing", metric="recall", threshold=0.4, min=0.1), rows(frame))
    filled = frame.assign(sex=frame.sex.fillna("(missing)"))
    wanted = {}
    for names in [["sex"], ["housing"], *map(list, combinations(["sex", "housing"], 2))]:
        for values, group in filled.groupby(names):
            wanted[", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))] = group
    assert {cell.name: cell.n for cell in result.cells} == {name: len(group) for name, group in wanted.items()}
    for cell in result.cells:
        group = wanted[cell.name]
        assert cell.verdict == ("pass" if len(group) >= 30 else "too-few")
        if cell.value is not None:
            value = reference.recall_score(group.label, group.score >= 0.4)
            assert cell.value == pytest.approx(value, abs=1e-12)
            assert cell.interval is not None
    assert result.verdict == "pass"
    assert "slices have fewer than 30 rows and were not judged" in result.notes[0]
    left_out = sum(cell.verdict == "too-few" for cell in result.cells)
    assert f"{left_out} more have too few rows and were not judged." in result.says
    asked = {"kind": "segment", "slice": "sex, housing", "metric": "recall", "threshold": 0.4, "every": True}
    strict = ask(spec(**asked, min=0.1), rows(frame))
    assert strict.verdict == "error"
    assert f"{left_out} of {len(result.cells)} slices have fewer than 30 rows, and `every` asks" in strict.says
    assert ask(spec(**asked, min=0.999), rows(frame)).verdict == "fail", "what is known to be bad stays so"
    assert ask(spec(**{**asked, "metric": "accuracy"}, min=0.0, min_rows=1), rows(frame)).verdict == "pass"
    assert "the worst of" in result.says
    assert result.value == min(cell.value for cell in result.cells if cell.value is not None)


def test_a_drop_in_one_group_is_found(spec: Spec) -> None:
    frame = people()
    worse = frame.assign(score=np.where(frame.sex == "female", 0.3, frame.score))
    declared = spec(kind="segment", slice="sex", max_drop_vs_current=0.02)
    result = ask(declared, rows(worse), rows(frame))
    assert (result.verdict, result.cells[0].name) == ("fail", "sex = female")
    assert result.cells[0].previous == pytest.approx(result.previous)
    assert ask(declared, rows(frame), rows(frame)).verdict == "pass"
    assert "no live version" in ask(declared, rows(frame)).says


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"slice": "colour = red"}, "column 'colour' cannot be used"),
        ({"slice": "age > 200"}, "no rows are `age > 200`, and at least 30 are needed"),
        ({"slice": "age > 78"}, "at least 300 are needed"),
        ({"slice": "age < young"}, "needs a number after `<`"),
        ({"slice": "sex < 3"}, "column sex holds text; compare it with a text in quotes"),
        ({"slice": "age = old"}, "column age holds numbers; compare it with a number"),
        ({"slice": "sex", "min_rows": 5000}, "no slice has the 5000 rows"),
        ({"slice": "one_class = bad"}, "roc_auc has no value for one_class = bad"),
        ({"slice": "many"}, "more than the 200 that can be groups"),
        ({"slice": None}, "`slice` is missing"),
        ({"slice": "sex", "threshold": 0.3}, "does not look at threshold"),
        ({"slice": "sex", "min": None}, "no limit is declared"),
    ],
)
def test_what_cannot_be_judged_is_an_error(spec: Spec, declared: dict[str, Any], says: str) -> None:
    frame = people()
    frame["one_class"] = np.where(frame.label == 1, "bad", "good")
    frame["many"] = np.arange(len(frame))
    if declared["slice"] == "age > 78":
        declared = {**declared, "min_rows": 300}
    result = ask(spec(kind="segment", **{"min": 0.1, **declared}), rows(frame))
    assert result.verdict == "error"
    assert says in result.says


CONDITIONS = {
    "age < 30": "age < 30",
    "age >= 30 and sex = 'female'": "age >= 30 and sex == 'female'",
    "(age < 30 or age > 60) and housing != own": "(age < 30 or age > 60) and housing != 'own'",
    "sex = male or housing = free and age <= 40": "sex == 'male' or (housing == 'free' and age <= 40)",
}


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions_pick_what_pandas_picks(text: str) -> None:
    frame = people().assign(sex=lambda given: given.sex.fillna(""))
    frame = frame[frame.sex != ""]
    columns = {name: column(frame[name]) for name in ("age", "sex", "housing")}
    condition = parse_slice(text).condition
    assert condition is not None
    wanted = frame.eval(CONDITIONS[text]).to_numpy()
    np.testing.assert_array_equal(picked(condition, columns), wanted)


def test_a_missing_value_meets_no_condition() -> None:
    columns = {"sex": column(np.array(["f", None, "m"], dtype=object)), "age": column([1.0, np.nan, 3.0])}
    for text in ("sex != f", "sex = m", "age != 1", "age > 1"):
        condition = parse_slice(text).condition
        assert condition is not None
        assert picked(condition, columns).tolist() == [False, False, True]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1.0, 2.0, None])), min_size=1))
def test_groups_part_the_rows(drawn: list[tuple[str | None, float | None]]) -> None:
    columns = {
        "x": column(np.array([x for x, _ in drawn], dtype=object)),
        "y": column(np.array([np.nan if y is None else y for _, y in drawn])),
    }
    found = of_slice(parse_slice("x, y"), columns)
    for size in ("x", "y", "both"):
        parts = [each for each in found if (", " in each.name) == (size == "both")]
        parts = parts if size == "both" else [each for each in parts if each.name.startswith(size)]
        assert sorted(np.concatenate([each.rows for each in parts]).tolist()) == list(range(len(drawn)))


def test_a_live_version_without_a_value_matters_only_where_it_is_compared_with(spec: Spec) -> None:
    frame = people()
    shy = rows(frame.assign(score=0.1))  # says yes to nobody, so it has no precision
    asked = {"kind": "segment", "slice": "sex", "metric": "precision", "min": 0.1}
    result = ask(spec(**asked), rows(frame), shy)
    assert (result.verdict, result.previous) == ("pass", None)
    assert ask(spec(**asked, max_drop_vs_current=0.1), rows(frame), shy).verdict == "error"
