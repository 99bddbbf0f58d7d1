"""Reading the manifest: everything at once, with path and line, and no input that ends otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from vendorkit.errors import BadInput
from vendorkit.records.manifest import Manifest, examine, load_manifest

from tests.support.engagement import ABSENT, manifest, manifest_bytes, minimal_manifest

EXAMPLE = Path(__file__).parents[5] / "shared" / "design" / "engagement.example.yaml"


def example() -> Manifest:
    """The full example, at stage delivery and tier high."""
    if not EXAMPLE.exists():
        pytest.skip("the design's example is not beside the repository")
    return load_manifest(EXAMPLE.read_bytes())


def faults_of(data: bytes) -> list[str]:
    with pytest.raises(BadInput) as caught:
        load_manifest(data)
    return [str(fault) for fault in caught.value.faults]


def test_the_example_loads_without_a_fault() -> None:
    found = example()
    assert [model.id for model in found.models()] == ["pd-model"]
    assert len(found.gates_for("pd-model")) == 8
    assert found.people[found.accountable].role == "head-of-model-ops"
    assert found.owed() == ()


def test_a_fresh_scaffold_is_valid_and_owes_the_rest() -> None:
    found = manifest()
    assert found.owed() == ("lifecycle", "operations", "cadence")
    assert found.dataset("applications").source == "data/applications.csv"
    assert found.benchmark("holdout").kind == "frozen"
    assert found.surface("credit") == found.model()
    assert found.internal("ml-sre")
    assert not found.internal("vendor-ml")
    assert not found.internal("nobody")
    found_person = found.person_by_contact("ML@acme.example")
    assert found_person is not None
    assert found_person[0] == "vendor-ml"
    assert found.person_by_contact("else@acme.example") is None


def test_the_smallest_kickoff_has_the_required_sections_alone() -> None:
    optional = ("standards", "datasets", "reproduce", "benchmarks", "gates", "productivity", "waivers", "deputy")
    changes: dict[str, Any] = dict.fromkeys(optional, ABSENT)
    changes["engagement"] = {**minimal_manifest()["engagement"], "risk_tier": "high"}
    changes["surfaces"] = [{"id": "credit", "kind": "model", "path": "models/credit", "owner": "model-risk"}]
    found = manifest(**changes)
    assert found.gates == ()
    assert found.operations is None


@pytest.mark.parametrize(
    "section", ["engagement", "accountable", "people", "vendor", "systems", "surfaces", "milestones", "handoff"]
)
def test_sections_required_at_kickoff(section: str) -> None:
    assert f"engagement.yaml:1: {section}: is missing. Add `{section}`." in faults_of(
        manifest_bytes(**{section: ABSENT})
    )


def test_from_delivery_on_the_rest_is_required_too() -> None:
    engagement = {**minimal_manifest()["engagement"], "stage": "delivery"}
    found = faults_of(manifest_bytes(engagement=engagement))
    for section in ("lifecycle", "operations", "cadence"):
        assert any(f": {section}: is missing; it is required at stage delivery." in fault for fault in found)


def test_the_digest_knows_what_is_said_and_not_how() -> None:
    text = manifest_bytes()
    again = b"# a remark\n" + yaml.safe_dump(yaml.safe_load(text), sort_keys=True).encode()
    assert load_manifest(again).digest == load_manifest(text).digest
    assert manifest(accountable="ml-sre", deputy="model-risk").digest != manifest().digest


def test_a_manifest_says_again_what_was_read() -> None:
    found = manifest()
    assert load_manifest(yaml.safe_dump(found.to_value()).encode()) == found


def test_asking_for_what_is_not_there_lists_what_is() -> None:
    found = manifest()
    for ask in (found.surface, found.dataset, found.benchmark, found.model):
        with pytest.raises(BadInput, match="There are:"):
            ask("nothing")


TEN = b"""schema_version: 1
engagement:
  id: acme
  title: A
  use_case: B
  operating_model: hybird
  stage: kickoff
  risk_tier: extreme
  starts: 2026-09-31
  ends: 2027-02-26
