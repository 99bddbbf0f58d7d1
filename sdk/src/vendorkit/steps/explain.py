"""Explain: what a check, gate, metric, error or word means, with formula and source, and how to mend it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from vendorkit import errors
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.store import Store
from vendorkit.documents.engagement_page import engagement_page, limits_in_words
from vendorkit.documents.explanation import Section
from vendorkit.documents.gate_words import ORIGINS, to_mend
from vendorkit.errors import BadInput, Fault, VendorkitError
from vendorkit.gates import GATES
from vendorkit.gates.metrics import METRICS
from vendorkit.records.gate_report import GateResult
from vendorkit.records.manifest import Manifest
from vendorkit.records.manifest.judging import Gate
from vendorkit.standards.ask import CHECKS
from vendorkit.standards.policy import packaged_policy

ERRORS: dict[str, tuple[str, str, str]] = {
    "0": ("success", "The answer is yes.", ""),
    "1": ("Refused", "", "Read the reasons that it lists; each names what to change. It is meant, not a fault."),
    "2": ("BadInput", "", "Mend every fault that it lists at its place; all of them are shown at once."),
    "3": ("Unavailable", "", "Try again; when it stays, look at the registry, git, the network or the disk it names."),
    "4": ("bug", "Something happened that nobody foresaw.", "Report it with the log file that the message names."),
    "130": ("interrupted", "A person stopped it; nothing is left half done.", "Run it again."),
}
"""Exit code to its name, its meaning (empty: that of the class) and what to do."""

VERDICTS = {
    "pass": "The limit is kept, or the standard is met.",
    "fail": "The limit is broken, or the standard is not met.",
    "error": "The question could not be answered; that is never a pass.",
    "waived": "It fails, and a documented exception that has not expired covers it.",
    "not-yet": "The evidence is not there yet; what is owed is listed, and it is never a pass.",
    "not-applicable": "The question does not apply to this engagement.",
}
"""Every verdict of a check or gate, and what it means."""


def explain(name: str | None, repo: Path | None) -> list[Section]:
    """Everything that goes by a name; without one the engagement on one page.

    Args:
        name: Id of a check, gate, kind of gate or metric; an exit code or error; a verdict or a word.
        repo: The engagement, None where there is none; only its own gates and severities need it.

    Raises:
        BadInput: Nothing goes by that name (the nearest are listed), or there is no engagement to show.
    """
    manifest = read_manifest(repo) if repo else None
    if name is None:
        if manifest is None:
            raise BadInput("This is not an engagement.", fix="Name what to explain, or go to an engagement.")
        return engagement_page(manifest, _gates(manifest))
    found = [section for section in _everything(repo, manifest) if section.title.casefold() == name.casefold()]
    if found:
        return found
    known = sorted({section.title for section in _everything(None, manifest)})
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    meant = f"Did you mean {', '.join(near)}?" if near else ""
    fix = "`vendorkit explain` without a name shows the engagement; docs/reference lists all names."
    raise BadInput("What is that?", [Fault(name, "nothing goes by that name.", meant)], fix=fix)


def _everything(repo: Path | None, manifest: Manifest | None) -> Iterator[Section]:
    if manifest:
        for gate in _gates(manifest):
            yield _declared(gate, repo, manifest)
    yield from _checks(manifest)
    for kind, described in GATES.items():
        facts = (("why", described.why), ("judged by", described.formula), ("source", described.source),
                 ("example", described.example))  # fmt: skip
        yield Section("gate kind", kind, f"{described.title}.", facts)
        for name, meaning, source in described.figures:
            told = (("asked by", f"gates of kind {kind}"), ("judged by", described.formula), ("source", source))
            yield Section("metric", name, f"{meaning[:1].upper()}{meaning[1:]}.", told)
    for name in METRICS:
        yield _metric(name)
    yield from _errors()
    for verdict, says in VERDICTS.items():
        yield Section("verdict", verdict, says)
    for word, says in words().items():
        yield Section("word", word, f"{says[:1].upper()}{says[1:]}.")


def _gates(manifest: Manifest) -> tuple[Gate, ...]:
    """Every gate that is asked here: those of the manifest, and the platform's own."""
    found = [gate for gates in packaged_policy().asked(manifest).values() for gate in gates]
    return tuple({gate.id: gate for gate in (*manifest.gates, *found)}.values())


