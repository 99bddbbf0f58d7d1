"""The gate report in every form: verdict first, a sentence for every failure, hostile text shown as text."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from vendorkit.documents.gate_report import FILE_NAMES, FORMATS, WIDTH, findings, to_html, to_markdown, to_text
from vendorkit.documents.gate_words import facts
from vendorkit.records.gate_report import GateReport, GateResult

from tests.support.reports import (
    ERROR,
    FAIL,
    HOSTILE,
    LATENCY,
    PASS,
    SEGMENTS,
    full_report,
    hostile,
    many_segments,
    report,
)

GOLDEN = Path(__file__).with_name("gate_report.golden.txt")
ALL = report(PASS, ERROR, FAIL)


def unwrapped(text: str) -> str:
    return " ".join(text.split())


class Page(HTMLParser):
    """Text and tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def test_text_is_as_agreed() -> None:
    assert to_text(ALL) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("results", "says"),
    [
        ((PASS,), "pd-model may ship: 1 gate passed."),
        ((PASS, PASS), "pd-model may ship: 2 gates passed."),
        ((PASS, FAIL), "pd-model may not ship: 1 of 2 gates failed."),
        ((PASS, ERROR), "pd-model may not ship: 1 of 2 gates could not be decided."),
        ((PASS, ERROR, FAIL), "pd-model may not ship: 1 of 3 gates failed and 1 could not be decided."),
        ((), "pd-model may not ship: no gate was asked."),
    ],
)
def test_the_verdict_comes_first(results: tuple[GateResult, ...], says: str) -> None:
    found = report(*results)
    assert to_text(found).startswith(says)
    assert to_markdown(found).startswith(f"## {says}")
    assert unwrapped(Page(to_html(found)).text.split("</style>")[-1]).find(says) >= 0
    assert ("h1", {}) in Page(to_html(found)).tags
    assert f"<h1>{says}</h1>" in to_html(found)


def test_a_report_that_contradicts_itself_is_no_pass() -> None:
    for found in (report(FAIL, passed=True), report(PASS, passed=False), report(passed=True)):
        assert "may not ship" in to_text(found).splitlines()[0]
        assert '<header class="fail">' in to_html(found)
        assert findings(found)[-1].id == "gates"
        assert findings(found)[-1].blocks


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_every_failure_has_its_sentence_before_what_passed(form: str) -> None:
    shown = FORMATS[form](ALL)
    shown = unwrapped(html.unescape(shown))
    places = [shown.index(result.says) for result in (FAIL, ERROR, PASS)]
    assert places == sorted(places)


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_failure_without_words_still_says_something(form: str) -> None:
    shown = FORMATS[form](report(FAIL.model_copy(update={"says": " \x00"[:1]})))
    assert "Ranks good and bad payers at least as well as today: no reason was recorded." in unwrapped(shown)


def test_every_form_shows_the_numbers_and_what_they_rest_on() -> None:
    for form in ("text", "markdown", "html"):
        shown = unwrapped(FORMATS[form](ALL))
        for fact in (
            "0.712",
            "0.7051 to 0.7189",
            "0.77142",
            ALL.digest,
            ALL.candidate,
            ALL.limits,
            "version 3",
        ):
            assert fact in shown, (form, fact)
    assert "30,000 rows of frozen-2025q4" in to_html(ALL)
    assert "no live version" in to_html(report(PASS, against=None))


def test_json_is_the_record() -> None:
    assert GateReport.parse(FORMATS["json"](ALL), "report").digest == ALL.digest
    assert set(FILE_NAMES) == set(FORMATS)


def test_colour_only_when_asked() -> None:
    assert "\x1b" not in to_text(ALL)
    painted = to_text(ALL, colour=True)
    assert "\x1b[31mFAIL \x1b[0m" in painted
    assert re.sub(r"\x1b\[\d+m", "", painted) == to_text(ALL)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_on_a_terminal(text: str) -> None:
    shown = to_text(hostile(text))
    assert all(sign == "\n" or sign.isprintable() for sign in shown)
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert len(shown) < 20_000


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_html(text: str) -> None:
    harmless, shown = Page(to_html(hostile("harmless"))), Page(to_html(hostile(text)))
    assert shown.tags == harmless.tags
    assert all(sign == "\n" or sign.isprintable() for sign in to_html(hostile(text)))
    assert len(to_html(hostile(text))) < 60_000


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_markdown(text: str) -> None:
    shown = to_markdown(hostile(text))
    assert all(sign == "\n" or sign.isprintable() for sign in shown)
    bare = re.sub(r"\\.", "", shown)
    for sign in ("<", "`", "[", "@", "://", "www.", "$", "~"):
        assert sign not in bare, sign
    lines = [line for line in bare.splitlines() if line.startswith("|")]
    assert len(lines) == 6
    assert {line.count("|") for line in lines} == {8}
    assert [line for line in bare.splitlines() if line.startswith("#")][1:] == [
        "### Not passed",
        "### To be seen before a decision",
        "### Passed",
        "### Numbers",
        "### What this rests on",
    ]


def test_the_page_asks_for_nothing_and_fits_a_phone() -> None:
    page = to_html(ALL)
    tags = Page(page).tags
    assert not [named for _, named in tags if {"src", "href"} & set(named) and named.get("href") != "data:,"]
    assert not {"script", "iframe", "form", "object", "img"} & {tag for tag, _ in tags}
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in html.unescape(page)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in tags


