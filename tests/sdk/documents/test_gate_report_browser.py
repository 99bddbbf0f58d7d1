"""Pages in a real browser: what opens the gate report, that nothing runs off a phone, and a brief on one page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from vendorkit.documents.blocks import Table, Written
from vendorkit.documents.blocks import to_html as document_page
from vendorkit.documents.brief import brief
from vendorkit.documents.gate_report import to_html
from vendorkit.documents.gate_words import headline
from vendorkit.records.gate_report import Confusion, GateReport

from tests.support.dossier import dossier
from tests.support.engagement import delivery, manifest
from tests.support.reports import ERROR, HOSTILE, full_report, hostile, many_segments, passing_report, report

if TYPE_CHECKING:
    from tests.support.browser import Browser

REPORTS: dict[str, Callable[[], GateReport]] = {
    "passed": passing_report,
    "failed": full_report,
    "errors": lambda: report(ERROR),
    "none": report,
    "100 segments": many_segments,
    "long words": lambda: hostile("x" * 3_000),
    "hostile": lambda: hostile(HOSTILE[0]),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if shutil.which("chromium") is None:
        pytest.skip("chromium is absent: `apt-get install chromium`")
    pytest.importorskip("playwright", reason="playwright is not installed: VENDORKIT_NO_SKIP=1 nox -s tests")
    from tests.support.browser import open_browser

    with open_browser() as opened:
        yield opened


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_runs_off_a_phone_or_a_desk(browser: Browser, name: str, tmp_path: Path) -> None:
    found = REPORTS[name]()
    file = tmp_path / "report.html"
    file.write_text(to_html(found), encoding="utf-8")
    for width in (390, 1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.querySelectorAll('h3, dd, td, th, p')].every(each => "
                             "each.getBoundingClientRect().right <= innerWidth + 1)")  # fmt: skip
        assert page.inner_text("h1").strip() == " ".join(headline(found).split())
        assert page.evaluate("document.body.innerText.trim()").startswith(page.inner_text("h1"))
        assert (said, asked) == ([], [file.as_uri()])
        page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_long_names_push_no_cell_of_a_document_away_and_lie_over_none(
    browser: Browser, width: int, tmp_path: Path
) -> None:
    long = "feature_" + "w" * 40
    three = Table(("Features", f"{'m' * 59}/12", "this version"), ((long, "-", "number, 1e-12 to 1,000,000,000"),) * 2)
    two = Table(("feature, 1 in all", "as seen in training"), ((long, "number, 1e-12 to 1,000,000,000"),))
    file = tmp_path / "document.html"
    file.write_text(document_page(Written("x", "X", "lead", (three, two))), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(file.as_uri())
    assert page.evaluate(
        "[...document.querySelectorAll('td')].every(each => each.getBoundingClientRect().width >= 60 "
        "&& each.getBoundingClientRect().right <= each.closest('.wide').getBoundingClientRect().right + 1)"
    )
    if width < 640:  # each head stands beside its cell, which is as high as the head is
        assert page.evaluate("document.querySelectorAll('.many td')[1].getBoundingClientRect().height") > 60
    page.close()


def test_classes_of_a_confusion_are_not_broken_into_letters(browser: Browser, tmp_path: Path) -> None:
    names = tuple(f"standard class {number}" for number in range(12))
    use = (
        full_report()
        .benchmarks[0]
        .model_copy(update={"confusion": Confusion(classes=names, rows=((1_000_000,) * 12,) * 12)})
    )
    file = tmp_path / "report.html"
    file.write_text(to_html(report(benchmarks=(use,))), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.confusion td').getBoundingClientRect().height") < 100
    page.close()


def test_failures_stand_on_the_first_screen(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(to_html(full_report()), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(file.as_uri())
    assert page.evaluate("document.querySelector('article.fail').getBoundingClientRect().bottom") < 800
    colour = "verdict => getComputedStyle(document.querySelector(`tr.${verdict} .word`)).color"
    colours = {verdict: page.evaluate(colour, verdict) for verdict in ("pass", "fail", "error", "too-few")}
    assert len(set(colours.values())) == 3, colours
    assert colours["error"] == colours["too-few"]
    page.close()


def test_a_screen_reader_hears_verdict_gates_plots_and_numbers(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(to_html(full_report()), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("heading", name="FAIL g-auc").count() == 1
    assert page.get_by_role("img", name="ROC curve on frozen-2025q4").count() == 1
    assert page.get_by_role("table", name="By segment, the worst first").count() == 1
    nameless = "[...document.querySelectorAll('svg')].filter(each => !each.querySelector('title').textContent.trim())"
    assert page.evaluate(f"{nameless}.length") == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.close()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_brief_of_ten_gates_is_one_printed_page(browser: Browser, paper: str, tmp_path: Path) -> None:
    judged = dossier().report
    assert judged is not None
    ten = judged.model_copy(update={"results": judged.results * 5})
    one = dossier(report=ten, manifest=manifest(**delivery()))
    file = tmp_path / "brief.html"
    file.write_text(document_page(brief(one, one)), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))) == 1