def words() -> dict[str, str]:
    """The words of the glossary and their meanings."""
    text = resources.files("vendorkit.documents").joinpath("words.json").read_text("utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def _declared(gate: Gate, repo: Path | None, manifest: Manifest) -> Section:
    """A gate of this engagement, with how it is judged and its newest answer."""
    facts = [("limit", limits_in_words(gate)), ("kind", gate.kind), ("set by", _set_by(gate))]
    described = GATES.get(gate.kind)
    if described:
        facts += [("judged by", described.formula), ("why", described.why)]
    figures = {name: (meaning, source) for name, meaning, source in described.figures} if described else {}
    metric = METRICS.get(gate.metric or "")
    if metric:
        facts += [(gate.metric or "", metric.formula), ("source", metric.source)]
    elif gate.metric in figures:
        facts += [(gate.metric, figures[gate.metric][0]), ("source", figures[gate.metric][1])]
    elif described:
        facts.append(("source", described.source))
    if gate.benchmark:
        known = {benchmark.id: benchmark for benchmark in manifest.benchmarks}
        kind = f"{known[gate.benchmark].kind}, {known[gate.benchmark].path}" if gate.benchmark in known else "unknown"
        facts.append(("benchmark", f"{gate.benchmark} ({kind})"))
    candidate, result = _newest_answer(repo, manifest, gate) if repo else ("", None)
    if result:
        facts.append(("newest answer", f"{result.verdict} for candidate {candidate[7:19]}: {result.says}"))
    mend = to_mend(result.verdict if result else "fail", gate.origin)
    return Section("gate", gate.id, f"{gate.says.rstrip('.')}.", (*facts, *([("to mend", mend)] if mend else [])))


def _set_by(gate: Gate) -> str:
    pack = packaged_policy()
    version = {"platform": f", {pack.name} {pack.version}", "vendor": f", {gate.code}"}
    return f"{ORIGINS[gate.origin]}{version.get(gate.origin, '')}"


def _newest_answer(repo: Path, manifest: Manifest, gate: Gate) -> tuple[str, GateResult | None]:
    """Digest of the newest candidate, and what the gate said of it; None where it was not asked."""
    try:
        store = Store(repo)
        candidate = store.candidate(None, gate.model or manifest.model().id)
        report = store.report(candidate.digest)
    except VendorkitError:
        return "", None
    results = report.results if report else ()
    return candidate.digest, next((result for result in results if result.id == gate.id), None)


def _checks(manifest: Manifest | None) -> Iterator[Section]:
    pack = packaged_policy()
    for check in CHECKS.values():
        facts = [("why", check.why), ("looks at", inspect.cleandoc(check.look.__doc__ or ""))]
        severity = pack.line(check.id).severity
        if manifest:
            given = severity.get(manifest.engagement.stage, "error")
            now = given if isinstance(given, str) else given.get(manifest.engagement.risk_tier, "error")
            facts.append(("severity now", f"{now} (stage {manifest.engagement.stage})"))
        mend = f"Run `vendorkit check {check.id}`; each finding tells the command or edit."
        facts += [("policy pack", f"{pack.name} {pack.version}"), ("to mend", mend)]
        yield Section("check", check.id, f"{check.title}.", tuple(facts))


def _metric(name: str) -> Section:
    metric = METRICS[name]
    facts = [("formula", metric.formula), ("better", metric.better), ("tasks", ", ".join(sorted(metric.tasks))),
             ("source", metric.source)]  # fmt: skip
    return Section("metric", name, (inspect.getdoc(metric.function) or "").split("\n")[0], tuple(facts))


def _errors() -> Iterator[Section]:
    for code, (name, meaning, mend) in ERRORS.items():
        kind = getattr(errors, name, None)
        says = meaning or inspect.cleandoc(kind.__doc__ or "").split("\n")[0]
        facts = tuple((what, text) for what, text in (("exit code", code), ("what to do", mend)) if text)
        for title in (code, name):
            yield Section("error" if title == name else "exit code", title, says, (("name", name), *facts))
