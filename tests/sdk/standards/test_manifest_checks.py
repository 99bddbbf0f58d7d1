"""The mutation table: a good repository, broken in one way for each check, fails exactly that check."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from vendorkit.errors import BadInput
from vendorkit.records.canonical import digest_bytes
from vendorkit.records.finding import Finding
from vendorkit.records.gate_report import GateReport
from vendorkit.records.licences import Dependency
from vendorkit.records.manifest import Waiver, examine
from vendorkit.records.seen_file import SeenFile
from vendorkit.standards.ask import CHECKS, ask, choose
from vendorkit.standards.base import RepositoryView
from vendorkit.standards.policy import packaged_policy
from vendorkit.standards.waivers import date_fault

from tests.support.dossier import dossier
from tests.support.engagement import ABSENT, delivery, manifest_bytes, minimal_manifest
from tests.support.words import WORDS

TODAY = date(2026, 11, 22)
TEMPLATE = {"noxfile.py": b"import nox\n", "pyproject.toml": b"[project]\nname = 'x'\n"}
WAIVER = {
    "check": "MAN-04",
    "target": "noxfile.py",
    "why": "Our runners need another session",
    "approved_by": "model-risk",
    "ticket": "ACME-31",
    "expires": "2027-01-31",
}


def view(files: dict[str, SeenFile] | None = None, **changes: Any) -> RepositoryView:
    """A good repository with the template's files as the template gives them, but for the changes."""
    text = manifest_bytes(**changes)
    policy = packaged_policy()
    words = {path: text.encode() for path, text in WORDS.items()}
    good = {path: SeenFile("file", data) for path, data in {**TEMPLATE, **words}.items()}
    examined = examine(text)
    return RepositoryView(
        examined=examined,
        evidence=digest_bytes(text),
        as_of=TODAY,
        pack=policy.name,
        least_version=policy.minimum,
        rendered=TEMPLATE,
        files={**good, **(files or {})},
        documents=policy.documents,
        gates=policy.gates,
        benchmarks=policy.benchmarks,
        asked=policy.asked(examined.manifest) if examined.manifest else {},
        licences=policy.licences,
        dependencies=(Dependency("numpy", "2.4.0", "BSD-3-Clause"), Dependency("huey", "3.5.4", "")),
    )


def findings(seen: RepositoryView) -> list[Finding]:
    return ask(CHECKS.values(), seen, packaged_policy())


def failing(found: list[Finding]) -> set[str]:
    return {finding.id for finding in found if finding.verdict == "fail"}


def old(version: str, pack: str = "platform-standards") -> dict[str, Any]:
    return {"standards": {"pack": pack, "version": version}}


def worded(path: str, old: str, new: str) -> RepositoryView:
    """A repository at stage delivery with other words in one file."""
    assert old in WORDS[path]
    return view({path: SeenFile("file", WORDS[path].replace(old, new).encode())}, **delivery())


CARD, CHANGES, DATASHEET = "models/credit/CARD.md", "models/credit/CHANGES.md", "data/README.md"
REPORT = dossier().report

POINTER = (Path(__file__).parents[1] / "records/golden/snapshot.json").read_bytes()
GATES, BENCHMARKS = minimal_manifest()["gates"], minimal_manifest()["benchmarks"]
CAPPED = REPORT.model_copy(update={"results": (REPORT.results[0].model_copy(update={"most": 0.8}),)})
JUDGED = REPORT.model_copy(update={"results": (REPORT.results[0].model_copy(update={"least": 0.76}),)})


def asked(report: GateReport, files: dict[str, SeenFile] | None = None, **changes: Any) -> RepositoryView:
    """A repository whose gates were asked."""
    return replace(view(files, **changes), reports={"credit": report})


def needing(*dependencies: Dependency, **changes: Any) -> RepositoryView:
    """A repository that needs these packages."""
    return replace(view(**changes), dependencies=dependencies)


