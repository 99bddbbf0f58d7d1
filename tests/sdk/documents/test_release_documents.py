"""Documents of a release: what each says, in both forms, for whom the words are hostile, and by whose format."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import yaml
from huggingface_hub import ModelCard
from vendorkit.documents.blocks import Words, Written, to_html, to_markdown
from vendorkit.documents.card import card
from vendorkit.documents.differences import differences
from vendorkit.documents.front_matter import to_yaml
from vendorkit.documents.gate_words import unit
from vendorkit.documents.release_documents import release_documents, rendered
from vendorkit.documents.risks import risks
from vendorkit.gates import latency, memory
from vendorkit.records.document_format import DocumentFormats, FormatSection
from vendorkit.records.dossier import Dossier
from vendorkit.records.gate_report import Cell
from vendorkit.records.run import ModelFormat
from vendorkit.standards.policy import packaged_policy

from tests.support.dossier import FILES, dossier
from tests.support.engagement import delivery, manifest, minimal_manifest

FORMATS = packaged_policy().documents
MITCHELL = (
    "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
    "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
)  # fmt: skip
GEBRU = (
    "Motivation", "Composition", "Collection process", "Preprocessing, cleaning and labelling", "Uses",
    "Distribution", "Maintenance",
)  # fmt: skip


def texts(one: Dossier, live: Dossier | None = None) -> dict[str, str]:
    return rendered(release_documents(one, live, FORMATS))


def headings(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^## (.+)$", text, re.MULTILINE))


def test_every_document_in_both_forms() -> None:
    names = {"brief", "card", "datasheet-applications", "release-notes"}
    assert set(texts(dossier())) == {f"{name}.{ending}" for name in names for ending in ("md", "html")}


def test_the_card_has_the_headings_of_mitchell_and_the_datasheet_those_of_gebru() -> None:
    made = texts(dossier())
    assert headings(made["card.md"]) == MITCHELL
    assert headings(made["datasheet-applications.md"]) == GEBRU
    assert headings(made["release-notes.md"]) == ("What changed", "Why", "Remaining risks")


def test_the_hub_reads_the_front_matter_of_the_card() -> None:
    data = ModelCard(texts(dossier())["card.md"]).data
    assert data.library_name == "sklearn"
    assert data.pipeline_tag == "tabular-classification"
    assert data.model_format == "skops"
    assert data.datasets == ["applications"]
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value, result.metric_name) == ("roc_auc", 0.7812, "g-auc")
    assert (result.task_type, result.dataset_name) == ("tabular-classification", "holdout")
    assert result.dataset_revision == dossier().report.benchmarks[0].content_digest  # type: ignore[union-attr]


def test_front_matter_is_yaml_whatever_stands_in_it() -> None:
    run = dossier().run
    odd = replace(dossier(), run=run.model_copy(update={"inputs": ()}), report=None)
    front = texts(odd)["card.md"].split("---\n")[1]
    value = yaml.safe_load(front)
    assert value["datasets"] == []
    assert "model-index" not in value


@pytest.mark.parametrize("value", [1e-05, -2e-12, 1e16, 0.25, 3.0])
def test_a_number_in_front_matter_is_one_for_every_reader_of_yaml(value: float) -> None:
    assert yaml.safe_load(to_yaml({"value": value})) == {"value": value}


def test_the_card_holds_what_was_recorded() -> None:
    text = texts(dossier())["card.md"]
    for said in (
        "skops: data only, carries no code.",
        "LogisticRegression",
        "parameter solver",
        "never real money",
        "0.7812",
        "0.7253 to 0.8371",
        "at least 0.76",
        "Label: creditability, decided by repayment ledger, defined in data/labels.md.",
        "Personal data: applications.",
        "> Young applicants are few.",
    ):
        assert said in text, said


def test_a_format_that_carries_code_is_marked_in_card_and_brief() -> None:
    run = dossier().run.model_copy(update={"model_format": ModelFormat(name="pickle", types=())})
    made = texts(dossier(run=run))
    assert "pickle: carries code; loading it runs whatever was put into it" in made["card.md"]
    assert "stored as pickle: loading it runs whatever" in made["brief.md"]


def test_the_datasheet_joins_snapshot_contract_and_manifest() -> None:
    text = texts(dossier())["datasheet-applications.md"]
    for said in (
        "| savings | string | 183 | - |",
        "Purpose by its contract: Rank applications.",
        "Limitations by its contract: One bank.",
        "Data contract acme-applications, version 1.2.0, active.",
        "2 rows were left out by drop-test-accounts: never real money.",
        "Answers for it: ml-sre",
        "Models of this engagement that learn from it: credit.",
    ):
        assert said in text, said


def test_a_data_contract_without_a_status_tells_none() -> None:
    text = texts(dossier(files={**FILES, "data/applications.odcs.yaml": b"version: 1.2.0"}))[
        "datasheet-applications.md"
    ]
    assert "version 1.2.0." in text
    assert "None" not in text


@pytest.mark.parametrize(
    "contract", [b"", b"[1, 2]", b"schema: 3\ndescription: no\n", b"\xff", b"schema: [{properties: x}]"]
)
def test_a_data_contract_that_cannot_be_read_says_nothing(contract: bytes) -> None:
    text = texts(dossier(files={**FILES, "data/applications.odcs.yaml": contract}))["datasheet-applications.md"]
    assert headings(text) == GEBRU
    assert "by its contract:" not in text


def live_before() -> Dossier:
    """A live version with another feature, other data, packages, limits and result."""
    now = dossier()
    fewer = now.features.features[1:]
    features = now.features.model_copy(update={"features": fewer})
    run = now.run.model_copy(
        update={
            "inputs": (now.run.inputs[0].model_copy(update={"rows": 900}),),
            "parameters": {"C": 1.0, "max_iter": 1000, "fit_intercept": True, "solver": "lbfgs"},
        }
    )
    gates = [{**gate, **({"min": 0.75} if gate["id"] == "g-auc" else {})} for gate in minimal_manifest()["gates"]]
    return replace(
        now,
        name="credit/1",
        run=run,
        features=features,
        contract=now.contract.model_copy(update={"fields": fewer}),
        manifest=manifest(gates=gates),
        requirements="numpy==2.0.0\npolars==1.0\n",
    )


def test_release_notes_name_every_difference() -> None:
    text = texts(dossier(), live_before())["release-notes.md"]
    for said in (
        "Compared with credit/1, which is live.",
        "| duration_months | - | integer, 4 to 72 |",
        "| applications | 900 rows, content sha256:917ba4b27fd8 | 1,000 rows, content sha256:917ba4b27fd8 |",
        "| numpy | 2.0.0 | 2.1.0 |",
        "| pandas | - | 3.0.0 |",
        "| polars | 1.0 | - |",
        "| g-auc | at least 0.75 and at most 0.01 worse",
        "| roc_auc (g-auc) | 0.7765 | 0.7812 |",
        "| parameter C | 1.0 | 0.1 |",
        "| field duration_months | - | integer |",
        "- The limit is looser than for the live version (gates: g-auc at least 0.7",
        "- Callers that do not send it will be refused (contract: field duration_months added: integer).",
        "The words of the release notes are still those of credit/1: nobody said why this version is made.",
    ):
        assert said in text, said


def of_contract(before: Dossier, after: Dossier) -> list[tuple[str, str, str, str]]:
    found = differences(before, after)
    return [(each.what, each.before, each.after, each.risk) for each in found if each.part == "contract"]


def test_callers_notice_each_field_that_came_went_or_may_be_null_no_longer() -> None:
    now = dossier()
    first, *rest = now.contract.fields
    names = ("z_last", "a_first", "m_middle")
    gone = tuple(first.model_copy(update={"name": name}) for name in names)
    may_be_null = first.model_copy(update={"nullable": True})
    before = replace(now, contract=now.contract.model_copy(update={"fields": (*rest, *gone)}))
    after = replace(now, contract=now.contract.model_copy(update={"fields": (may_be_null, *rest)}))
    assert of_contract(before, after) == [
        ("field duration_months", "", "integer", "callers that do not send it will be refused"),
        *((f"field {name}", "integer", "", "callers send it for nothing") for name in names),
    ]
    assert of_contract(after, now) == [
        ("field duration_months", "integer or null", "integer", "callers that send null will be refused")
    ]


def test_nobody_is_refused_where_what_is_missing_is_accepted() -> None:
    now = dossier()
    behaviour = now.contract.behaviour.model_copy(update={"missing": "accept"})
    mild = replace(now, contract=now.contract.model_copy(update={"behaviour": behaviour}))
    fewer = replace(mild, contract=mild.contract.model_copy(update={"fields": mild.contract.fields[1:]}))
    assert of_contract(fewer, mild) == [("field duration_months", "", "integer", "")]


def test_a_gate_that_asks_something_else_is_not_the_same_though_its_limit_is() -> None:
    easier = [
        {**gate, **({"metric": "accuracy"} if gate["id"] == "g-auc" else {})} for gate in minimal_manifest()["gates"]
    ]
    (found,) = (
        each for each in differences(dossier(), dossier(manifest=manifest(gates=easier))) if each.part == "gates"
    )
    assert (found.what, found.before, found.after) == ("what g-auc asks", "roc_auc on holdout", "accuracy on holdout")
    assert found.risk


def test_many_differences_of_one_risk_are_one_risk() -> None:
    now = dossier()
    first = now.contract.fields[0]
    more = tuple(first.model_copy(update={"name": f"field_{number}"}) for number in range(60))
    after = replace(now, contract=now.contract.model_copy(update={"fields": (*now.contract.fields, *more)}))
    (found,) = (risk for risk in risks(after, now) if "refused" in risk)
    assert found.startswith("Callers that do not send it will be refused (contract: field field_0 added: integer; ")
    assert found.endswith("; and 55 more).")


def test_a_card_lists_the_worst_groups_and_counts_the_others() -> None:
    report = dossier().report
    assert report is not None
    cells = tuple(Cell(name=f"region = {number}", n=1, value=0.5, verdict="fail") for number in range(200))
    first, *rest = report.results
    many = report.model_copy(update={"results": (first.model_copy(update={"cells": cells}), *rest)})
    text = texts(dossier(report=many))["card.md"]
    assert "region = 39 " in text
    assert "region = 40 " not in text
    assert "160 more groups are in the gate report." in text


def test_the_first_version_is_new_altogether() -> None:
    text = texts(dossier())["release-notes.md"]
    assert "All of it is new." in text
    assert "Nothing is recorded." not in text


def test_nothing_changed() -> None:
    text = texts(dossier(), replace(dossier(), name="credit/1"))["release-notes.md"]
    assert "The same as in credit/1: features, data, packages, gates and limits, training, what callers notice." in text


def test_the_brief_has_a_verdict_what_it_means_risks_and_who_decides() -> None:
    text = texts(dossier(), live_before())["brief.md"]
    assert "**No: the answer is not yes to 1 of 2 questions agreed beforehand.**" in text
    assert headings(text) == ("What it means", "What changes", "What may go wrong", "Who decides")
    assert (
        "| Ranks good and bad payers at least as well as today (g-auc) | yes | 0.7812 | at least 0.76 | 0.7765 |"
        in text
    )
    assert re.search(r"Candidate sha256:[0-9a-f]{12} was trained from commit [0-9a-f]{12} on .* and judged on ", text)
    assert "model-risk answers for the model; model-ops-lead is accountable" in text
    assert "vendor-ml" not in text


def brief_of(**changes: object) -> str:
    """The brief of a candidate with one answer of its gates changed."""
    report = dossier().report
    assert report is not None
    first, *rest = report.results
    answers = (first.model_copy(update=changes), *rest)
    return texts(dossier(report=report.model_copy(update={"results": answers})))["brief.md"]


def test_the_brief_names_a_limit_that_the_rows_leave_open() -> None:
    says = "300 rows cannot tell where between 0.7253 and 0.8371 the true figure lies; asked is at least 0.76."
    assert says in brief_of(least=0.76)
    assert "cannot tell" in brief_of(least=0.1, most=0.8, limit="at least 0.1, and at most 0.8")
    assert "cannot tell" not in brief_of(least=1e-05, limit="at least 1e-05", interval=(0.7, 1.1))


def test_the_brief_writes_units_and_never_rounds_onto_the_limit() -> None:
    quick = brief_of(metric="p99_ms", value=28.5213, limit="at most 250", least=None, most=250.0, previous=None)
    assert "| 28.52 ms | at most 250 ms | - |" in quick
    assert "| 0.759996 | at least 0.76 |" in brief_of(value=0.759996, least=0.76, limit="at least 0.76")
    assert "| 123,456.5 |" in brief_of(value=123456.5, metric="rows", limit="at least 9", least=9.0)


def test_groups_with_too_few_rows_are_one_risk() -> None:
    few = tuple(Cell(name=f"g = {name}", n=9, value=None, verdict="too-few") for name in "ab")
    assert "says nothing of groups with too few rows: g = a (9), g = b (9)." in brief_of(cells=few)


def test_whoever_cannot_go_back_is_told_so() -> None:
    one = dossier(manifest=manifest(**delivery()))
    first = texts(one)["brief.md"]
    assert "ml-sre does what docs/RUNBOOK.md says: there is no version to go back to." in first
    assert "ml-sre brings credit/1 back within 15 minutes." in texts(one, replace(one, name="credit/1"))["brief.md"]


def test_units_are_those_of_the_gates() -> None:
    figures = {**latency.FIGURES, **memory.FIGURES}
    assert {name: unit(name) for name in figures} == {name: each.unit for name, each in figures.items()}
    assert unit("roc_auc") == unit(None) == ""


def test_the_brief_tells_which_approvals_are_asked_for() -> None:
    high, low = (packaged_policy().approval_rule(tier) for tier in ("high", "low"))
    text = texts(dossier(rule=high))["brief.md"]
    assert "asks for 2 approvals, by different people, at least one of them by model-risk." in text
    assert "asks for one approval." in texts(dossier(rule=low))["brief.md"]


def test_a_brief_without_a_report_decides_nothing() -> None:
    assert "It was not judged yet; nothing can be decided." in texts(dossier(report=None))["brief.md"]


def test_the_form_is_the_platforms() -> None:
    own = DocumentFormats(card=(FormatSection(heading="Purpose", asks="Say it."), FormatSection(heading="Metrics")))
    files = {**FILES, "models/credit/CARD.md": b"## Purpose\n\nTo rank.\n"}
    text = to_markdown(card(dossier(files=files), own.card))
    assert headings(text) == ("Purpose", "Metrics")
    assert "> To rank." in text


HOSTILE = """## Factors

