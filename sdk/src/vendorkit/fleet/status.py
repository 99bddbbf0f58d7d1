"""How every repository stands: version, how far behind, drift, failing checks, its request, and what to do next.

What was found is kept by the repository's commit, so that only what changed is looked at again. How it is shown is
decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from importlib.metadata import version
from typing import Any

from vendorkit.adapters.commits import Commits
from vendorkit.errors import VendorkitError
from vendorkit.fleet.facts import Drift, Facts, Judge, facts_of, one_line
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.reach import Reach, Stand
from vendorkit.fleet.state import Known, State
from vendorkit.records.base import now
from vendorkit.records.duration import later
from vendorkit.records.progress import Progress, silent

LAYOUT = 1
"""Raised when what is kept of a repository becomes other."""


@dataclass(frozen=True)
class Standing:
    """How one engagement stands.

    Args:
        row: It.
        facts: What its commit says.
        newest: The newest version of its template; empty where that is not known.
        behind: How many versions it is behind; None where that is not known.
        branch: The branch of its last update; empty where there was none.
        wanted: The version that this update is to bring.
        request: What is known of the request; None where there is none.
        last: The outcome of its last update.
        why: Why it is not on the newest version, or what is wrong with it; empty where nothing is.
        stuck: Who has to do what, where the update does not go on by itself; empty where it does.
    """

    row: Row
    facts: Facts
    newest: str = ""
    behind: int | None = None
    branch: str = ""
    wanted: str = ""
    request: Known | None = None
    last: Mapping[str, Any] | None = None
    why: str = ""
    stuck: str = ""

    @property
    def owner(self) -> str:
        """Who answers for it: as the list says, else the accountable person of its manifest."""
        return self.row.owner or self.facts.owner

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        facts = self.facts
        return {
            "name": self.row.name,
            "path": self.row.path,
            "template": facts.template,
            "version": facts.version,
            "newest": self.newest,
            "behind": self.behind,
            "drift": facts.drift,
            "stage": facts.stage,
            "owner": self.owner,
            "ring": self.row.ring,
            "failing": facts.failing,
            "request": self._request(),
            "engagement": facts.engagement,
            "commit": facts.commit,
            "activity": facts.activity,
            "last": {key: self.last[key] for key in ("at", "status", "to", "why")} if self.last else None,
            "why": self.why,
            "stuck": self.stuck,
        }

    def _request(self) -> dict[str, Any] | None:
        if self.request is None:
            return None
        age = age_in_days(self.request.created)
        known = asdict(self.request)
        del known["seen"], known["head"]
        return {"branch": self.branch, "version": self.wanted, **known, "age_days": age}


Newest = Callable[[str, str], tuple[str, int | None]]
"""Gives the newest version of a template and how far behind it a version is: from its place and that version."""

Look = Callable[[Row, str], Known | None]
"""Asks the forge for the request of a row's branch; None where there is none or no forge."""