def test_findings_serve_the_other_forms() -> None:
    passed, error, failed = findings(ALL)
    assert [found.verdict for found in (passed, error, failed)] == ["pass", "error", "fail"]
    assert [found.blocks for found in (passed, error, failed)] == [False, True, True]
    assert {found.severity for found in (passed, error, failed)} == {"error"}
    assert failed.says == FAIL.says
    assert failed.where == "gates.g-auc"
    assert (passed.fix, error.fix.split()[0], failed.fix.split()[0]) == ("", "Mend", "Improve")
    assert failed.to_value()["value"] == 0.712
    assert failed.facts == {
        "kind": "performance",
        "benchmark": "frozen-2025q4",
        "metric": "roc_auc",
        "value": 0.712,
        "limit": "at least 0.76",
        "previous": 0.77142,
        "n": 30_000,
        "interval": [0.70512345, 0.71887655],
        "origin": "manifest",
        "notes": [],
        "cells": [],
    }


def test_no_gates_is_a_finding_that_blocks() -> None:
    (found,) = findings(report())
    assert found.blocks
    assert found.says == "pd-model may not ship: no gate was asked."


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_segments_and_notes_are_told_the_failed_ones_first(form: str) -> None:
    shown = unwrapped(html.unescape(FORMATS[form](report(PASS, SEGMENTS)))).replace("\\", "")
    note = "The limit was lowered from 0.72 to 0.7 since version 3."
    order = [shown.index(part) for part in (note, SEGMENTS.says, "age < 25", "housing = free", "purpose = other")]
    assert order[1:] == sorted(order[1:])
    assert max(order[1:]) < order[0]
    assert shown.index(SEGMENTS.says) < order[0] < shown.index(PASS.says)
    assert "too few rows" in shown
    assert ("sex = female, housing = own" in shown) == (form == "html")


def test_many_segments_are_cut_in_text_and_whole_on_the_page() -> None:
    found = many_segments()
    assert to_text(found).count("fail: region = R") == 8
    assert "and 17 more" in to_text(found)
    assert "and 17 more" in to_markdown(found)
    assert to_html(found).count("region = R") == 2 * 100  # in the table, and in the title of its bar


def test_every_plot_has_a_title_and_its_numbers() -> None:
    page = to_html(full_report())
    assert page.count('<svg class="plot"') == 5
    assert page.count("<svg") == page.count('role="img"><title>')
    assert "ROC curve on frozen-2025q4: area of candidate 0.7" in page
    for caption in ("Thresholds of the candidate", "Calibration of the candidate", "Share of rows by score"):
        assert f"<caption>{caption}</caption>" in page
    assert "<svg" not in to_html(report(PASS, ERROR))


def test_a_report_from_before_plots_still_shows() -> None:
    old = report(PASS, FAIL.model_copy(update={"least": None}))
    assert '"least":' not in FORMATS["json"](old)
    assert "Good enough to ship." in to_html(old)


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_who_set_a_gate_is_told_where_it_is_not_the_manifest_alone(form: str) -> None:
    def shown(*results: GateResult) -> str:
        return unwrapped(html.unescape(FORMATS[form](report(*results)))).replace("\\", "")

    assert "the platform's policy pack" in shown(SEGMENTS)
    assert "a rule of the vendor's own" in shown(PASS.model_copy(update={"origin": "vendor"}))
    assert "policy pack" not in shown(PASS)
    assert "the limit is the platform's" in findings(report(SEGMENTS))[0].fix


def test_calls_are_told_as_calls_and_through_what() -> None:
    timing = LATENCY.timings[0].model_copy(update={"through": "service"})
    page = FORMATS["html"](report(LATENCY.model_copy(update={"timings": (timing,)})))
    assert "200 calls with rows of frozen-2025q4" in page
    assert "1 row through the service" in page
    assert "through the service" not in FORMATS["html"](report(LATENCY))


def test_what_was_counted_is_called_by_its_name() -> None:
    def counted(**given: Any) -> str:
        return facts(PASS.model_copy(update=given)).get("measured on", "")

    assert counted() == "2 runs"
    assert counted(kind="data", n=750) == "750 rows"
    assert counted(kind="determinism", metric="score_difference", benchmark="holdout", n=250) == "250 rows of holdout"
    assert counted(kind="change", n=5) == "5 kinds of change"


def test_ids_are_whole_where_there_is_room() -> None:
    named = PASS.model_copy(update={"id": "platform/held-back/holdout"})
    lines = to_text(report(named, FAIL)).splitlines()
    assert sum("platform/held-back/holdout" in line for line in lines) == 2
    large = FAIL.model_copy(update={"n": 1_234_567_890, "interval": (-1.234e-100, 1.234e100)})
    crowded = to_text(report(named.model_copy(update={"metric": "m" * 40}), SEGMENTS, LATENCY, large))
    assert "-1.234e-100 to 1.234e+100" in crowded
    assert "1,234,567,890" in crowded
    assert max(map(len, crowded.splitlines())) <= 100


def test_numbers_are_never_cut_and_names_beside_them_stay() -> None:
    huge = FAIL.model_copy(
        update={"value": -123456789012.34, "interval": (-9e11, -1e11), "previous": -999999999999.99, "n": 10**9}
    )
    text = to_text(report(huge))
    for said in ("g-auc  roc_auc", " -123,456,789,012.34 ", " -900,000,000,000 to -100,000,000,000 ", "1,000,000,000"):
        assert said in text, said
