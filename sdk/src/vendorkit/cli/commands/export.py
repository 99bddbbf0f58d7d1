"""Write everything about a release to one folder in standard formats: model, records, decisions, documents."""

from __future__ import annotations

import argparse
from pathlib import Path

from vendorkit.cli.arguments import add_release, model_version, repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit export credit/3 --to handover/credit-3", "vendorkit export credit/3 --to artifact --as oci")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_release(parser)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="a folder that is not there yet")
    parser.add_argument(
        "--as", dest="forms", default="folder", metavar="FORMS", help="folder, oci or folder,oci (default: folder)"
    )


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.export import export  # noqa: PLC0415

    model, number = model_version(args.release)
    console.progress("exporting ...")
    done = export(repo_of(args), model, number, args.to, tuple(args.forms.split(",")))
    bundle = done.bundle
    result = {
        "model": model,
        "version": number,
        "release": bundle.release,
        "bundle": bundle.digest,
        "files": len(bundle.files),
        "decisions": len(bundle.decisions),
        "places": {form: str(place) for form, place in done.places.items()},
        "manifest": done.manifest,
    }
    lines = [f"{model}/{number} as {form}: {place}" for form, place in done.places.items()]
    lines.append(f"{len(bundle.files)} files, {len(bundle.decisions)} decisions, bundle {bundle.digest}")
    return Outcome(result, "\n".join(lines))