def status(
    rows: Sequence[Row],
    state: State,
    reach: Reach,
    *,
    newest: Newest,
    drift: Drift,
    judge: Judge,
    look: Look,
    rules: str,
    deadline: str,
    today: date,
    progress: Progress = silent,
) -> list[Standing]:
    """How every engagement of a fleet stands now.

    Args:
        rows: The engagements.
        state: What was found before, and of the updates that were made.
        reach: How repositories are reached.
        newest: Tells of template versions.
        drift: Compares managed files with the template.
        judge: Asks the checks.
        look: Asks the forge for a request.
        rules: What tells the fleet's declarations of its templates from others; what was found under others is old.
        deadline: How long a request may stay open, for instance `P14D`.
        today: The day that this is judged by.
        progress: Takes how many repositories were looked at.
    """
    stands = reach.stands(rows)
    kept, lasts, requests = state.seen(), state.last_outcomes(), state.requests()
    new: list[tuple[str, str, dict[str, Any]]] = []
    seen: list[tuple[Row, Stand, Facts] | Standing] = []
    judged = f"{LAYOUT} {version('vendorkit')} {today} {rules}"
    for at, row in enumerate(rows):
        progress("looking at repositories", at, len(rows))
        stand, held = stands[row.name], kept.get(row.name)
        if isinstance(stand, VendorkitError):
            seen.append(_unreachable(row, held, stand, lasts.get(row.name)))
            continue
        key = f"{judged} {row.place} {row.answers_path} {stand.commit}"
        if held is not None and held[0] == key:
            facts = Facts(**held[1])
        else:
            facts, lasting = _looked(row, stand, reach, drift, judge)
            if lasting:
                new.append((row.name, key, asdict(facts)))
        seen.append((row, stand, facts))
        if len(new) >= 50:
            state.remember(new)
            new.clear()
    state.remember(new)

    def stands_so(found: tuple[Row, Stand, Facts] | Standing) -> Standing:
        if isinstance(found, Standing):
            return found
        row, stand, facts = found
        return _stands(row, facts, stand, reach, newest, look, lasts.get(row.name), requests)

    standings = reach.at_once(stands_so, seen)
    state.remember_requests((each.row.name, each.branch, each.request) for each in standings if each.request)
    return [_explained(each, deadline, today) for each in standings]


def _looked(row: Row, stand: Stand, reach: Reach, drift: Drift, judge: Judge) -> tuple[Facts, bool]:
    """What a repository's commit says, and whether that holds as long as it stands there: a fault may be mended in
    the list of the fleet or in the template.
    """
    if not stand.commit:
        return Facts(fault="It has no commit yet."), False
    try:
        facts = facts_of(reach.bring(row, stand), row, stand.commit, drift=drift, judge=judge)
    except VendorkitError as error:
        facts = Facts(stand.commit, fault=one_line(error))
    return facts, not facts.fault


def _unreachable(
    row: Row, held: tuple[str, dict[str, Any]] | None, error: VendorkitError, last: Mapping[str, Any] | None
) -> Standing:
    """What was known of a repository that cannot be looked at now."""
    facts = Facts(**held[1]) if held else Facts()
    return Standing(row, replace(facts, fault=one_line(error)), last=last)


def _stands(
    row: Row,
    facts: Facts,
    stand: Stand,
    reach: Reach,
    newest: Newest,
    look: Look,
    last: Mapping[str, Any] | None,
    requests: Mapping[tuple[str, str], Known],
) -> Standing:
    """An engagement with its template's versions and its request."""
    found = Standing(row, facts, last=last)
    if facts.template:
        try:
            latest, behind = newest(facts.template, facts.version)
            found = replace(found, newest=latest, behind=behind)
        except VendorkitError as error:
            found = replace(found, facts=_faulty(facts, error))
    branch = str(last["branch"] or "") if last else ""
    if not branch and found.newest:
        usual = row.update_branch(found.newest)
        branch = usual if usual in stand.updates else ""
    wanted = str(last["to"]) if last else found.newest
    known = requests.get((row.name, branch))
    if row.reset_branch in stand.updates and (not branch or (known is not None and known.state != "open")):
        branch, wanted, last = row.reset_branch, facts.version, None
        known = requests.get((row.name, branch))
    if not branch:
        return found
    found = replace(found, branch=branch, wanted=wanted)
    if known is not None and known.state != "open":
        return replace(found, request=known)
    try:
        return replace(found, request=look(row, branch) or _by_branch(row, branch, facts, stand, reach, known, last))
    except VendorkitError as error:
        return replace(found, request=known, facts=_faulty(facts, error))


def _faulty(facts: Facts, error: VendorkitError) -> Facts:
    """Facts with one more thing that is wrong, said once."""
    says = one_line(error)
    return facts if says in facts.fault else replace(facts, fault=f"{facts.fault} {says}".strip())


