"""The answers that a repository recorded when it was made from the template, read as data that may be hostile."""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

from vendorkit.errors import BadInput, Fault
from vendorkit.records.yaml_text import read_yaml

ANSWERS_FILE = ".copier-answers.yml"
MAX_ANSWERS_BYTES = 64 * 1024

_DISTANCE = re.compile(r"(.+)-(\d+)-g([0-9a-f]+)")


def parse_answers(data: bytes) -> dict[str, object]:
    """Read the content of an answers file.

    Keys that begin with `_` are the template's own: `_src_path`, `_commit` and `_sdk`, the SDK's requirement.

    Raises:
        BadInput: It is not strict YAML of at most 64 kB that maps names to values.
    """
    if len(data) > MAX_ANSWERS_BYTES:
        raise _unreadable(f"is longer than {MAX_ANSWERS_BYTES:,} bytes.")
    value = read_yaml(data, ANSWERS_FILE).value
    if not isinstance(value, dict):
        raise _unreadable("expected a mapping.")
    return value


def version_of(name: str) -> Version | None:
    """A tag, or a tag with a distance, as a version of PEP 440; None where it is none."""
    parted = _DISTANCE.fullmatch(name)
    text = f"{parted[1]}.post{parted[2]}.dev0+{parted[3]}" if parted else name
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _unreadable(says: str) -> BadInput:
    return BadInput("The recorded answers are not readable.", [Fault(ANSWERS_FILE, says)])
