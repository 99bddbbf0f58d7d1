"""A written plan: for each repository the commit it stands on, the tree to be, conflicts, deletions and the diff.

Executing it makes these very trees, or refuses where the repository or the result became another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import StringConstraints, ValidationError

from vendorkit.adapters.store import write_whole
from vendorkit.errors import BadInput, Fault
from vendorkit.records.base import Timestamp, Value, key_path, now

GitId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class PlannedRepository(Value):
    """What is to become of one engagement.

    Args:
        name: Its name in the fleet.
        status: What the update would end with.
        before: The version that it records.
        after: The version that it would have.
        template_commit: The full commit of that version.
        base: The commit that it is planned on.
        tree: The tree after the update, without restored files.
        final_tree: The tree after everything.
        changed: Files that are added or changed.
        deleted: Files that are deleted.
        healed: Managed files that are restored.
        conflicts: Files in conflict.
        why: Why it ends so.
        diff: What changes, to read.
    """

    name: str
    status: Literal["updated", "conflict", "drifted"]
    before: str
    after: str
    template_commit: GitId
    base: GitId
    tree: GitId
    final_tree: GitId
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    healed: tuple[str, ...]
    conflicts: tuple[str, ...]
    why: str
    diff: str


class PlanFile(Value):
    """A plan of updates.

    Args:
        kind: What this file is.
        to: The version that was asked for; empty means the newest.
        conflicts: How conflicts are left: `markers` or `aside`.
        day: The day that waivers were judged by.
        made_at: When it was made.
        repositories: What changes.
        left: Name to why nothing is planned for it.
    """

    kind: Literal["vendorkit/fleet-plan/1"]
    to: str
    conflicts: Literal["markers", "aside"]
    day: str
    made_at: Timestamp
    repositories: tuple[PlannedRepository, ...]
    left: dict[str, str]


def write_plan(path: Path, outcomes: Iterable[Mapping[str, Any]], *, to: str, conflicts: str, day: str) -> PlanFile:
    """Write a plan, whole or not at all.

    Args:
        path: The file.
        outcomes: Of a dry run, with the trees.
        to: The version that was asked for.
        conflicts: How conflicts are left.
        day: The day that waivers were judged by.
    """
    kept, left = [], {}
    for each in outcomes:
        if each.get("final_tree"):
            kept.append({key: each[key] for key in PlannedRepository.model_fields})
        else:
            left[str(each["name"])] = f"{each['status']}: {each['why']}"
    value: dict[str, Any] = {
        "kind": "vendorkit/fleet-plan/1",
        "to": to,
        "conflicts": conflicts,
        "day": day,
        "made_at": now(),
        "repositories": kept,
        "left": left,
    }
    made = PlanFile.model_validate_json(json.dumps(value))
    write_whole(path, f"{made.model_dump_json(indent=1)}\n".encode())
    return made


def read_plan(path: Path) -> PlanFile:
    """Read a plan.

    Raises:
        BadInput: There is no such file, or it is no plan.
    """
    if not path.is_file():
        raise BadInput("There is no such plan.", [Fault(str(path), "is not there.")])
    try:
        return PlanFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        faults = [
            Fault(": ".join(filter(None, (str(path), key_path(each["loc"])))), f"{each['msg']}.")
            for each in error.errors()
        ]
        raise BadInput("This is no plan.", faults) from error
