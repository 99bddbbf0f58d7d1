"""Risks that can be read from the records themselves, as sentences: for release notes and brief."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from vendorkit.documents.differences import differences
from vendorkit.documents.gate_words import interval_words
from vendorkit.records.dossier import Dossier
from vendorkit.records.gate_report import GateResult

MOST_OF_A_KIND = 5
"""Differences that are named where many bring the same risk; the release notes have all."""


def risks(dossier: Dossier, live: Dossier | None) -> tuple[str, ...]:
    """What a reader should know before they say yes."""
    return tuple(dict.fromkeys([*_of_results(dossier), *_of_making(dossier), *_of_change(dossier, live)]))


def _of_results(dossier: Dossier) -> Iterator[str]:
    for result in dossier.report.results if dossier.report else ():
        if result.verdict != "pass":
            yield f"Gate {result.id} did not pass: {result.says}"
        elif unsure(result):
            between = interval_words(result.interval or (0.0, 0.0)).replace(" to ", " and ")
            yield (
                f"Gate {result.id} passed, but {result.n or 0:,} rows cannot tell where between {between} "
                f"the true figure lies; asked is {result.limit}."
            )
        few = [f"{cell.name} ({cell.n:,})" for cell in result.cells if cell.verdict == "too-few"]
        if few:
            yield f"Gate {result.id} says nothing of groups with too few rows: {', '.join(few)}."
        yield from (f"Gate {result.id}: {note}" for note in result.notes)


def unsure(result: GateResult) -> bool:
    """Whether a limit that the gate declares lies within the 95 % interval of the result."""
    low, high = result.interval or (0.0, 0.0)
    return any(limit is not None and low < limit < high for limit in (result.least, result.most))


def _of_making(dossier: Dossier) -> Iterator[str]:
    run = dossier.run
    if run.model_format.carries_code:
        yield f"The model is stored as {run.model_format.name}: loading it runs whatever was put into it."
    for each in run.filters:
        if not each.reason:
            yield f"{each.rows_before - each.rows_after:,} rows were left out in {each.name} and nobody said why."
    kinds = {result.kind for result in (dossier.report.results if dossier.report else ())}
    if dossier.report and "fairness" not in kinds and dossier.manifest.engagement.risk_tier != "low":
        yield "No gate asks whether groups of people are treated alike."


def _of_change(dossier: Dossier, live: Dossier | None) -> Iterator[str]:
    model = dossier.run.model
    if live and live.prose("changes", model).words == dossier.prose("changes", model).words:
        yield f"The words of the release notes are still those of {live.name}: nobody said why this version is made."
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for each in differences(live, dossier) if live else ():
        if each.risk:
            found[each.risk, each.part].append(each.says)
    for (risk, part), says in found.items():
        left = f"; and {len(says) - MOST_OF_A_KIND:,} more" if len(says) > MOST_OF_A_KIND else ""
        yield f"{risk[:1].upper()}{risk[1:]} ({part}: {'; '.join(says[:MOST_OF_A_KIND])}{left})."
