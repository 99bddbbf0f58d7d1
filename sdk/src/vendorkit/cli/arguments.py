"""Arguments and readings that several commands share."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

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
    found = re.fullmatch(r"([^/@\s]+)/(\d+)", text)
    if not found:
        raise BadInput("Which release?", [Fault(text, "expected MODEL/VERSION, for instance credit/3.")])
    return found[1], int(found[2])


def add_deciding(parser: argparse.ArgumentParser) -> None:
    """Who decides, why, and with which key."""
    parser.add_argument(
        "--as", dest="actor", metavar="PERSON", help="your id in engagement.yaml (default: by git e-mail)"
    )
    parser.add_argument("--reason", default="", help="why, in your words")
    parser.add_argument("--key", type=Path, metavar="FILE", help="your SSH key (default: git's signing key)")


def deciding_of(args: argparse.Namespace, repo: Path) -> Deciding:
    """Who decides, from the arguments of `add_deciding`."""
    from vendorkit.adapters.engagement import read_manifest  # noqa: PLC0415
    from vendorkit.trust.people import deciding  # noqa: PLC0415

    return deciding(repo, read_manifest(repo), args.actor, args.reason, args.key)
