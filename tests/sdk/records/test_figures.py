"""Figures that people typed, against those of the evidence."""

from __future__ import annotations

import pytest
from vendorkit.records.figures import Figures, wrong_figures
from vendorkit.records.prose import read_prose

KNOWN = Figures(
    metrics={"roc_auc": (0.8123, 0.76), "brier": (0.164,), "p99_ms": (12.5,), "margin": (-0.3,)},
    counts={"rows": (750, 250, 1000), "features": (17,)},
)


def said(text: str) -> list[str]:
    return [
        f"{fault.where} {fault.says}"
        for fault in wrong_figures(read_prose(f"## A\n\n{text}\n".encode(), "A.md"), KNOWN)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The roc_auc is 0.8123.",
        "ROC AUC of 0.81, a Brier score of 0.164.",
        "AUC: 81 %",
        "AUC is 81.2 %, at least 0.76 is asked.",
        "Brier 0.16; p99_ms is 12.5",
        "Learned from 750 rows and 17 features, 1,000 rows in all.",
        "On 250 rows the roc_auc was measured in 2026.",
        "The roc_auc on 250 rows is good.",
        "In 1973 there were 30 % bad payers and 4 branches.",
        "Macauc 0.9 is no metric.",
        "| roc_auc | 0.81 |",
        "A margin of -0.3, or \u22120.30; roc_auc - 0.81, roc-auc-0.81",
    ],
)
def test_what_is_right_or_cannot_be_judged(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("The roc_auc is 0.91.", "A.md:3 says `roc_auc is 0.91`, but roc_auc is 0.812 by the gate report."),
        ("Fine.\nAUC = 90 %", "A.md:4 says `AUC = 90 %`, but roc_auc is 0.812 by the gate report."),
        ("| roc_auc | 0.99 |", "A.md:3 says `roc_auc | 0.99`, but roc_auc is 0.812 by the gate report."),
        ("Brier score of 0.1", "A.md:3 says `Brier score of 0.1`, but brier is 0.164 by the gate report."),
        ("Its 1,500 rows", "A.md:3 says `1,500 rows`, but by the records there are 750, 250, 1,000 rows."),
        ("It takes 20 features.", "A.md:3 says `20 features`, but by the records there are 17 features."),
    ],
)
def test_what_differs_is_named(text: str, says: str) -> None:
    assert said(text) == [says]


def test_without_evidence_nothing_can_be_judged() -> None:
    prose = read_prose(b"## A\n\nroc_auc 0.99 on 5 rows\n", "A.md")
    assert wrong_figures(prose, Figures({}, {})) == []
