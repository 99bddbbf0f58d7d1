"""Gitea and Forgejo: pull requests through pyforgejo, which is made from Forgejo's own API description.

A pull request is a draft by the word at the start of its title. What is sent is checked in the tests against the
published types of Gitea's and Forgejo's JavaScript clients, which are made from the servers' descriptions too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from vendorkit.adapters.forges import base
from vendorkit.adapters.forges.answers import Asked, already, not_installed
from vendorkit.adapters.forges.base import Checks, Found, Opened, Request, Search
from vendorkit.adapters.forges.governor import Governor
from vendorkit.adapters.forges.token import Token
from vendorkit.errors import BadInput, Refused

DRAFT = "WIP: "
PAGE = 50
COLOUR = "#5319e7"
ONCE: Any = {"max_retries": 0}
"""The governor tries again, where that is right; the library would also repeat what may have been done."""

NO_DOTENV = "PYTHON_DOTENV_DISABLED"
_importing = threading.Lock()


class Gitea:
    """One Gitea or Forgejo. Repositories are `owner/name`.

    Raises:
        BadInput: pyforgejo is not installed, or there is no token, without which it asks nothing.
    """

    kind = "gitea"
    takes_requests = True

    def __init__(self, web: str, token: Token | None, governor: Governor) -> None:
        try:
            client, self._failed = _library()
            import httpx  # noqa: PLC0415  (of the extra `fleet`)

            from vendorkit.adapters.forges.transport import TIMEOUT_S, GovernedTransport  # noqa: PLC0415
        except ImportError as error:
            raise not_installed("Gitea and Forgejo", "pyforgejo") from error
        self._asked = Asked(web, token)
        if token is None:
            raise self._asked.wrong(401, "", "")
        self._broke = httpx.TransportError
        self._road = GovernedTransport(web, governor)
        road = httpx.Client(transport=self._road, timeout=TIMEOUT_S, follow_redirects=True)
        made = client(base_url=f"{web}/api/v1", api_key=token.reveal(), httpx_client=road)
        self._repos, self._issues, self._orgs, self._users = made.repository, made.issue, made.organization, made.user

    def open_or_refresh(self, repository: str, request: Request) -> Opened:
        """Have exactly one open pull request for the branch; see `Forge`."""
        owner, name = _split(repository)
        with self._asking(repository):
            number = base.exactly_one(
                lambda: self._open_number(repository, request.branch), lambda: self._create(repository, request)
            )
            pull = self._repos.repo_get_pull_request(owner, name, number, request_options=ONCE)
            notes = self._refresh(repository, pull, request)
            pull = self._repos.repo_get_pull_request(owner, name, number, request_options=ONCE)
            return self._opened(repository, pull, tuple(notes))

    def look(self, repository: str, branch: str) -> Opened | None:
        """The open pull request of a branch, else the one that changed last."""
        with self._asking(repository):
            for state in ("open", "closed"):
                for pull in self._pulls(repository, state):
                    if pull.head.ref == branch and _own(pull):
                        return self._opened(repository, pull)
        return None

    def close(self, repository: str, number: int, why: str) -> None:
        """Say why in a comment, and close it."""
        owner, name = _split(repository)
        with self._asking(repository):
            pull = self._repos.repo_get_pull_request(owner, name, number, request_options=ONCE)
            if pull.state != "open":
                return
            said = self._issues.get_comments(owner, name, number, request_options=ONCE)
            if not any(comment.body == why for comment in said):
                self._issues.create_comment(owner, name, number, body=why, request_options=ONCE)
            self._repos.repo_edit_pull_request(owner, name, number, state="closed", request_options=ONCE)

    def discover(self, search: Search) -> tuple[Found, ...]:
        """Repositories of an organisation or user, else all that the token may see as its own."""
        found = [self._found(repo) for repo in self._listed(search.within) if _carries(repo, search.topic)]
        if search.file:
            found = list(base.holding(found, lambda one: not one.empty and self._holds(one.name, search.file)))
        return tuple(sorted(found, key=lambda one: one.name))

    def leave(self) -> None:
        """Close the connections."""
        self._road.leave()

    def _listed(self, within: str) -> list[Any]:
        if not within:
            return list(self._pages("", self._users.current_list_repos))
        try:
            return list(self._pages(within, lambda **page: self._orgs.org_list_repos(within, **page)))
        except BadInput:
            return list(self._pages(within, lambda **page: self._users.list_repos(within, **page)))

    def _pulls(self, repository: str, state: str) -> Iterator[Any]:
        """Those that changed last first. Gitea cannot filter them by branch."""
        owner, name = _split(repository)
        wanted: Any = {"state": state, "sort": "recentupdate"}
        return self._pages(
            repository, lambda **page: self._repos.repo_list_pull_requests(owner, name, **wanted, **page)
        )

    def _open_number(self, repository: str, branch: str) -> int | None:
        """The oldest, should there be several into different branches."""
        pulls = self._pulls(repository, "open")
        return min((pull.number for pull in pulls if pull.head.ref == branch and _own(pull)), default=None)

    def _create(self, repository: str, request: Request) -> int:
        owner, name = _split(repository)
        try:
            with self._asking(repository):
                pull = self._repos.repo_create_pull_request(
                    *(owner, name),
                    **{"title": _title(request), "body": request.body, "head": request.branch, "base": request.base},
                    request_options=ONCE,
                )
                return int(pull.number)
        except Refused as error:
            if "(409)" in error.says:
                raise already(error) from error
            raise

    def _refresh(self, repository: str, pull: Any, request: Request) -> list[str]:
        owner, name = _split(repository)
        change: dict[str, Any] = {}
        if (pull.title, pull.body or "") != (_title(request), request.body):
            change |= {"title": _title(request), "body": request.body}
        if pull.base.ref != request.base:
            change["base"] = request.base
        if change:
            self._repos.repo_edit_pull_request(owner, name, pull.number, **change, request_options=ONCE)
        missing = set(request.labels) - {label.name for label in pull.labels or ()}
        if missing:
            ids: Any = self._label_ids(repository, missing)
            self._issues.add_label(owner, name, pull.number, labels=ids, request_options=ONCE)
        notes = self._assign(repository, pull, request.assignees)
        if request.auto_merge and not request.draft:
            notes += self._merge_when_green(repository, pull)
        return notes

    def _label_ids(self, repository: str, names: set[str]) -> list[int]:
        owner, name = _split(repository)
        known = {
            label.name: label.id
            for label in self._pages(repository, lambda **page: self._issues.list_labels(owner, name, **page))
        }
        for label in sorted(names - known.keys()):
            made = self._issues.create_label(owner, name, name=label, color=COLOUR, request_options=ONCE)
            known[label] = made.id
        return [known[label] for label in sorted(names)]

    def _assign(self, repository: str, pull: Any, wanted: tuple[str, ...]) -> list[str]:
        """One after the other: Gitea takes none of a list in which one is wrong."""
        owner, name = _split(repository)
        assigned, notes = [one.login for one in pull.assignees or ()], []
        for who in wanted:
            if who in assigned:
                continue
            try:
                with self._asking(repository):
                    self._repos.repo_edit_pull_request(
                        owner, name, pull.number, assignees=[*assigned, who], request_options=ONCE
                    )
                assigned.append(who)
            except (Refused, BadInput):
                notes.append(f"{who} cannot be assigned.")
        return notes

    def _merge_when_green(self, repository: str, pull: Any) -> list[str]:
        """Only while a check goes on: without one Gitea would merge at once."""
        if self._checks(repository, pull.head.sha) != "running":
            return ["It does not merge itself yet: no check is under way."]
        owner, name = _split(repository)
        try:
            with self._asking(repository):
                self._repos.repo_merge_pull_request(
                    *(owner, name, pull.number),
                    **{"do": "merge", "head_commit_id": pull.head.sha, "merge_when_checks_succeed": True},
                    request_options=ONCE,
                )
        except Refused as error:
            return [] if "(409)" in error.says else [f"It does not merge itself: {error.says}"]
        return []

    def _opened(self, repository: str, pull: Any, notes: tuple[str, ...] = ()) -> Opened:
        return Opened(
            number=pull.number,
            url=pull.html_url,
            state="merged" if pull.merged else "open" if pull.state == "open" else "closed",
            draft=bool(pull.draft) or pull.title.startswith(DRAFT),
            checks=self._checks(repository, pull.head.sha),
            mergeable=pull.mergeable,
            created=base.utc(pull.created_at),
            updated=base.utc(pull.updated_at),
            head=pull.head.sha,
            notes=notes,
        )

    def _checks(self, repository: str, commit: str) -> Checks:
        owner, name = _split(repository)
        combined = self._repos.repo_get_combined_status_by_ref(owner, name, commit, request_options=ONCE)
        if not combined.statuses:
            return "none"
        return {"success": "green", "warning": "green", "pending": "running"}.get(combined.state or "", "red")  # type: ignore[return-value]

    def _found(self, repo: Any) -> Found:
        return Found(
            name=repo.full_name,
            url=repo.clone_url,
            default_branch="" if repo.empty else repo.default_branch or "",
            archived=bool(repo.archived),
            empty=bool(repo.empty),
            topics=tuple(sorted(repo.topics or ())),
            last_activity=base.utc(repo.updated_at),
        )

    def _holds(self, repository: str, file: str) -> bool:
        owner, name = _split(repository)
        try:
            with self._asking(repository):
                self._repos.repo_get_contents(owner, name, file, request_options=ONCE)
        except BadInput:
            return False
        return True

    def _pages(self, what: str, ask: Callable[..., Any]) -> Iterator[Any]:
        page = 1
        while True:
            with self._asking(what):
                listed = ask(page=page, limit=PAGE, request_options=ONCE)
            yield from listed
            if not listed:  # servers may allow fewer on a page than asked for
                return
            page += 1

    @contextmanager
    def _asking(self, repository: str) -> Iterator[None]:
        """Turn what pyforgejo and httpx raise into the errors of this program."""
        try:
            yield
        except self._failed as error:
            raise self._asked.wrong(error.status_code or 0, error.body, repository) from None
        except self._broke as error:
            raise self._asked.wrong(0, type(error).__name__, repository) from None


def _library() -> tuple[Any, Any]:
    """The client and its error. On import it would read an `.env` file that lies near: it must not."""
    with _importing:
        before = os.environ.get(NO_DOTENV)
        os.environ[NO_DOTENV] = "true"
        try:
            from pyforgejo import PyforgejoApi  # noqa: PLC0415
            from pyforgejo.core.api_error import ApiError  # noqa: PLC0415
        finally:
            if before is None:
                del os.environ[NO_DOTENV]
            else:
                os.environ[NO_DOTENV] = before
    return PyforgejoApi, ApiError


def _carries(repo: Any, topic: str) -> bool:
    return not topic or topic in (repo.topics or ())


def _split(repository: str) -> tuple[str, str]:
    owner, _, name = repository.partition("/")
    if not owner or not name or "/" in name:
        raise BadInput(f"{repository!r} is no repository of Gitea.", fix="Name it as owner/name.")
    return owner, name


def _own(pull: Any) -> bool:
    """Whether its branch lies in the repository itself, not in a fork."""
    return bool(pull.head.repo_id == pull.base.repo_id)


def _title(request: Request) -> str:
    return f"{DRAFT}{request.title}" if request.draft else request.title
