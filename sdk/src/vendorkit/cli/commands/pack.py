"""Pack a milestone: the commit, the lock, the documents and the releases' records in one reproducible archive."""

from __future__ import annotations

import argparse
from pathlib import Path

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit pack m1", "vendorkit pack m1 --to m1.tar --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("milestone", metavar="MILESTONE", help="id of the milestone in engagement.yaml")
    where = "the archive to write (default: .vendorkit/packs/MILESTONE-COMMIT.tar)"
    parser.add_argument("--to", type=Path, metavar="FILE", help=where)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    repo = repo_of(args)
    console.progress("packing ...")
    from vendorkit.documents.plain import counted  # noqa: PLC0415
    from vendorkit.steps.pack import pack  # noqa: PLC0415

    done = pack(repo, args.milestone, args.to)
    record = done.pack
    result = {
        "milestone": record.milestone,
        "path": str(done.path),
        "digest": done.digest,
        "pack": record.digest,
        "commit": record.commit,
        "files": len(record.files),
        "delivers": {part.part: list(part.paths) for part in record.delivers},
        "releases": [f"{release.model}/{release.version}" for release in record.releases],
    }
    lines = [f"{done.path}: {done.digest}", f"  commit {record.commit}, {counted(len(record.files), 'file')}"]
    lines += [f"  {part.part}: {counted(len(part.paths), 'file')}" for part in record.delivers]
    lines.append(f"Next: the person who accepts it runs `vendorkit accept {record.milestone} --pack FILE`.")
    return Outcome(result, "\n".join(lines))
