"""What a repository records of its template: the answers and the version, read as data that may be hostile.

Answers are never rendered as text of a template and name nothing that is fetched unless the platform lists it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from vendorkit.adapters.git_objects import FILE, PROGRAM, GitObjects, safe_path
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.fleet.versions import TemplateVersion, Versions

MOST_ANSWERS_BYTES = 256 * 1024


def recorded_answers(objects: GitObjects, tree: str, answers_file: str) -> dict[str, Any]:
    """The answers that a tree holds, as data.

    Raises:
        BadInput: There are none, or they are not readable.
    """
    entry = objects.entry(tree, answers_file) if safe_path(answers_file) else None
    if entry is None or entry.mode not in (FILE, PROGRAM):
        says = "is not there, or is no regular file."
        raise BadInput("The repository has no recorded answers.", [Fault(answers_file, says)])
    if objects.size(entry.id) > MOST_ANSWERS_BYTES:
        says = f"is longer than {MOST_ANSWERS_BYTES:,} bytes."
        raise BadInput("The recorded answers are not readable.", [Fault(answers_file, says)])
    data = objects.read(entry.id)
    try:
        found = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (it is safe)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        says = " ".join(str(error).split())[:200]
        raise BadInput("The recorded answers are not readable.", [Fault(answers_file, says)]) from error
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise BadInput("The recorded answers are not readable.", [Fault(answers_file, "expected names and values.")])
    return found


def recorded_version(
    templates: Versions, answers: Mapping[str, Any], answers_file: str, known: str | None = None
) -> tuple[TemplateVersion, tuple[str, ...]]:
    """The version that answers record, and what is odd about it.

    Args:
        templates: The templates of the platform.
        answers: As the repository recorded them.
        answers_file: Where, for messages.
        known: The full commit of the last update, where it is known.

    Raises:
        BadInput: They name no template or no version.
        Refused: The platform does not list the template, or the version is gone.
    """
    source, name = answers.get("_src_path"), answers.get("_commit")
    if not isinstance(source, str) or not isinstance(name, str | int | float) or not str(name):
        says = "needs `_src_path` and `_commit` to tell which template made the repository."
        raise BadInput("The repository does not tell its template.", [Fault(answers_file, says)])
    warnings = []
    meant = templates.tag_meant(source, str(name))
    if known is None and len(meant) > 1:
        warnings.append(f"The tag {name} of the template moved; it means {meant[0][:12]} now.")
    if known is not None and meant and meant[0] != known:
        warnings.append(f"The tag {name} of the template moved from {known[:12]} to {meant[0][:12]}.")
    try:
        return templates.version(source, known or str(name)), tuple(warnings)
    except Refused:
        if known is None or not meant:
            raise
        warnings.append(f"Commit {known[:12]} of the template vanished; {name} was taken in its place.")
        return templates.version(source, str(name)), tuple(warnings)
