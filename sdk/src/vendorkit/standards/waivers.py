"""Which waivers hold on a date, and what is wrong with the others."""

from __future__ import annotations

from datetime import date

from vendorkit.records.manifest import Manifest, Waiver
from vendorkit.records.manifest.words import day

LONGEST_DAYS = 180
NEVER_WAIVED = ("MAN-01", "MAN-02", "MAN-05")
"""Without these no waiver can be believed."""


def date_fault(waiver: Waiver, as_of: date) -> str:
    """What is wrong with a waiver's last day; empty when nothing is.

    A waiver has no first day, so the 180 days are counted from the date that is judged by.
    """
    expires = day(waiver.expires)
    if expires < as_of:
        return f"expired on {waiver.expires}"
    if (expires - as_of).days > LONGEST_DAYS:
        return f"lasts until {waiver.expires}, more than {LONGEST_DAYS} days from {as_of.isoformat()}"
    return ""


def holding(manifest: Manifest | None, as_of: date) -> tuple[Waiver, ...]:
    """The waivers that hold: granted by an internal person, not expired, not too long."""
    if manifest is None:
        return ()
    return tuple(
        waiver
        for waiver in manifest.waivers
        if manifest.internal(waiver.approved_by) and not date_fault(waiver, as_of) and waiver.check not in NEVER_WAIVED
    )


def covering(waivers: tuple[Waiver, ...], check: str, target: str) -> Waiver | None:
    """The waiver that covers a failure; one without target covers all of its check."""
    fitting = (w for w in waivers if w.check == check and (w.target is None or w.target == target))
    return next(fitting, None)
