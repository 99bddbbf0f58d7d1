"""The decision brief: one page for readers who know the business and not the method.

A verdict in a sentence, what it means, what may go wrong, who decides. No word of the field is used that the
manifest's own plain words do not use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from vendorkit.documents.blocks import Block, Bullets, Heading, Table, Text, Words, Written
from vendorkit.documents.differences import differences
from vendorkit.documents.plain import figure
from vendorkit.documents.release_notes import PARTS
from vendorkit.documents.risks import risks
from vendorkit.records.decision import ApprovalRule
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
        return f"No: the answer is not yes to {total - good} of {_questions(total)} agreed beforehand.", "bad"
    instead = f" It would replace {live.name}." if live else " Nothing is live yet that it would replace."
    every = "the one question" if total == 1 else f"all {_questions(total)}"
    return f"It can: the answer is yes to {every} agreed beforehand.{instead}", "good"


def _questions(count: int) -> str:
    return "1 question" if count == 1 else f"{count} questions"


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
    found = figure(result.value) if isinstance(result.value, int | float) else "-"
    live = figure(result.previous) if result.previous is not None else "-"
    return result.claim or result.id, _MARKS[result.verdict], found, result.limit or "-", live


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
    changed = f"Other than in {live.name}: {', '.join(told)}." if told else f"Nothing differs from {live.name}."
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
        yield Text(
            f"If it goes wrong, {who} brings the version before back within {figure(rollback.target_minutes)} minutes."
        )


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
    yield Text(f"{', '.join(may) or 'Nobody who is left'}: people of the client who did not make it, with a signature. "
               f"{owner} answers for the model; {accountable} is accountable for all of it.")  # fmt: skip
    if dossier.rule:
        yield Text(f"The platform asks for {_asked(dossier.rule)}.")
    yield Text(f"The risk tier is {manifest.engagement.risk_tier}. Built by {manifest.vendor.name}.")


def _asked(rule: ApprovalRule) -> str:
    count = "one approval" if rule.approvals == 1 else f"{rule.approvals} approvals, by different people"
    return f"{count}, at least one of them by {' and one by '.join(rule.roles)}" if rule.roles else count
