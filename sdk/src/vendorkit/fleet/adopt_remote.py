"""Adoption of a repository on another host: brought here, and its branch pushed and put to people.

What an adoption does is worked out in `adopt`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import TypeAdapter, ValidationError

from vendorkit.adapters.commits import Commits
from vendorkit.adapters.forges.base import Request
from vendorkit.errors import BadInput, Fault
from vendorkit.fleet import adopt
from vendorkit.fleet.desks import Desks
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.reach import Reach
from vendorkit.records.answers import ANSWERS_FILE
from vendorkit.records.fleet import Address


def row_of(place: str) -> Row:
    """A repository that is no entry of a fleet yet.

    Raises:
        BadInput: This is no address that git may be given.
    """
    try:
        TypeAdapter(Address).validate_python(place)
    except ValidationError as error:
        says = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise BadInput("The repository cannot be reached.", [Fault(place, f"{says}.")]) from error
    return Row(place, place, place, "", "", ANSWERS_FILE, "", "", "")


class Remote:
    """A repository on another host.

    Args:
        row: It.
        reach: Brings it here.
        desks: Where its request is opened.

    Raises:
        Refused: The host does not let us read it.
        Unavailable: It cannot be reached.
    """

    def __init__(self, row: Row, reach: Reach, desks: Desks) -> None:
        self._row, self._reach, self._desks = row, reach, desks
        self._stand = reach.stand(row)
        if not self._stand.commit:
            raise BadInput("There is nothing to adopt.", [Fault(row.place, "has no commit.")])
        self._here = reach.bring(row, self._stand)

    def plan(
        self,
        source: str,
        ref: str | None,
        given: Mapping[str, object],
        *,
        origin: str = "template",
        progress: Callable[[str], None],
    ) -> adopt.Adoption:
        """What adopting it would do; the arguments are those of `adopt.plan`."""
        about = {"name": self._row.short_name, "remote": self._row.remote, "commit": self._stand.commit}
        return adopt.plan(self._here, source, ref, given, origin=origin, progress=progress, **about)

    def offer(self, planned: adopt.Adoption) -> tuple[str, str]:
        """Commit what was planned, push it and open its request; gives the commit and the request's page.

        Raises:
            BadInput: Git does not know who commits.
            Refused: People committed on the branch, or the host does not take it.
            Unavailable: The host cannot be reached.
        """
        seen = self._stand.updates.get(planned.branch, "")
        if seen:
            Commits(self._here).point(planned.branch, seen, seen="")
        made = adopt.commit(planned)
        if made != seen:
            self._reach.push(self._row, self._here, planned.branch, made, seen=seen)
        says, _, text = adopt.message(planned).partition("\n")
        fenced = text.strip().replace("```", "'''")
        request = Request(planned.branch, self._stand.branch, says, f"```\n{fenced}\n```")
        known = self._desks.put(self._row, request)
        return made, known.url if known else ""