<script>alert(1)</script> ![x](https://evil.example/track.png) \x1b[31mred\u202e

# Fake heading
| gate | verdict |
<img src=x onerror=alert(1)>
"""


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href") or name.startswith("on")]


def test_hostile_words_stay_words() -> None:
    made = texts(dossier(files={**FILES, "models/credit/CARD.md": HOSTILE.encode()}))
    page = Tags()
    page.feed(made["card.html"])
    assert not page.seen & {"script", "img", "a", "iframe"}
    assert page.links == ["data:,"]
    text = made["card.md"]
    quoted = text.split("## Factors\n\n")[1].split("\n\nNo gate")[0]
    assert all(line.startswith(">") for line in quoted.splitlines())
    assert "<script" not in text
    assert "![" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_words_keep_their_lists_and_paragraphs_on_the_page() -> None:
    words = Words("One `two`.\n\n- a\n  b\n- c\n\n1. d\n\n### Head\nrest\n\n```\n# code\n```", "A.md")
    page = to_html(Written("x", "X", "lead", (words,)))
    assert "<p>One <code>two</code>.</p><ul><li>a b</li><li>c</li></ul><ol><li>d</li></ol>" in page
    assert "<p><strong>Head</strong></p><p>rest</p><pre># code</pre>" in page


def test_words_need_no_empty_line_before_a_list_a_heading_or_code() -> None:
    words = Words(
        "We looked\nat these:\n- a\n- b\n```\n- code\n\n```\nIn 2 steps, of\n2. which one\n## Head\n1. c\n- d", "A.md"
    )
    page = to_html(Written("x", "X", "lead", (words,)))
    assert "<p>We looked at these:</p><ul><li>a</li><li>b</li></ul><pre>- code\n</pre>" in page
    assert "<p>In 2 steps, of 2. which one</p><p><strong>Head</strong></p><ol><li>c</li><li>d</li></ol>" in page


def test_words_are_shown_whole_whatever_their_length() -> None:
    long = "why " * 400 + "this matters"
    code = "if x:\n    y = " + "1" * 900
    words = Words(f"{long}\n\n```\n{code}\n```\n\n" + "# one\n" * 3000, "A.md")
    page = to_html(Written("x", "X", "lead", (words,)))
    assert f"<p>{long}</p><pre>{code}</pre>" in page
    assert page.count("<p><strong>one</strong></p>") == 3000
