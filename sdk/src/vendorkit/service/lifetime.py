"""Whether the served release may still be used: callers are warned from a day, and refused from a day, or at once.

The response headers are those of RFC 9745 (`Deprecation`) and RFC 8594 (`Sunset`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from vendorkit.errors import VendorkitError
from vendorkit.records.decision import Leave
from vendorkit.records.manifest.words import day
from vendorkit.service.problems import Problem
from vendorkit.service.requests import Warning_

LOG = logging.getLogger("vendorkit.service")


class Lifetime:
    """What was decided about the served release, as it is known now.

    Args:
        name: MODEL/VERSION.
        leave: As it was when the service started.
        look: Gives what holds now; None where nobody can ask.
    """

    def __init__(self, name: str, leave: Leave | None = None, look: Callable[[], Leave] | None = None) -> None:
        self._name = name
        self._leave = leave or Leave()
        self._look = look

    def renew(self) -> None:
        """Ask again what was decided. While nobody answers, what was known holds."""
        if self._look is None:
            return
        before = self._leave.refused
        try:
            self._leave = self._look()
        except VendorkitError as error:
            LOG.warning("what was decided about %s cannot be read: %s", self._name, error)
        if self._leave.refused != before:
            says = f"may not be used: {'; '.join(self._leave.refused)}" if self._leave.refused else "may be used again"
            LOG.error("%s %s", self._name, says)  # a service tells errors only, unless it is asked for more

    def refuse(self, now: datetime) -> None:
        """Nothing where it may be used.

        Raises:
            Problem: 410, it is retired; names the replacement. 503, it was refused; why is for the service's own log.
        """
        ending = self._leave.ending
        if ending and ending.blocks(now.astimezone(UTC).date()):
            use = f"Use {ending.replacement}." if ending.replacement else "Ask its owner what to use instead."
            raise Problem("retired", f"{self._name} is retired since {ending.block_from}. {use}", headers=self._dates())
        if self._leave.refused:
            raise Problem("unavailable", f"{self._name} was approved and is not any more. Its owner knows why.")

    def warnings(self, now: datetime) -> tuple[Warning_, ...]:
        """What every prediction is to say about it."""
        ending = self._leave.ending
        if not ending or not ending.warns(now.astimezone(UTC).date()):
            return ()
        says = f"{self._name} is deprecated"
        if ending.block_from:
            says += f" and answers until {ending.block_from}"
        says += f"; use {ending.replacement}." if ending.replacement else "."
        return ({"path": "", "field": "", "kind": "deprecated", "says": says, "action": "answered"},)

    def headers(self, now: datetime) -> dict[str, str]:
        """The headers of an answer: none before callers are warned."""
        return dict(self._dates()) if self.warnings(now) else {}

    def _dates(self) -> list[tuple[str, str]]:
        ending, found = self._leave.ending, []
        if ending and ending.warn_from:
            found.append(("Deprecation", f"@{_midnight(ending.warn_from).timestamp():.0f}"))
        if ending and ending.block_from:
            found.append(("Sunset", format_datetime(_midnight(ending.block_from), usegmt=True)))
        return found


def _midnight(text: str) -> datetime:
    return datetime.combine(day(text), datetime.min.time(), UTC)