def _by_branch(
    row: Row,
    branch: str,
    facts: Facts,
    stand: Stand,
    reach: Reach,
    known: Known | None,
    last: Mapping[str, Any] | None,
) -> Known | None:
    """What the branch itself tells where no forge does."""
    pushed = stand.updates.get(branch, "")
    if not pushed and known is None:
        return None
    created = known.created if known else str(last["at"]) if last else now()
    head = pushed or (known.head if known else "")
    merged = False
    if pushed:
        merged = Commits(reach.bring(row, stand)).holds(stand.commit, pushed)
    elif last is not None:
        merged = facts.version == last["to"]
    state = "merged" if merged else "open" if pushed else "closed"
    draft = last is not None and last["status"] == "conflict"
    return Known(known.url if known else "", state, "none", draft, None, created, now(), head)


def _explained(standing: Standing, deadline: str, today: date) -> Standing:
    """The standing with why it is as it is, and what to do where it is stuck."""
    facts, request, last = standing.facts, standing.request, standing.last
    why, stuck = facts.fault, ""
    whom = standing.owner or "its owner"
    if last is not None and standing.behind != 0 and last["status"] in ("conflict", "refused", "failed", "needs-tasks"):
        why = why or f"{last['status']}: {last['why']}"
    if request is not None and standing.behind != 0:
        place = request.url or f"branch {standing.branch}"
        conflicted = last is not None and last["status"] == "conflict"
        stuck = _stuck(request, place, whom, deadline, today, conflicted=conflicted)
        if request.state == "open":
            days = age_in_days(request.created)
            checks = "" if request.checks == "none" else f", checks {request.checks}"
            why = why or f"{place} is open for {days} days{checks}"
        elif request.state == "closed":
            why = why or f"{place} was closed without being merged"
    elif last is not None and standing.behind != 0 and last["status"] in ("refused", "failed", "needs-tasks"):
        stuck = _unmade(last, whom)
    if not why and standing.behind:
        why = "no update was made yet"
    if not why and facts.drift:
        why = f"{len(facts.drift)} managed files are not as the template gives them"
    return replace(standing, why=why, stuck=stuck)


def _unmade(last: Mapping[str, Any], whom: str) -> str:
    """Who has to do what about an update that was not made."""
    if last["status"] == "needs-tasks":
        whom, step = "the platform team", "let them run (`tasks: sandbox` at the template in fleet.yaml)"
    else:
        step = "mend that"
    return f"{whom}: {last['why'].rstrip('.')}; {step}, then `vendorkit fleet update --retry`"


def _stuck(request: Known, place: str, whom: str, deadline: str, today: date, *, conflicted: bool = False) -> str:
    """Who has to do what about a request; empty where it goes on by itself."""
    if request.state == "closed":
        return f"{whom}: say why {place} was closed; `vendorkit fleet update --retry` opens another"
    if request.state != "open":
        return ""
    if conflicted or request.draft or request.mergeable is False:
        return f"{whom}: solve the conflicts on {place}; `vendorkit fleet update --retry` makes it anew"
    if request.created and later(_day(request.created), deadline) < today:
        return f"{whom}: review {place}, it is open since {request.created[:10]}"
    return ""


def is_stuck(request: Known, deadline: str, today: date) -> bool:
    """Whether a request does not go on by itself: closed, in conflict, or open for too long."""
    return bool(_stuck(request, "", "", deadline, today))


def age_in_days(created: str) -> int:
    """Whole days since a time."""
    if not created:
        return 0
    return max(0, (datetime.fromisoformat(now()) - datetime.fromisoformat(created)).days)


def _day(at: str) -> date:
    return datetime.fromisoformat(at).date()


def on_version(standings: Iterable[Standing], wanted: str) -> list[Standing]:
    """Those that are on a version, with or without a `v` before it; `1.2` means every 1.2.x and what follows one."""
    plain = wanted.removeprefix("v")
    begins = (f"{plain}.", f"{plain}-")
    versions = ((each, each.facts.version.removeprefix("v")) for each in standings)
    return [each for each, version in versions if version == plain or version.startswith(begins)]
