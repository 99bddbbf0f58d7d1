"""Run the vendor's pipeline under lineage: verified data in, a candidate with its run record out."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit train", "vendorkit train --model credit --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="id of the model surface (default: the only one)")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    repo = repo_of(args)
    console.progress("training ...")
    from vendorkit.steps.train import train  # noqa: PLC0415

    candidate = train(repo, args.model)
    record = candidate.run
    parents = [source.snapshot for source in record.inputs]
    result = {
        "candidate": candidate.digest,
        "model": record.model,
        "run_id": record.run_id,
        "seconds": record.seconds,
        "parents": [*parents, record.features],
    }
    lines = [f"Candidate {candidate.digest} of {record.model}, trained in {record.seconds:.1f} s, seed {record.seed}."]
    lines += [f"  read {source.dataset}: {source.rows} rows, frozen {source.taken_at}" for source in record.inputs]
    for step in record.filters:
        why = step.reason or "NO REASON GIVEN: use vendorkit.filter(..., reason=...)"
        lines.append(f"  left out by {step.name}: {step.rows_before - step.rows_after} rows: {why}")
    if record.code.dirty or not record.code.commit:
        lines.append("  The code is not committed: this candidate cannot be published.")
    lines.append("Next: vendorkit gate")
    return Outcome(result, "\n".join(lines))