accountable: vendor-ml
people:
  lead: {name: Lead, org: internal, role: lead, contact: lead@bank.example}
  vendor-ml: {name: ML, org: vendor, role: ml, contact: not an address}
  vendor-data: {name: Data, org: vendor, role: data, contact: data@acme.example, colour: red}
vendor:
  name: Acme
  capacity: {billing: hours, fte: many}
  agreement: {}
  proprietary: []
systems: {code: "https://git.bank.example/x"}
surfaces:
  - {id: credit, kind: model, path: ../credit, owner: vendor-data}
  - {id: credit, kind: pipeline, path: p, owner: nobody}
milestones:
  - {id: m1, title: One, due: 2027-01-15, delivers: [code], accepted_by: lead}
handoff:
  future_owner: lead
  training: docs/TRAINING.md
  shadow: {vendor_runs: 2027-01-11, we_run: 2027-01-01, vendor_out: 2027-02-08}
  rehearsal: {date: 2027-02-03, by: [vendor-data], drills: [deploy]}
  cutover: 2027-02-12
"""


def test_more_than_ten_faults_at_once_each_with_path_and_line() -> None:
    found = faults_of(TEN)
    expected = [
        "engagement.yaml:6: engagement.operating_model: is \"hybird\"; expected",
        "engagement.yaml:8: engagement.risk_tier: is \"extreme\"; expected",
        "engagement.yaml:9: engagement.starts: is \"2026-09-31\"",
        "engagement.yaml:14: people.vendor-ml.contact: is \"not an address\"",
        "engagement.yaml:15: people.vendor-data.colour: is not a key",
        "engagement.yaml:18: vendor.capacity.fte: is \"many\"; expected a number",
        "engagement.yaml:23: surfaces[0].path: is \"../credit\"; expected a path inside",
        "engagement.yaml:24: surfaces[1].id: 'credit' is the id of surfaces[0] already",
        "engagement.yaml:24: surfaces[1].owner: there is no person 'nobody'",
        "engagement.yaml:26: milestones: no milestone delivers: tests, environment",
        "engagement.yaml:27: handoff.extend_if_failed: is missing",
    ]  # fmt: skip
    for start in expected:
        assert any(fault.startswith(start.replace(":26: milestones", ":25: milestones")) for fault in found), found


def test_a_megabyte_of_faults_gives_a_readable_answer() -> None:
    people = b"".join(
        b"  p%d: {name: a, org: internal, role: r, contact: a%d@b.example}\n" % (n, n) for n in range(4000)
    )
    surfaces = b"".join(b"- {id: s%d, kind: model, path: p, owner: nobody}\n" % n for n in range(4000))
    keys = b"".join(b"key%d: 1\n" % n for n in range(20000))
    found = faults_of(b"people:\n" + people + b"surfaces:\n" + surfaces + keys)
    assert len(found) == 201
    assert max(len(fault) for fault in found) < 1000


def test_nobody_is_blamed_for_a_fault_elsewhere() -> None:
    people = minimal_manifest()["people"]
    people["ml-sre"]["org"] = "interal"
    found = faults_of(manifest_bytes(people=people))
    assert len(found) == 1
    assert "people.ml-sre.org" in found[0]
    milestones = minimal_manifest()["milestones"]
    milestones[0]["due"] = "soon"
    (fault,) = faults_of(manifest_bytes(milestones=milestones))
    assert "milestones[0].due" in fault
    mistyped = manifest_bytes().replace(b"\npeople:", b"\npeoples:")
    assert [fault.split(" ", 1)[1] for fault in faults_of(mistyped)] == [
        "people: is missing. Add `people`.",
        "peoples: is not a key of the manifest. Did you mean `people`?",
    ]


def edit(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    """A change of the example at one key path."""

    def change(value: dict[str, Any]) -> None:
        part: Any = value
        for key in path[:-1]:
            part = part[key]
        if to is ABSENT:
            del part[path[-1]]
        else:
            part[path[-1]] = to

    return change


CROSS = {
    "vendor as accountable": (edit("accountable", to="vendor-ml"), "accountable", "works for the vendor"),
    "unknown accountable": (edit("accountable", to="ghost"), "accountable", "there is no person 'ghost'"),
    "vendor owns a surface": (edit("surfaces", 0, "owner", to="vendor-ml"), "surfaces[0].owner", "works for"),
    "vendor owns a dataset": (edit("datasets", 0, "owner", to="vendor-ml"), "datasets[0].owner", "works for"),
    "vendor accepts": (edit("milestones", 0, "accepted_by", to="vendor-ml"), "milestones[0].accepted_by", "works"),
    "vendor approves the end": (edit("lifecycle", "approver", to="vendor-ml"), "lifecycle.approver", "works for"),
    "vendor approves a waiver": (edit("waivers", 0, "approved_by", to="vendor-ml"), "waivers[0]", "works for"),
    "vendor rolls back": (
        edit("operations", "rollback", "authority", 0, to="vendor-ml"), "operations.rollback.authority[0]", "works"
    ),
    "vendor owns retraining": (edit("operations", "retrain", "owner", to="vendor-ml"), "retrain.owner", "works for"),
    "vendor as future owner": (edit("handoff", "future_owner", to="vendor-ml"), "handoff.future_owner", "works for"),
    "vendor rehearses": (edit("handoff", "rehearsal", "by", to=["vendor-ml"]), "handoff.rehearsal.by[0]", "works"),
    "vendor accepts chance": (
        edit("reproduce", "stochastic", 0, "accepted_by", to="vendor-ml"), "reproduce.stochastic[0]", "works for"
    ),
    "unknown chair": (edit("cadence", 0, "chair", to="ghost"), "cadence[0].chair", "no person"),
    "unknown cover": (edit("vendor", "capacity", "cover", "vendor-ml", to="ghost"), "cover.vendor-ml", "no person"),
    "unknown alert": (edit("operations", "alerts", 1, "to", to="ghost"), "operations.alerts[1].to", "no person"),
    "shared contact": (
        edit("people", "vendor-ml", "contact", to="ML-SRE@bank.example"), "people.vendor-ml.contact", "ml-sre too"
    ),
    "id twice": (edit("gates", 1, "id", to="g-auc"), "gates[1].id", "id of gates[0]"),
    "unknown dataset": (edit("surfaces", 0, "datasets", 1, to="ghost"), "surfaces[0].datasets[1]", "no 'ghost'"),
    "unknown benchmark": (edit("gates", 0, "benchmark", to="ghost"), "gates[0].benchmark", "no 'ghost'"),
    "unknown model": (edit("gates", 0, "model", to="pd-api"), "gates[0].model", "no model surface"),
    "gate without limit": (edit("gates", 3, "max", to=ABSENT), "gates[3]", "has no limit"),
    "gate without benchmark": (edit("gates", 3, "benchmark", to=ABSENT), "gates[3]", "no benchmark"),
    "gate without metric": (edit("gates", 3, "metric", to=ABSENT), "gates[3]", "no metric"),
    "segment without slice": (edit("gates", 1, "slice", to=ABSENT), "gates[1]", "without a slice"),
    "fairness without slice": (edit("gates", 2, "slice", to=ABSENT), "gates[2]", "without a slice"),
    "two weights": (edit("gates", 0, "weight", to="a, b"), "gates[0].weight", "`weight` is 'a, b'"),
    "condition as series": (edit("gates", 0, "series", to="age < 25"), "gates[0].series", "is a condition"),
    "fairness of a condition": (edit("gates", 2, "slice", to="age < 25"), "gates[2].slice", "is a condition"),
    "impossible gate": (edit("gates", 0, "max", to=0.1), "gates[0]", "nothing could pass"),
    "model without card": (edit("surfaces", 0, "card", to=ABSENT), "surfaces[0]", "without `card`"),
    "model without datasets": (edit("surfaces", 0, "datasets", to=[]), "surfaces[0]", "without `datasets`"),
    "endpoint without contract": (edit("surfaces", 1, "contract", to=ABSENT), "surfaces[1]", "without `contract`"),
    "endpoint without deploy": (edit("surfaces", 1, "deploy", to=ABSENT), "surfaces[1]", "without `deploy`"),
    "pipeline without runbook": (edit("surfaces", 2, "runbook", to=ABSENT), "surfaces[2]", "without `runbook`"),
    "dashboard without refresh": (edit("surfaces", 3, "refresh", to=ABSENT), "surfaces[3]", "without `refresh`"),
    "high tier without memory gate": (edit("gates", 4, to=ABSENT), "gates", "of kinds memory"),
    "high tier without stress": (edit("benchmarks", 3, "kind", to="frozen"), "benchmarks", "of kinds stress"),
    "no card delivered": (
        lambda value: [m.update(delivers=[d for d in m["delivers"] if d != "card"]) for m in value["milestones"]],
        "milestones", "no milestone delivers: card",
    ),
    "ends before it starts": (edit("engagement", "ends", to="2026-08-01"), "engagement.ends", "before"),
    "we run before the vendor": (edit("handoff", "shadow", "we_run", to="2027-01-01"), "shadow.we_run", "before"),
    "rehearsal too early": (edit("handoff", "rehearsal", "date", to="2027-01-20"), "rehearsal.date", "before"),
    "vendor out before rehearsal": (edit("handoff", "shadow", "vendor_out", to="2027-02-01"), "vendor_out", "before"),
    "cutover too early": (edit("handoff", "cutover", to="2027-02-01"), "handoff.cutover", "before"),
    "cutover after the end": (edit("handoff", "cutover", to="2027-03-01"), "engagement.ends", "before"),
    "no vendor in the chain": (edit("operations", "escalation", 1, to="model-risk"), "escalation", "no vendor"),
    "no alert": (edit("operations", "alerts", to=[]), "operations.alerts", "nobody is told"),
    "no objective": (edit("operations", "objectives", to=[]), "operations.objectives", "no objective"),
    "section missing in delivery": (edit("cadence", to=ABSENT), "cadence", "required at stage delivery"),
}  # fmt: skip


@pytest.mark.parametrize("name", CROSS)
def test_each_rule_across_the_file(name: str) -> None:
    change, path, says = CROSS[name]
    value = example().to_value()
    change(value)
    found = faults_of(yaml.safe_dump(value, sort_keys=False).encode())
    assert any(path in fault and says in fault for fault in found), found
    assert len(found) == 1 or name in ("high tier without memory gate", "high tier without stress"), found
    assert all(fault.startswith("engagement.yaml:") for fault in found)


LAWFUL = {
    "vendor chairs": edit("cadence", 0, "chair", to="vendor-ml"),
    "vendor is alerted": edit("operations", "alerts", 1, "to", to="vendor-ml"),
    "vendor leaves on the day of the rehearsal": edit("handoff", "shadow", "vendor_out", to="2027-02-03"),
    "one value alone passes": edit("gates", 0, "max", to=0.76),
}


@pytest.mark.parametrize("name", LAWFUL)
def test_no_rule_asks_for_more_than_it_says(name: str) -> None:
    value = example().to_value()
    LAWFUL[name](value)
    load_manifest(yaml.safe_dump(value, sort_keys=False).encode())


SHAPES = {
    "unknown key": ({"colour": 1}, "colour", "is not a key of the manifest"),
    "near miss": ({"milestone": []}, "milestone", "Did you mean `milestones`?"),
    "two accountable": ({"accountable": ["ml-sre", "model-risk"]}, "accountable", "is a list; expected text"),
    "yes is no boolean": (
        {"datasets": [{**minimal_manifest()["datasets"][0], "personal_data": "yes"}]},
        "datasets[0].personal_data", "expected true or false",
    ),
    "people as list": ({"people": ["ann"]}, "people", "is a list; expected a mapping"),
    "no people": ({"people": {}}, "people", "at least 1"),
    "bad person id": (
        {"people": {**minimal_manifest()["people"], "A B": minimal_manifest()["people"]["ml-sre"]}}, "people.A B", ""
    ),
    "absolute path": (
        {"surfaces": [{**minimal_manifest()["surfaces"][0], "path": "/etc"}]}, "surfaces[0].path", "inside"
    ),
    "windows path": (
        {"surfaces": [{**minimal_manifest()["surfaces"][0], "path": "C:\\x"}]}, "surfaces[0].path", "inside"
    ),
    "unknown gate kind": ({"gates": [{"id": "g", "kind": "vibes", "says": "x"}]}, "gates[0].kind", "'performance'"),
    "wildcard contact": (
        {"people": {**minimal_manifest()["people"], "eve": {
            "name": "E", "org": "internal", "role": "r", "contact": "*@bank.example"}}}, "people.eve.contact", "form"
    ),
    "newer version": ({"schema_version": 2}, "schema_version", "is 2; this vendorkit reads 1"),
    "older version": ({"schema_version": 0}, "schema_version", "is 0; this vendorkit reads 1"),
    "version as text": ({"schema_version": "one"}, "schema_version", "expected 1"),
    "no version": ({"schema_version": ABSENT}, "schema_version", "is missing"),
    "empty section": ({"gates": None}, "gates", "is empty; expected a list"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_each_fault_of_shape(name: str) -> None:
    changes, path, says = SHAPES[name]
    found = faults_of(manifest_bytes(**changes))
    assert any(f": {path}: " in fault and says in fault for fault in found), found


@pytest.mark.parametrize("data", [b"- a\n- b\n", b"just words\n", b"---\n", b"3\n"])
def test_a_file_that_is_no_mapping(data: bytes) -> None:
    assert "expected a mapping" in faults_of(data)[0]


def test_two_models_need_gates_that_name_theirs() -> None:
    second = {**minimal_manifest()["surfaces"][0], "id": "other", "path": "models/other"}
    surfaces = [*minimal_manifest()["surfaces"], second]
    assert any("names no model" in fault for fault in faults_of(manifest_bytes(surfaces=surfaces)))
    gates = [{**gate, "model": "other"} for gate in minimal_manifest()["gates"]]
    found = manifest(surfaces=surfaces, gates=gates)
    assert len(found.gates_for("other")) == 2
    assert found.gates_for("credit") == ()
    with pytest.raises(BadInput, match="Which model"):
        found.model()


def test_faults_are_kept_apart_for_the_checks() -> None:
    found = examine(manifest_bytes(accountable="vendor-ml", colour=1))
    assert [fault.where for fault in found.shape] == [found.text.place(("colour",))]
    assert "works for the vendor" in found.cross[0].says


words = st.sampled_from(["", "acme", "vendor-ml", "model-ops-lead", "2026-09-01", "P6M", "é\u202e", "../x", "yes"])
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | words | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*Manifest.model_fields, "id", "org", "kind", "x"]) | words, inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_give_a_manifest_or_faults(data: bytes) -> None:
    try:
        load_manifest(data)
    except BadInput as error:
        assert error.faults


@given(section=st.sampled_from(list(Manifest.model_fields)), value=junk)
def test_any_value_of_any_section_gives_a_manifest_or_faults(section: str, value: Any) -> None:
    data = yaml.dump({**minimal_manifest(), section: value}, allow_unicode=True).encode("utf-8", "surrogatepass")
    try:
        load_manifest(data)
    except BadInput as error:
        assert all(fault.where.startswith("engagement.yaml") for fault in error.faults)