MUTATIONS: dict[str, tuple[str, RepositoryView]] = {
    "unknown key": ("MAN-01", view(colour=1)),
    "missing section": ("MAN-01", view(handoff=ABSENT)),
    "wrong type": ("MAN-01", view(gates="none")),
    "vendor as accountable": ("MAN-02", view(accountable="vendor-ml")),
    "unknown owner": ("MAN-02", view(surfaces=[{**minimal_manifest()["surfaces"][0], "owner": "ghost"}])),
    "old standards": ("MAN-03", view(**old("2026.10"))),
    "standards of another pack": ("MAN-03", view(**old("2026.11", "my-own"))),
    "edited file": ("MAN-04", view({"noxfile.py": SeenFile("file", b"import nox\nimport os\n")})),
    "deleted file": ("MAN-04", view({"noxfile.py": SeenFile("missing")})),
    "link instead of file": ("MAN-04", view({"noxfile.py": SeenFile("link")})),
    "folder instead of file": ("MAN-04", view({"noxfile.py": SeenFile("other")})),
    "expired waiver": ("MAN-05", view(waivers=[{**WAIVER, "expires": "2026-11-21"}])),
    "endless waiver": ("MAN-05", view(waivers=[{**WAIVER, "expires": "2027-05-22"}])),
    "waiver by the vendor": ("MAN-05", view(waivers=[{**WAIVER, "approved_by": "vendor-ml"}])),
    "waiver by nobody": ("MAN-05", view(waivers=[{**WAIVER, "approved_by": "ghost"}])),
    "a forbidden licence": ("LIC-01", needing(Dependency("mongo", "1.0", "SSPL-1.0 AND MIT"))),
    "a licence nobody judged": ("LIC-02", needing(Dependency("fonts", "1.0", "OFL-1.1"))),
    "a package without licence": ("LIC-02", needing(Dependency("inhouse", "1.0", ""))),
    "no gate of a kind": ("GAT-01", view(**{**delivery(), "gates": GATES[:1]})),
    "another benchmark": (
        "GAT-03",
        asked(REPORT, {"benchmarks/holdout.lock.json": SeenFile("file", POINTER)}),
    ),
    "another stress": (
        "GAT-03",
        asked(
            REPORT,
            {"stress.py": SeenFile("file", b"x"), "data/applications.lock.json": SeenFile("file", POINTER)},
            benchmarks=[{**BENCHMARKS[0], "path": "stress.py"}],
        ),
    ),
    "no benchmark of a kind": (
        "GAT-04",
        view(**{**delivery(), "benchmarks": [{**BENCHMARKS[0], "kind": "historical"}]}),
    ),
    "a gate without words": ("GAT-05", view(gates=[{**GATES[0], "says": "roc_auc at least 0.7"}, GATES[1]])),
    "a lower limit": ("GAT-06", asked(JUDGED)),
    "a higher limit": ("GAT-06", asked(CAPPED, gates=[{**GATES[0], "min": None, "max": 0.9}, GATES[1]])),
    "no limit of its kind": ("GAT-06", asked(CAPPED)),
    "a gate that is gone": ("GAT-06", asked(JUDGED, gates=[{**GATES[0], "id": "g-other"}, GATES[1]])),
    "stub in the card": ("DOC-01", worded(CARD, "Young applicants are few.", "Say here who is few.")),
    "no section in the card": ("DOC-01", worded(CARD, "## Factors", "### Factors")),
    "a section nobody asked for": ("DOC-01", worded(CARD, "## Factors", "## Praise\n\nGood.\n\n## Factors")),
    "an empty section": ("DOC-01", worded(DATASHEET, "CC BY 4.0.", "<!-- later -->")),
    "no card": ("DOC-01", view({CARD: SeenFile("missing")}, **delivery())),
    "a link as card": ("DOC-01", view({CARD: SeenFile("link")}, **delivery())),
    "a binary card": ("DOC-01", view({CARD: SeenFile("file", b"\xff\xfe")}, **delivery())),
    "a figure that is not so": (
        "DOC-02",
        replace(worded(CARD, "few.", "few. ROC AUC is 0.99."), reports={"credit": REPORT}),
    ),
    "rows that are not there": ("DOC-02", replace(worded(CHANGES, "rows", "12 rows"), reports={"credit": REPORT})),
    "no reason in the notes": ("DOC-03", worded(CHANGES, "The first version.", "TODO")),
    "no risk in the notes": ("DOC-03", worded(CHANGES, "## Remaining risks", "## Praise")),
    "no notes": ("DOC-03", view({CHANGES: SeenFile("missing")}, **delivery())),
    "waiver of the manifest": ("MAN-05", view(waivers=[{**WAIVER, "check": "MAN-02"}])),
}


def test_a_good_repository_fails_nothing() -> None:
    found = findings(view())
    assert failing(found) == set()
    assert {finding.id for finding in found if finding.verdict == "pass"} == set(CHECKS)
    owed = {finding.facts["target"] for finding in found if finding.verdict == "not-yet"}
    assert owed == {"lifecycle", "operations", "cadence"}


@pytest.mark.parametrize("name", MUTATIONS)
def test_broken_in_one_way_fails_exactly_that_check(name: str) -> None:
    check, broken = MUTATIONS[name]
    found = findings(broken)
    assert failing(found) == {check}
    for finding in found:
        assert finding.why
        if finding.verdict == "fail":
            assert finding.where
            assert finding.fix or finding.id == "MAN-01"


