"""Arguments and readings that several commands share."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vendorkit.cli.output import Outcome
from vendorkit.errors import BadInput, Fault

if TYPE_CHECKING:
    from vendorkit.trust.people import Deciding


def repo_of(args: argparse.Namespace) -> Path:
    """The engagement that a command is about."""
    from vendorkit.adapters.engagement import find_engagement  # noqa: PLC0415

    return find_engagement(Path(args.repo) if args.repo else None)


def model_version(text: str) -> tuple[str, int]:
    """`credit/3` as model and version number.

    Raises:
        BadInput: It does not read so.
    """
    found = re.fullmatch(r"([^/@\s]+)/([0-9]+)", text)
    if not found:
        raise BadInput("Which release?", [Fault(text, "expected MODEL/VERSION, for instance credit/3.")])
    return found[1], int(found[2])


def add_release(parser: argparse.ArgumentParser) -> None:
    """The release that is decided about."""
    parser.add_argument("release", metavar="MODEL/VERSION", help="the release")


def add_alias(parser: argparse.ArgumentParser) -> None:
    """The alias that moves."""
    parser.add_argument("--alias", default="champion", help="the alias to move (default: champion)")


def add_deciding(parser: argparse.ArgumentParser) -> None:
    """Who decides, why, and with which key."""
    parser.add_argument("--as", dest="actor", metavar="PERSON", help="your id (default: by git e-mail)")
    parser.add_argument("--reason", default="", help="why, in your words")
    parser.add_argument("--key", type=Path, metavar="FILE", help="your SSH key (default: git's signing key)")


def deciding_of(args: argparse.Namespace, repo: Path) -> Deciding:
    """Who decides, from the arguments of `add_deciding`."""
    from vendorkit.adapters.engagement import read_manifest  # noqa: PLC0415
    from vendorkit.trust.people import deciding  # noqa: PLC0415

    return deciding(repo, read_manifest(repo), args.actor, args.reason, args.key)


def decided(args: argparse.Namespace, kind: Literal["approval", "refusal"], text: str) -> Outcome:
    """Record a yes or a no; `text` has places for `actor`, `release` and `record`. What is missing follows it."""
    from vendorkit.steps.decide import decide  # noqa: PLC0415

    model, version = model_version(args.release)
    repo = repo_of(args)
    done = decide(repo, kind, model, version, deciding_of(args, repo))
    record, missing = done.decision, [str(fault) for fault in done.missing]
    result = {"model": model, "version": version, "record": record.digest, "actor": record.actor, "missing": missing}
    lines = [text.format(actor=record.actor, release=f"{model}/{version}", record=record.digest)]
    if missing:
        lines += ["It cannot be promoted yet:", *(f"  {what}" for what in missing)]
    elif kind == "approval":
        lines.append(f"Next: vendorkit promote {model}/{version}")
    return Outcome(result, "\n".join(lines))
