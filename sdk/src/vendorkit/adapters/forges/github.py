"""GitHub and GitHub Enterprise Server: pull requests through githubkit.

Whether a pull request is a draft, and whether it merges itself, only GraphQL changes; all else is REST. The
bodies sent are checked in the tests against GitHub's published OpenAPI and GraphQL schemas.
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

PAGE = 100
PASSED = {"success", "neutral", "skipped"}

DRAFT = "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { id } } }"
READY = "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { id } } }"
AUTO = "mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id}) { pullRequest { id } } }"
BY_HAND = "mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { pullRequest { id } } }"


class GitHub:
    """One GitHub. Repositories are `owner/name`.

    Raises:
        BadInput: githubkit is not installed.
    """

    kind = "github"
    takes_requests = True

    def __init__(self, web: str, token: Token | None, governor: Governor) -> None:
        try:
            import githubkit  # noqa: PLC0415  (of the extra `fleet`)
            from githubkit.exception import GraphQLFailed, RequestError, RequestFailed  # noqa: PLC0415

            from vendorkit.adapters.forges.transport import TIMEOUT_S, GovernedTransport  # noqa: PLC0415
        except ImportError as error:
            raise not_installed("GitHub", "githubkit") from error
        self._asked = Asked(web, token)
        self._failed, self._broke, self._mutation_failed = RequestFailed, RequestError, GraphQLFailed
        self._road = GovernedTransport(web, governor)
        self._client = githubkit.GitHub(
            token.reveal() if token else None,
            base_url="https://api.github.com" if web == "https://github.com" else f"{web}/api/v3",
            timeout=TIMEOUT_S,
            transport=self._road,
            http_cache=False,
            auto_retry=False,
        )

    def open_or_refresh(self, repository: str, request: Request) -> Opened:
        """Have exactly one open pull request for the branch; see `Forge`."""
        pull = base.exactly_one(
            lambda: self._open_pull(repository, request.branch), lambda: self._create(repository, request)
        )
        notes = self._refresh(repository, pull, request)
        return self._opened(repository, self._get(repository, f"pulls/{pull['number']}"), tuple(notes))

    def look(self, repository: str, branch: str) -> Opened | None:
        """The open pull request of a branch, else the one that changed last."""
        pulls = self._pulls(repository, branch, "all")
        if not pulls:
            return None
        chosen = next((pull for pull in pulls if pull["state"] == "open"), pulls[0])
        return self._opened(repository, self._get(repository, f"pulls/{chosen['number']}"))

    def close(self, repository: str, number: int, why: str) -> None:
        """Say why in a comment, and close it."""
        if self._get(repository, f"pulls/{number}")["state"] != "open":
            return
        owner, name = _split(repository)
        with self._asking(repository):
            issues, pulls = self._client.rest.issues, self._client.rest.pulls
            said = issues.list_comments(owner, name, number, per_page=PAGE).json()
            if not any(comment["body"] == why for comment in said):
                issues.create_comment(owner, name, number, data={"body": why})
            pulls.update(owner, name, number, data={"state": "closed"})

    def discover(self, search: Search) -> tuple[Found, ...]:
        """Repositories of an organisation or user, else all that the token is a member of."""
        listed = self._listed(search.within)
        found = [self._found(repo) for repo in listed if not search.topic or search.topic in repo.get("topics", ())]
        if search.file:
            found = list(base.holding(found, lambda one: not one.empty and self._holds(one.name, search.file)))
        return tuple(sorted(found, key=lambda one: one.name))

    def leave(self) -> None:
        """Close the connections."""
        self._road.leave()

    def _listed(self, within: str) -> list[dict[str, Any]]:
        if not within:
            return list(self._pages("", "/user/repos"))
        try:
            return list(self._pages(within, f"/orgs/{within}/repos"))
        except BadInput:
            return list(self._pages(within, f"/users/{within}/repos"))

    def _open_pull(self, repository: str, branch: str) -> dict[str, Any] | None:
        """The oldest, should there be several into different branches."""
        return min(self._pulls(repository, branch, "open"), key=lambda pull: pull["number"], default=None)

    def _pulls(self, repository: str, branch: str, state: str) -> list[dict[str, Any]]:
        """Pull requests from the repository's own branch, those that changed last first; none from forks."""
        owner, _ = _split(repository)
        wanted = {"head": f"{owner}:{branch}", "state": state, "sort": "updated", "direction": "desc"}
        pulls = self._get(repository, "pulls", {**wanted, "per_page": PAGE})
        return [pull for pull in pulls if pull["head"]["ref"] == branch and _own(pull)]

    def _create(self, repository: str, request: Request) -> dict[str, Any]:
        owner, name = _split(repository)
        data = {"title": request.title, "head": request.branch, "base": request.base, "body": request.body}
        try:
            with self._asking(repository):
                made: dict[str, Any] = self._client.rest.pulls.create(
                    owner, name, data={**data, "draft": request.draft}
                ).json()
        except Refused as error:
            if "already exists" in error.says:
                raise already(error) from error
            raise
        return made

    def _refresh(self, repository: str, pull: dict[str, Any], request: Request) -> list[str]:
        owner, name = _split(repository)
        number, notes = pull["number"], list[str]()
        as_it_is = (pull["title"], pull["body"] or "", pull["base"]["ref"])
        with self._asking(repository):
            issues = self._client.rest.issues
            if as_it_is != (request.title, request.body, request.base):
                data = {"title": request.title, "body": request.body, "base": request.base}
                self._client.rest.pulls.update(owner, name, number, data=data)
            labels = [label for label in request.labels if label not in {one["name"] for one in pull["labels"]}]
            if labels:
                issues.add_labels(owner, name, number, data={"labels": labels})
            assigned = {one["login"].lower() for one in pull.get("assignees") or ()}
            if missing := [who for who in request.assignees if who.lower() not in assigned]:
                answer = issues.add_assignees(owner, name, number, data={"assignees": missing}).json()
                assigned = {one["login"].lower() for one in answer["assignees"]}
                notes += [f"{who} cannot be assigned." for who in missing if who.lower() not in assigned]
        if pull["draft"] != request.draft:
            self._mutate(repository, DRAFT if request.draft else READY, pull)
        return notes + self._set_auto_merge(repository, pull, request)

    def _set_auto_merge(self, repository: str, pull: dict[str, Any], request: Request) -> list[str]:
        on = pull.get("auto_merge") is not None
        try:
            if request.draft and on:
                self._mutate(repository, BY_HAND, pull)
            elif request.auto_merge and not request.draft and not on:
                self._mutate(repository, AUTO, pull)
        except Refused as error:
            return [f"It does not merge itself: {error.says}"]
        return []

    def _mutate(self, repository: str, mutation: str, pull: dict[str, Any]) -> None:
        try:
            with self._asking(repository):
                self._client.graphql(mutation, {"id": pull["node_id"]})
        except self._mutation_failed as error:
            says = "; ".join(one.message for one in error.response.errors or ())
            raise Refused(f"{repository}: {says}") from error

    def _opened(self, repository: str, pull: dict[str, Any], notes: tuple[str, ...] = ()) -> Opened:
        state: State = "merged" if pull.get("merged_at") else "open" if pull["state"] == "open" else "closed"
        return Opened(
            number=pull["number"],
            url=pull["html_url"],
            state=state,
            draft=pull["draft"],
            checks=self._checks(repository, pull["head"]["sha"]),
            mergeable=pull.get("mergeable"),
            created=base.utc(pull["created_at"]),
            updated=base.utc(pull["updated_at"]),
            head=pull["head"]["sha"],
            notes=notes,
        )

    def _checks(self, repository: str, commit: str) -> Checks:
        """Check runs (GitHub Actions and apps) and commit statuses (everybody else) together."""
        owner, name = _split(repository)
        runs = list(self._pages(repository, f"/repos/{owner}/{name}/commits/{commit}/check-runs", "check_runs"))
        statuses = list(self._pages(repository, f"/repos/{owner}/{name}/commits/{commit}/status", "statuses"))
        ended = {run["conclusion"] for run in runs if run["status"] == "completed"}
        ended |= {one["state"] for one in statuses if one["state"] != "pending"}
        if ended - PASSED:
            return "red"
        if any(run["status"] != "completed" for run in runs) or any(one["state"] == "pending" for one in statuses):
            return "running"
        return "green" if ended else "none"

    def _found(self, repo: dict[str, Any]) -> Found:
        empty = repo["size"] == 0 and not self._has_commit(repo["full_name"])
        return Found(
            name=repo["full_name"],
            url=repo["clone_url"],
            default_branch="" if empty else repo["default_branch"],
            archived=repo["archived"],
            empty=empty,
            topics=tuple(sorted(repo.get("topics") or ())),
            last_activity=base.utc(repo.get("pushed_at")),
        )

    def _has_commit(self, repository: str) -> bool:
        """GitHub's size of a repository is 0 for a while after its first push, so that alone does not tell."""
        try:
            return bool(self._get(repository, "commits", {"per_page": 1}))
        except Refused:
            return False

    def _holds(self, repository: str, file: str) -> bool:
        try:
            return bool(self._get(repository, f"contents/{file}"))
        except BadInput:
            return False

    def _pages(self, what: str, path: str, key: str = "") -> Iterator[dict[str, Any]]:
        """Every page of a list, which some answers hold under a key."""
        page = 1
        while True:
            with self._asking(what):
                answer = self._client.request("GET", path, params={"per_page": PAGE, "page": page}).json()
            listed = answer[key] if key else answer
            yield from listed
            if len(listed) < PAGE:
                return
            page += 1

    def _get(self, repository: str, path: str, params: dict[str, Any] | None = None) -> Any:
        owner, name = _split(repository)
        with self._asking(repository):
            return self._client.request("GET", f"/repos/{owner}/{name}/{path}", params=params).json()

    @contextmanager
    def _asking(self, repository: str) -> Iterator[None]:
        """Turn what githubkit raises into the errors of this program."""
        try:
            yield
        except self._failed as error:
            response = error.response
            raise self._asked.wrong(response.status_code, response.text, repository) from None
        except self._broke as error:
            raise self._asked.wrong(0, type(error.exc).__name__, repository) from None
        except ValueError:  # no JSON
            raise self._asked.wrong(200, "", repository) from None


def _split(repository: str) -> tuple[str, str]:
    owner, _, name = repository.partition("/")
    if not owner or not name or "/" in name:
        raise BadInput(f"{repository!r} is no repository of GitHub.", fix="Name it as owner/name.")
    return owner, name


def _own(pull: dict[str, Any]) -> bool:
    """Whether its branch lies in the repository itself; a deleted fork leaves none."""
    head = pull["head"].get("repo")
    return head is not None and head["full_name"] == pull["base"]["repo"]["full_name"]
