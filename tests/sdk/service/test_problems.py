"""Problem documents: every fault with its path, the first hundred and the number of the rest."""

from __future__ import annotations

from vendorkit.service.problems import KINDS, MOST_FAULTS, Faults, Problem, invalid


def test_every_kind_has_its_own_status_and_title() -> None:
    assert len({status for status, _ in KINDS.values()}) == len(KINDS)
    assert len({title for _, title in KINDS.values()}) == len(KINDS)


def test_faults_are_capped_and_the_rest_counted() -> None:
    faults = Faults()
    for place in range(MOST_FAULTS + 7):
        faults.add(f"rows[{place}]", "is wrong.")
    problem = invalid(faults).to_value()
    assert len(problem["errors"]) == MOST_FAULTS
    assert problem["errors_not_shown"] == 7
    assert problem["detail"].startswith("107 faults")


def test_a_few_faults_are_all_there() -> None:
    faults = Faults()
    faults.add("rows[0].age", "is null.")
    problem = invalid(faults).to_value()
    assert problem["errors"] == [{"path": "rows[0].age", "says": "is null."}]
    assert "errors_not_shown" not in problem


def test_a_log_id_is_shown_only_where_there_is_one() -> None:
    assert "log_id" not in Problem("failed", "No.").to_value()
    assert Problem("failed", "No.", log_id="abc").to_value()["log_id"] == "abc"
