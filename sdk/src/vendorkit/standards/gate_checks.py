"""The GAT family: whether the gates ask enough, in words people read, of benchmarks that are the same still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vendorkit.errors import BadInput
from vendorkit.records.canonical import digest_bytes, digest_json
from vendorkit.records.gate_report import BenchmarkUse, GateReport, GateResult
from vendorkit.records.manifest import Gate, Manifest
from vendorkit.records.manifest.judging import Benchmark
from vendorkit.records.seen_file import SeenFile
from vendorkit.records.snapshot import Snapshot
from vendorkit.standards.base import Check, Part, RepositoryView

MANIFEST = "engagement.yaml"
FEWEST_WORDS = 4
"""A claim of fewer words names a metric and no consequence."""
LIMITS = {"min": "least", "max": "most", "max_drop_vs_current": "most_drop"}
"""Keys of a gate's limits, and what a report calls them."""

NOTHING = SeenFile("missing")


@dataclass
class GateCheck:
    """One check of the family; attributes as of `Check`.

    Args:
        judge: From what is seen and the manifest to what is wrong.
        holds: What is said where nothing is.
    """

    id: str
    title: str
    why: str
    capability: str
    judge: Callable[[RepositoryView, Manifest], list[Part]]
    holds: str
    needs_template: bool = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """What is wrong; else a pass."""
        manifest = view.examined.manifest
        if manifest is None:
            return [
                Part("not-yet", "Cannot be judged while the manifest is not valid.", MANIFEST, "Mend MAN-01 first.")
            ]
        if not manifest.models():
            return [Part("not-applicable", "There is no model.", MANIFEST)]
        return self.judge(view, manifest) or [Part("pass", self.holds, MANIFEST, facts={"evidence": view.evidence})]


def _lacking(
    view: RepositoryView, manifest: Manifest, section: str, wanted: Sequence[str], found: set[str]
) -> list[Part]:
    """Kinds that the risk tier asks for and that are not declared; at stage kickoff they are still owed."""
    tier, early = manifest.engagement.risk_tier, manifest.engagement.stage == "kickoff"
    missing = [kind for kind in wanted if kind not in found]
    where = view.examined.text.place((section,))
    fix = f"Declare one of each kind under `{section}`; see `vendorkit explain`."
    says = f"A {tier} tier asks for {section} of kinds {', '.join(missing)}, and there are none."
    return [Part("not-yet" if early else "fail", says, where, fix, section)] if missing else []


def _gate_kinds(view: RepositoryView, manifest: Manifest) -> list[Part]:
    """What is missing, which gates there are, and who set them."""
    wanted = view.gates.get(manifest.engagement.risk_tier, ())
    asked = {gate.id: gate for gates in view.asked.values() for gate in gates}
    lacking = _lacking(view, manifest, "gates", wanted, {gate.kind for gate in asked.values()})
    parts = lacking or [Part("pass", "Every kind of gate that the risk tier asks for is declared.", MANIFEST)]
    own = [name for name, gate in asked.items() if gate.origin == "platform"]
    besides = f" The policy pack {view.pack} asks {', '.join(own)} besides." if own else ""
    listed = [{"id": name, "kind": gate.kind, "origin": gate.origin} for name, gate in asked.items()]
    facts = {"evidence": view.evidence, "gates": listed}
    return [replace(part, says=f"{part.says}{besides}", facts=facts) for part in parts]


def _benchmark_kinds(view: RepositoryView, manifest: Manifest) -> list[Part]:
    wanted = view.benchmarks.get(manifest.engagement.risk_tier, ())
    return _lacking(view, manifest, "benchmarks", wanted, {benchmark.kind for benchmark in manifest.benchmarks})


def _changed_benchmarks(view: RepositoryView, manifest: Manifest) -> list[Part]:
    parts = []
    known = {benchmark.id: benchmark for benchmark in manifest.benchmarks}
    for report in view.reports.values():
        for use in report.benchmarks:
            benchmark = known.get(use.id)
            content = _content(view, manifest, benchmark) if benchmark else None
            if benchmark and content not in (None, use.content_digest):  # what is gone, the gates themselves tell
                parts.append(_stale(report, use, benchmark.path))
    return parts


