"""GitLab, the hosted one and one's own: merge requests through python-gitlab.

A merge request is a draft by the word at the start of its title. The bodies sent are checked in the tests against
the published types of GitLab's JavaScript client (@gitbeaker/core), because GitLab's OpenAPI is in no registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vendorkit.adapters.forges import base
from vendorkit.adapters.forges.answers import Asked, already, not_installed
from vendorkit.adapters.forges.base import Checks, Found, Opened, Request, Search, State
from vendorkit.adapters.forges.governor import Governor
from vendorkit.adapters.forges.token import Token
from vendorkit.errors import BadInput, Refused

DRAFT = "Draft: "
STATES: dict[str, State] = {"opened": "open", "locked": "open", "merged": "merged", "closed": "closed"}
CHECKS: dict[str, Checks] = {"success": "green", "failed": "red", "canceled": "red", "skipped": "none"}
UNDECIDED = {"unchecked", "checking", "preparing", "approvals_syncing"}
CONFLICTED = {"conflict", "broken_status", "need_rebase"}


class GitLab:
    """One GitLab. Repositories are `group/name` or `group/subgroup/name`.

    Raises:
        BadInput: python-gitlab is not installed.
    """

    kind = "gitlab"
    takes_requests = True

    def __init__(self, web: str, token: Token | None, governor: Governor) -> None:
        try:
            import gitlab  # noqa: PLC0415  (of the extra `fleet`)
            import requests  # noqa: PLC0415

            from vendorkit.adapters.forges.transport import TIMEOUT_S, GovernedAdapter  # noqa: PLC0415
        except ImportError as error:
            raise not_installed("GitLab", "python-gitlab") from error
        self._asked = Asked(web, token)
        self._failed, self._broke = gitlab.GitlabError, requests.RequestException
        self._session = requests.Session()
        self._session.mount(f"{web}/", GovernedAdapter(governor))
        self._client = gitlab.Gitlab(
            web,
            oauth_token=token.reveal() if token else None,  # as a bearer, which is not carried to another host
            session=self._session,
            timeout=TIMEOUT_S,
            per_page=100,
            keep_base_url=True,
        )
        self._account_ids: dict[str, int] = {}

    def open_or_refresh(self, repository: str, request: Request) -> Opened:
        """Have exactly one open merge request for the branch; see `Forge`."""
        with self._asking(repository):
            iid = base.exactly_one(
                lambda: self._open_iid(repository, request.branch), lambda: self._create(repository, request)
            )
            notes = self._refresh(repository, iid, request)
            return self._opened(self._merges(repository).get(iid), tuple(notes))

    def look(self, repository: str, branch: str) -> Opened | None:
        """The open merge request of a branch, else the one that changed last."""
        with self._asking(repository):
            merges = self._of_branch(repository, branch, "all")
            if not merges:
                return None
            chosen = next((one for one in merges if one.state == "opened"), merges[0])
            return self._opened(self._merges(repository).get(chosen.iid))

    def close(self, repository: str, number: int, why: str) -> None:
        """Say why in a note, and close it."""
        with self._asking(repository):
            merge = self._merges(repository).get(number)
            if merge.state != "opened":
                return
            if not any(note.body == why for note in merge.notes.list(iterator=True)):
                merge.notes.create({"body": why})
            self._merges(repository).update(number, {"state_event": "close"})

    def discover(self, search: Search) -> tuple[Found, ...]:
        """Projects of a group with its subgroups, else of a user, else all that the token is a member of."""
        wanted: dict[str, Any] = {"iterator": True, "order_by": "id"}
        if search.topic:
            wanted["topic"] = search.topic
        with self._asking(search.within):
            found = [self._found(project) for project in self._listed(search.within, wanted)]
        if search.file:
            found = list(base.holding(found, lambda one: not one.empty and self._holds(one, search.file)))
        return tuple(sorted(found, key=lambda one: one.name))

    def leave(self) -> None:
        """Close the connections."""
        self._session.close()

    def _listed(self, within: str, wanted: dict[str, Any]) -> list[Any]:
        if not within:
            return list(self._client.projects.list(membership=True, **wanted))
        try:
            group = self._client.groups.get(within, lazy=True)
            return list(group.projects.list(include_subgroups=True, with_shared=False, **wanted))
        except self._failed as error:
            users = self._client.users.list(username=within) if error.response_code == 404 else []
            if not users:
                raise
            return list(self._client.users.get(users[0].id, lazy=True).projects.list(**wanted))

    def _merges(self, repository: str) -> Any:
        return self._client.projects.get(repository, lazy=True).mergerequests

    def _open_iid(self, repository: str, branch: str) -> int | None:
        """The oldest, should there be several into different branches."""
        return min((one.iid for one in self._of_branch(repository, branch, "opened")), default=None)

    def _of_branch(self, repository: str, branch: str, state: str) -> list[Any]:
        """Those from the project's own branch, that changed last first; none from forks."""
        wanted = {"source_branch": branch, "state": state, "order_by": "updated_at", "sort": "desc"}
        listed = self._merges(repository).list(get_all=True, **wanted)
        return [one for one in listed if one.source_project_id == one.target_project_id]

    def _create(self, repository: str, request: Request) -> int:
        data = {
            "source_branch": request.branch,
            "target_branch": request.base,
            "title": _title(request),
            "description": request.body,
            "remove_source_branch": True,
        }
        try:
            with self._asking(repository):
                return int(self._merges(repository).create(data).iid)
        except Refused as error:
            if "(409)" in error.says:
                raise already(error) from error
            raise

    def _refresh(self, repository: str, iid: int, request: Request) -> list[str]:
        merge = self._merges(repository).get(iid)
        ids, notes = self._accounts(request.assignees)
        change: dict[str, Any] = {}
        if (merge.title, merge.description or "") != (_title(request), request.body):
            change |= {"title": _title(request), "description": request.body}
        if merge.target_branch != request.base:
            change["target_branch"] = request.base
        if missing := [label for label in request.labels if label not in merge.labels]:
            change["add_labels"] = ",".join(missing)
        assigned = [one["id"] for one in merge.assignees or ()]
        if more := [one for one in ids if one not in assigned]:
            change["assignee_ids"] = assigned + more
        if change:
            self._merges(repository).update(iid, change)
        return notes + self._set_auto_merge(merge, request)

    def _accounts(self, names: tuple[str, ...]) -> tuple[list[int], list[str]]:
        notes = []
        for name in names:
            if name not in self._account_ids:
                found = self._client.users.list(username=name)
                if found:
                    self._account_ids[name] = found[0].id
                else:
                    notes.append(f"{name} cannot be assigned: no such account.")
        return [self._account_ids[name] for name in names if name in self._account_ids], notes

    def _set_auto_merge(self, merge: Any, request: Request) -> list[str]:
        """Only where a pipeline is there: without one GitLab would merge at once."""
        on = merge.merge_when_pipeline_succeeds
        if request.draft or not request.auto_merge or on:
            if request.draft and on:
                merge.cancel_merge_when_pipeline_succeeds()
            return []
        if not getattr(merge, "head_pipeline", None):
            return ["It does not merge itself yet: no pipeline has begun."]
        try:
            merge.merge(merge_when_pipeline_succeeds=True, sha=merge.sha)
        except self._failed as error:
            return [f"It does not merge itself: GitLab answers {error.response_code}."]
        return []

    def _opened(self, merge: Any, notes: tuple[str, ...] = ()) -> Opened:
        told = getattr(merge, "detailed_merge_status", "") or ""
        pipeline = getattr(merge, "head_pipeline", None)
        return Opened(
            number=merge.iid,
            url=merge.web_url,
            state=STATES.get(merge.state, "closed"),
            draft=merge.draft,
            checks=CHECKS.get(pipeline["status"], "running") if pipeline else "none",
            mergeable=None if told in UNDECIDED else not (merge.has_conflicts or told in CONFLICTED),
            created=base.utc(merge.created_at),
            updated=base.utc(merge.updated_at),
            head=merge.sha or "",
            notes=notes,
        )

    def _found(self, project: Any) -> Found:
        return Found(
            name=project.path_with_namespace,
            url=project.http_url_to_repo,
            default_branch=project.default_branch or "",
            archived=project.archived,
            empty=project.empty_repo,
            topics=tuple(sorted(project.topics)),
            last_activity=base.utc(project.last_activity_at),
        )

    def _holds(self, found: Found, file: str) -> bool:
        try:
            with self._asking(found.name):
                self._client.projects.get(found.name, lazy=True).files.head(file, ref=found.default_branch)
        except BadInput:
            return False
        return True

    @contextmanager
    def _asking(self, repository: str) -> Iterator[None]:
        """Turn what python-gitlab and requests raise into the errors of this program."""
        try:
            yield
        except self._failed as error:
            raise self._asked.wrong(error.response_code or 0, error.response_body or str(error), repository) from None
        except self._broke as error:
            raise self._asked.wrong(0, type(error).__name__, repository) from None


def _title(request: Request) -> str:
    return f"{DRAFT}{request.title}" if request.draft else request.title