def test_every_check_is_in_the_table_and_in_the_pack() -> None:
    assert {check for check, _ in MUTATIONS.values()} == set(CHECKS) == set(packaged_policy().checks)


def test_a_fault_of_yaml_is_a_fault_of_the_manifest() -> None:
    broken = replace(view(), examined=examine(manifest_bytes() + b"accountable: ml-sre\n"))
    found = findings(broken)
    assert failing(found) == {"MAN-01"}
    assert any("duplicate key" in finding.says and "accountable" in finding.where for finding in found)
    assert [finding.verdict for finding in found if finding.id == "MAN-02"] == ["not-yet"]


def test_a_licence_that_nobody_looked_at_is_no_pass() -> None:
    """Also beside packages that were looked at; and one package may be waived."""
    absent = needing(Dependency("numpy", "2.4.0", "BSD-3-Clause"), *(Dependency(f"p{n}", "1", None) for n in range(7)))
    for seen in (absent, replace(view(), dependencies=None)):
        verdicts = {finding.id: finding.verdict for finding in findings(seen) if finding.id.startswith("LIC")}
        assert verdicts == {"LIC-01": "not-yet", "LIC-02": "not-yet"}
    (says,) = [finding.says for finding in findings(absent) if finding.id == "LIC-01"]
    assert "p0 1, p1 1, p2 1, p3 1, p4 1 and 2 more" in says
    waiver = {**WAIVER, "check": "LIC-02", "target": "fonts"}
    needed = needing(Dependency("fonts", "1.0", "OFL-1.1"), Dependency("other", "1.0", "OFL-1.1"), waivers=[waiver])
    told = {finding.facts["target"]: finding.verdict for finding in findings(needed) if finding.id == "LIC-02"}
    assert told == {"fonts": "waived", "other": "fail"}


def test_every_fault_is_named() -> None:
    people = {**minimal_manifest()["people"], "eve": {"name": "E"}}
    found = findings(view(people=people, colour=1, accountable="vendor-ml"))
    places = {finding.where.partition(": ")[2] for finding in found if finding.verdict == "fail"}
    assert places == {"people.eve.org", "people.eve.role", "people.eve.contact", "colour", "accountable"}


def test_drift_names_the_first_line_that_differs() -> None:
    broken = MUTATIONS["edited file"][1]
    [finding] = [finding for finding in findings(broken) if finding.verdict == "fail"]
    assert finding.where == "noxfile.py:2"
    assert finding.severity == "warning"
    assert finding.facts["evidence"] == digest_bytes(b"import nox\nimport os\n")


def test_what_cannot_be_compared_is_never_a_pass() -> None:
    blind = replace(view(), rendered=None, no_render="there are no recorded answers.")
    [finding] = [finding for finding in findings(blind) if finding.id == "MAN-04"]
    assert finding.verdict == "not-yet"
    assert "no recorded answers" in finding.says


def test_a_waiver_covers_its_target_and_no_other() -> None:
    gone = {path: SeenFile("missing") for path in TEMPLATE}
    found = {finding.where: finding for finding in findings(view(gone, waivers=[WAIVER])) if finding.id == "MAN-04"}
    assert found["noxfile.py:1"].verdict == "waived"
    assert "ACME-31" in found["noxfile.py:1"].says
    assert found["pyproject.toml:1"].verdict == "fail"


def test_a_waiver_without_target_covers_all_of_its_check_and_no_other() -> None:
    gone = {path: SeenFile("missing") for path in TEMPLATE}
    wide = {key: value for key, value in WAIVER.items() if key != "target"}
    assert failing(findings(view(gone, waivers=[wide]))) == set()
    assert failing(findings(view(gone, waivers=[{**wide, "check": "GAT-05"}]))) == {"MAN-04"}
    assert {found.verdict for found in findings(view(waivers=[wide])) if found.id == "MAN-04"} == {"pass"}


def test_a_limit_that_is_as_it_was_or_narrower_is_not_loosened() -> None:
    for changes in ({"max": 0.8}, {"max": 0.75}):
        seen = asked(CAPPED, gates=[{**GATES[0], "min": None, **changes}, GATES[1]])
        assert failing(findings(seen)) == set()


def test_stage_and_tier_decide_how_severe_a_fault_is() -> None:
    edited = {"noxfile.py": SeenFile("file", b"")}
    for given in (view(edited), view(edited, **delivery())):
        engagement, line = given.examined.draft.engagement, packaged_policy().line("MAN-04")
        assert engagement is not None
        [finding] = [finding for finding in findings(given) if finding.id == "MAN-04"]
        assert finding.severity == line.severity_at(engagement.stage, engagement.risk_tier, TODAY)