def _stale(report: GateReport, use: BenchmarkUse, path: str) -> Part:
    says = f"{path} changed after the gates were asked of {report.candidate[:19]}."
    return Part("fail", says, f"{path}:1", "Run `vendorkit gate` again.", use.id, {"evidence": report.digest})


def _content(view: RepositoryView, manifest: Manifest, benchmark: Benchmark) -> str | None:
    """The digest of a benchmark's content as a report names it; None where it is gone."""
    data = view.files.get(benchmark.path, NOTHING).data
    if data is None:
        return None
    if not benchmark.path.endswith(".py"):
        return _frozen(data, benchmark.path)
    pointers = [each.pointer for each in manifest.datasets if benchmark.dataset in (None, each.id)]
    rows = _frozen(view.files.get(pointers[0], NOTHING).data or b"", pointers[0]) if pointers else None
    return None if rows is None else digest_json({"stress": digest_bytes(data), "rows": rows})


def _frozen(data: bytes, path: str) -> str | None:
    try:
        return Snapshot.parse(data, path).content_digest
    except BadInput:
        return None


def _wordless(view: RepositoryView, manifest: Manifest) -> list[Part]:
    parts = []
    for at, gate in enumerate(manifest.gates):
        if len([word for word in gate.says.split() if word.isalpha() and word != gate.metric]) < FEWEST_WORDS:
            where = view.examined.text.place(("gates", at, "says"))
            fix = "Say what holds for whom when it passes, for instance `Still works for young customers`."
            parts.append(Part("fail", f"{gate.id} says only `{gate.says}`.", where, fix, gate.id))
    return parts


def _loosened(view: RepositoryView, manifest: Manifest) -> list[Part]:
    parts = []
    for model, report in view.reports.items():
        declared = {gate.id: gate for gate in manifest.gates if gate.model in (None, model)}
        for result in report.results:
            gate = declared.get(result.id)
            if result.origin != "platform" and (wider := _wider(result, gate)):
                says = f"{result.id} was loosened since the gates were asked: {wider}."
                where = view.examined.text.place(("gates",))
                fix = "Bring the limit back, or let the approver see why."
                parts.append(Part("fail", says, where, fix, result.id, {"evidence": report.digest}))
    return parts


def _wider(result: GateResult, gate: Gate | None) -> str:
    """Which limits are wider than they were, in words; empty where none is."""
    if gate is None:
        return "it is gone" if any(getattr(result, name) is not None for name in LIMITS.values()) else ""
    words = []
    for key, name in LIMITS.items():
        was, now = getattr(result, name), getattr(gate, key)
        if was is not None and (now is None or (now < was if key == "min" else now > was)):
            words.append(f"`{key}` was {was:g} and is {'gone' if now is None else f'{now:g}'}")
    return ", ".join(words)


GATE_CHECKS: tuple[Check, ...] = (
    GateCheck(
        "GAT-01",
        "Required gate kinds present",
        "What no gate asks, nobody answers for.",
        "C047",
        _gate_kinds,
        "Every kind of gate that the risk tier asks for is declared.",
    ),
    GateCheck(
        "GAT-03",
        "Benchmarks unchanged since they were asked",
        "A pass is about the rows that were there, not about those that are there now.",
        "C049",
        _changed_benchmarks,
        "No benchmark differs from the one that a gate report of this working tree is about.",
    ),
    GateCheck(
        "GAT-04",
        "Benchmark kinds present",
        "A model that is only tried on good days is not known.",
        "C049",
        _benchmark_kinds,
        "Every kind of benchmark that the risk tier asks for is declared.",
    ),
    GateCheck(
        "GAT-05",
        "Gates in plain words",
        "An approver who does not code must understand what was asked.",
        "C043",
        _wordless,
        "Every gate says in words what holds when it passes.",
    ),
    GateCheck(
        "GAT-06",
        "No gate loosened since it was asked",
        "A limit that moves with the model is no limit.",
        "C048",
        _loosened,
        "No limit is wider than the one that a gate report of this working tree was judged by.",
    ),
)
"""The family, in order. That all gates pass is what `publish` asks."""
