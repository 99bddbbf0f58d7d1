"""Register what `vendorkit export` wrote; or take a model that was made without vendorkit as a candidate.

An export is a folder or an OCI image layout; every digest is verified before anything is registered. A model from
elsewhere is a folder of MLflow, `models:/NAME/VERSION`, `runs:/ID/PATH`, or a folder with a model file and its
vendorkit-model.json. What nobody told of it is listed; gates and publishing refuse it until it is told. Nothing is
loaded to look at it, and pickles are taken only where the policy pack allows them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit import handover/credit-3", "vendorkit import models:/credit-prototype/2 --describe model.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="DIR", help="what was exported, or a model from elsewhere")
    parser.add_argument(
        "--without-decisions", action="store_true", help="leave approvals behind and take the next free number"
    )
    parser.add_argument("--model", metavar="ID", help="the model surface that a model from elsewhere is for")
    parser.add_argument("--describe", type=Path, metavar="FILE", help="a description that tells what is missing")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.import_ import import_bundle, is_bundle  # noqa: PLC0415

    console.progress("verifying ...")
    folder = Path(args.source)
    if not is_bundle(folder):
        return _model(args)
    done = import_bundle(repo_of(args), folder, with_decisions=not args.without_decisions)
    version = done.version
    result = {
        "model": version.model,
        "version": version.number,
        "release": done.release,
        "bundle": done.bundle,
        "run_id": version.run_id,
        "created": done.created,
        "restored": done.restored,
        "decisions": done.decisions,
        "aliases": list(done.aliases),
    }
    was = "Registered" if done.created else "Was registered before:"
    lines = [f"{was} {version.name}, release {done.release}. {done.decisions} decisions were added to its log."]
    lines += ["It was archived; its model is back."] * done.restored
    lines += [f"{version.model}@{alias} follows them." for alias in done.aliases]
    return Outcome(result, "\n".join(lines))


def _model(args: argparse.Namespace) -> Outcome:
    from vendorkit.records.description import gap_faults  # noqa: PLC0415
    from vendorkit.steps.import_model import import_model  # noqa: PLC0415

    candidate = import_model(repo_of(args), args.source, args.model, args.describe)
    run = candidate.run
    missing = gap_faults(run.gaps)
    result = {
        "candidate": candidate.digest,
        "model": run.model,
        "format": run.model_format.name,
        "types": list(run.model_format.types),
        "missing": [fault.where for fault in missing],
    }
    lines = [f"Candidate {candidate.digest} of {run.model}, stored as {run.model_format.name}."]
    lines += [f"Loading it makes objects of these types: {', '.join(run.model_format.types)}."] * bool(result["types"])
    if missing:
        lines += ["Before it can be judged, this has to be told:", *(f"  {fault}" for fault in missing)]
    else:
        lines.append(f"Next: `vendorkit gate {candidate.digest[7:19]}`.")
    return Outcome(result, "\n".join(lines))
