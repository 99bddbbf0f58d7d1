"""What an alias points to, where the registry and the log of decisions agree on it. The one rule of what is live."""

from __future__ import annotations

from vendorkit.adapters.registry import Registry, Version
from vendorkit.errors import Fault, Refused
from vendorkit.trust.log import Log, Signed, decision_fault, log_of
from vendorkit.trust.people import Authority
from vendorkit.trust.releases import find_version

LIVE = "champion"
"""The alias that is served, and compared with, where none is named."""


def move_to(registry: Registry, log: Log, authority: Authority, model: str, alias: str) -> Signed | None:
    """The move that put an alias where it is; None where nobody ever moved it and it points nowhere.

    Raises:
        Refused: The alias is not where the last valid move put it.
    """
    known, last = registry.alias(model, alias), log.move(alias, authority)
    if (last.decision.version if last else None) == known:
        return last
    says = f"points to version {known}" if known else "points nowhere"
    recorded = f"the last valid move was to version {last.decision.version}" if last else "no valid move is recorded"
    where = f"{model}@{alias}"
    faults = [Fault(where, f"{says}, but {recorded}: it was moved past the rules, or a move was interrupted.")]
    for signed in log.moves(alias)[-1:]:
        why = decision_fault(signed, authority)
        if why:
            faults.append(Fault(f"{signed.decision.kind} by {signed.decision.actor}", f"does not count: {why}."))
    fix = f"Promote the right version: `vendorkit promote {model}/VERSION --alias {alias}`."
    raise Refused("The alias is not to be believed.", faults, fix=fix)


def live_version(registry: Registry, authority: Authority, model: str, alias: str = LIVE) -> Version | None:
    """The version that an alias points to; None where it points nowhere.

    Raises:
        Refused: As for `move_to`.
    """
    move = move_to(registry, log_of(registry, model), authority, model, alias)
    return find_version(registry, model, move.decision.version) if move else None