@pytest.mark.parametrize("change", [{"expires": "2026-11-21"}, {"approved_by": "vendor-ml"}, {"expires": "2027-06-01"}])
def test_a_waiver_that_does_not_hold_waives_nothing(change: dict[str, str]) -> None:
    gone = {"noxfile.py": SeenFile("missing")}
    assert failing(findings(view(gone, waivers=[{**WAIVER, **change}]))) == {"MAN-04", "MAN-05"}


@pytest.mark.parametrize("expires", ["2026-11-22", "2027-05-21"])
def test_the_first_and_the_last_day_of_a_waiver(expires: str) -> None:
    assert failing(findings(view(waivers=[{**WAIVER, "expires": expires}]))) == set()


def test_warnings_come_with_the_answer_of_man_02() -> None:
    [finding] = [finding for finding in findings(view(deputy=ABSENT)) if finding.id == "MAN-02"]
    assert finding.verdict == "pass"
    assert "nobody stands in" in finding.facts["warnings"][0]["says"]


def test_standards_that_are_not_named_are_owed() -> None:
    [finding] = [finding for finding in findings(view(standards=ABSENT)) if finding.id == "MAN-03"]
    assert finding.verdict == "not-yet"


def test_choosing_checks() -> None:
    assert [check.id for check in choose(["man-03"])] == ["MAN-03"]
    assert len(choose(["MAN"])) == 5
    assert len(choose(["doc"])) == 3
    assert len(choose([])) == len(CHECKS)
    with pytest.raises(BadInput) as caught:
        choose(["MAN-01", "XYZ-01", "nothing"])
    assert [fault.where for fault in caught.value.faults] == ["XYZ-01", "NOTHING"]


def test_at_kickoff_words_are_still_owed() -> None:
    seen = view({CARD: SeenFile("missing"), CHANGES: SeenFile("file", b"## Why\n\nSay here why.\n")})
    found = {finding.id: finding for finding in findings(seen) if finding.id.startswith("DOC")}
    assert failing(list(found.values())) == set()
    assert found["DOC-01"].verdict == found["DOC-03"].verdict == "not-yet"
    assert "has no section `Remaining risks`" in " ".join(
        finding.says for finding in findings(seen) if finding.id == "DOC-03"
    )


def test_a_model_without_a_card_is_owed_one() -> None:
    surface = {key: value for key, value in minimal_manifest()["surfaces"][0].items() if key != "card"}
    found = [finding for finding in findings(view(surfaces=[surface])) if finding.id == "DOC-01"]
    assert [(finding.verdict, finding.says) for finding in found] == [("not-yet", "credit names no model card.")]


def test_a_figure_that_nothing_proves_is_not_yet_a_fault_and_a_limit_may_be_told() -> None:
    def verdicts(words: str) -> list[str]:
        return [found.verdict for found in findings(worded(CARD, "few.", words)) if found.id == "DOC-02"]

    assert verdicts("few. ROC AUC is 0.91.") == ["not-yet"]
    assert verdicts("few. ROC AUC at least 0.7.") == ["pass"]


def test_figures_are_compared_with_the_newest_report_and_the_pointers() -> None:
    pointer = dossier().snapshots[0].to_bytes()
    seen = replace(worded(CARD, "few.", "few. ROC AUC is 0.78, on 1,000 rows."), reports={"credit": REPORT})
    good = replace(seen, files={**seen.files, "data/applications.lock.json": SeenFile("file", pointer)})
    assert [found.verdict for found in findings(good) if found.id == "DOC-02"] == ["pass"]
    [bad] = [found for found in findings(seen) if found.id == "DOC-02"]
    assert (bad.verdict, bad.where) == ("fail", "models/credit/CARD.md:13")


def test_without_a_model_there_is_nothing_to_document() -> None:
    surface = {"id": "data", "kind": "dataset", "path": "data", "owner": "ml-sre"}
    gone = {"surfaces": [surface], "gates": [], "benchmarks": []}
    found = {finding.id: finding.verdict for finding in findings(view(**gone)) if finding.id.startswith("DOC")}
    assert found == {"DOC-01": "not-applicable", "DOC-02": "not-applicable", "DOC-03": "not-applicable"}


def test_a_stress_of_no_declared_data_is_not_judged() -> None:
    seen = asked(
        REPORT,
        {"stress.py": SeenFile("file", b"x")},
        benchmarks=[{**BENCHMARKS[0], "path": "stress.py", "dataset": None}],
        surfaces=[{**minimal_manifest()["surfaces"][0], "datasets": []}],
        datasets=ABSENT,
    )
    assert "GAT-03" not in failing(findings(seen))


def test_a_waiver_is_judged_on_the_last_day_that_there_is() -> None:
    assert date_fault(Waiver.model_validate({**WAIVER, "expires": "9999-12-31"}), date.max) == ""
