"""The decision brief: one page for readers who know the business and not the method.

A verdict in a sentence, what it means, what may go wrong, who decides. No word of the field is used that the
manifest's own plain words do not use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from vendorkit.documents.blocks import Block, Bullets, Heading, Table, Text, Words, Written
from vendorkit.documents.differences import differences
from vendorkit.documents.gate_words import unit
from vendorkit.documents.plain import counted, figure, rounded
from vendorkit.documents.release_notes import PARTS
from vendorkit.documents.risks import risks
from vendorkit.records.decision import ApprovalRule
from vendorkit.records.document_format import runbook_of
from vendorkit.records.dossier import Dossier
from vendorkit.records.gate_report import GateResult

_MARKS = {"pass": "yes", "fail": "no", "error": "not known"}


def brief(dossier: Dossier, live: Dossier | None) -> Written:
    """The brief of a candidate, compared with the live version; None where there is none."""
    lead, tone = verdict(dossier, live)
    blocks = [*_meaning(dossier), *_change(dossier, live), *_risks(dossier, live), *_deciders(dossier)]
    title = f"{dossier.manifest.engagement.title}: may a new version of {dossier.run.model} go live?"
    return Written("brief", title, lead, tuple(blocks), tone)


def verdict(dossier: Dossier, live: Dossier | None) -> tuple[str, str]:
    """The verdict in a sentence, and whether it is good or bad news."""
    report = dossier.report
    if report is None:
        return "It was not judged yet; nothing can be decided.", ""
    total, good = len(report.results), sum(result.verdict == "pass" for result in report.results)
    if not report.passed or good < total or not total:
        return f"No: the answer is not yes to {total - good} of {counted(total, 'question')} agreed beforehand.", "bad"
    instead = f" It would replace {live.name}." if live else " Nothing is live yet that it would replace."
    every = "the one question" if total == 1 else f"all {counted(total, 'question')}"
    return f"It can: the answer is yes to {every} agreed beforehand.{instead}", "good"


def _meaning(dossier: Dossier) -> Iterator[Block]:
    yield Heading("What it means")
    yield Text(f"It supports this decision: {dossier.manifest.engagement.use_case}.")
    rows = [_row(result) for result in (dossier.report.results if dossier.report else ())]
    if rows:
        yield Table(("was asked", "answer", "found", "limit", "live today"), tuple(rows))
    words = dossier.prose("card", dossier.run.model)
    text = words.text("Intended use")
    if text:
        yield Words(text, words.where)


def _row(result: GateResult) -> tuple[str, str, str, str, str]:
    """A question, its answer and the figures behind it. The gate's id is there, because risks and words name it."""
    asked = f"{result.claim} ({result.id})" if result.claim else result.id
    found = _rounded(result.value, result) if isinstance(result.value, int | float) else "-"
    live = _rounded(result.previous, result) if result.previous is not None else "-"
    limit = f"{result.limit}{unit(result.metric)}" if result.limit else "-"
    return asked, _MARKS[result.verdict], found, limit, live


def _rounded(value: float, result: GateResult) -> str:
    """Four significant digits and the unit; more where four would show the limit itself."""
    short = rounded(value)
    same = {rounded(limit) for limit in (result.least, result.most) if limit is not None and limit != value}
    exact = abs(value) >= 1000 or short in same
    return f"{figure(value) if exact else short}{unit(result.metric)}"


def _change(dossier: Dossier, live: Dossier | None) -> Iterator[Block]:
    yield Heading("What changes")
    prose = dossier.prose("changes", dossier.run.model)
    why = prose.text("Why")
    if why:
        yield Words(why, prose.where)
    if live is None:
        yield Text("This is the first version.")
        return
    found = differences(live, dossier)
    counted = Counter(each.part for each in found)
    told = [f"{title.lower()} ({counted[part]})" for part, title in PARTS.items() if counted[part]]
    changed = f"It differs from {live.name} in {', '.join(told)}." if told else f"Nothing differs from {live.name}."
    callers = "Callers will notice." if counted["contract"] else "Callers need not change anything."
    yield Text(f"{changed} {callers} The release notes have each difference.")


def _risks(dossier: Dossier, live: Dossier | None) -> Iterator[Block]:
    yield Heading("What may go wrong")
    prose = dossier.prose("changes", dossier.run.model)
    text = prose.text("Remaining risks")
    if text:
        yield Words(text, prose.where)
    found = risks(dossier, live)
    if found:
        yield Bullets(found)
    rollback = dossier.manifest.operations.rollback if dossier.manifest.operations else None
    if rollback:
        who = " or ".join(rollback.authority)
        within = f"brings {live.name} back within {figure(rollback.target_minutes)} minutes" if live else ""
        first = f"does what {runbook_of(dossier.manifest, dossier.run.model)} says: there is no version to go back to"
        yield Text(f"If it goes wrong, {who} {within or first}.")


def _deciders(dossier: Dossier) -> Iterator[Block]:
    manifest, run = dossier.manifest, dossier.run
    made = {address.casefold() for address in (run.author.email, *run.code.committers)}
    may = [
        f"{name} ({person.name})"
        for name, person in manifest.people.items()
        if person.org == "internal" and person.contact.casefold() not in made
    ]
    owner = manifest.surface(run.model).owner
    accountable = manifest.accountable
    yield Heading("Who decides")
    yield Text(f"{', '.join(may) or 'Nobody who is left'}: the client's own people who did not make it; each signs. "
               f"{owner} answers for the model; {accountable} is accountable for all of it.")  # fmt: skip
    if dossier.rule:
        yield Text(f"The platform asks for {_asked(dossier.rule)}.")
    yield Text(f"The risk tier is {manifest.engagement.risk_tier}. Built by {manifest.vendor.name}. {dossier.about}")


def _asked(rule: ApprovalRule) -> str:
    count = "one approval" if rule.approvals == 1 else f"{rule.approvals} approvals, by different people"
    return f"{count}, at least one of them by {' and one by '.join(rule.roles)}" if rule.roles else count
