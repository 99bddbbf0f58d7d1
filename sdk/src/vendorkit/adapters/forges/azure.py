"""Azure DevOps: pull requests through its documented REST interface, version 7.1, with httpx.

Microsoft's own client for Python rests on a library that was given up, so it is no dependency (decision 0060); the
tests check what is sent and read against the fields that it knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from vendorkit.adapters.forges import base
from vendorkit.adapters.forges.answers import Asked, already, not_installed
from vendorkit.adapters.forges.base import Checks, Found, Opened, Request, Search, State
from vendorkit.adapters.forges.governor import Governor
from vendorkit.adapters.forges.token import Token
from vendorkit.errors import BadInput, Fault, Refused

VERSION = "7.1"
PREVIEW = "7.1-preview.1"
MOST_BODY = 4_000
"""Characters that a description may have."""

CUT = "\n\n... (cut: Azure DevOps takes 4,000 characters)"
CHECKING = {"Build", "Status"}
"""Policies that a machine decides; the others wait for people."""

STATES: dict[str, State] = {"active": "open", "completed": "merged", "abandoned": "closed"}
RED = {"rejected", "broken", "failed", "error"}
RUNNING = {"queued", "running", "pending", "notSet"}
GREEN = {"approved", "succeeded"}


class Azure:
    """One Azure DevOps. Repositories are `organisation/project/name`.

    It has reviewers where others have assignees, found by e-mail address or account name; and no topics.

    Raises:
        BadInput: httpx is not installed.
    """

    kind = "azure"
    takes_requests = True

    def __init__(self, web: str, token: Token | None, governor: Governor) -> None:
        try:
            import httpx  # noqa: PLC0415  (of the extra `fleet`)

            from vendorkit.adapters.forges.transport import TIMEOUT_S, GovernedTransport  # noqa: PLC0415
        except ImportError as error:
            raise not_installed("Azure DevOps", "httpx") from error
        self._web, self._asked, self._broke = web, Asked(web, token), httpx.TransportError
        self._road = GovernedTransport(web, governor)
        self._client = httpx.Client(
            auth=httpx.BasicAuth("", token.reveal()) if token else None,
            transport=self._road,
            timeout=TIMEOUT_S,
            headers={"accept": "application/json"},
        )

    def open_or_refresh(self, repository: str, request: Request) -> Opened:
        """Have exactly one open pull request for the branch; see `Forge`."""
        pull = base.exactly_one(
            lambda: self._open_pull(repository, request.branch), lambda: self._create(repository, request)
        )
        notes = self._refresh(repository, pull, request)
        return self._opened(repository, self._pull(repository, pull["pullRequestId"]), tuple(notes))

    def look(self, repository: str, branch: str) -> Opened | None:
        """The open pull request of a branch, else the newest."""
        pulls = self._pulls(repository, branch, "all")
        if not pulls:
            return None
        newest = max(pulls, key=lambda pull: (pull["status"] == "active", pull["pullRequestId"]))
        return self._opened(repository, self._pull(repository, newest["pullRequestId"]))

    def close(self, repository: str, number: int, why: str) -> None:
        """Say why in a thread, and abandon it."""
        if self._pull(repository, number)["status"] != "active":
            return
        threads = self._get(repository, f"pullrequests/{number}/threads")["value"]
        if not any(comment.get("content") == why for one in threads for comment in one.get("comments", ())):
            thread = {"comments": [{"parentCommentId": 0, "content": why, "commentType": "text"}], "status": "closed"}
            self._send("POST", repository, f"pullrequests/{number}/threads", thread)
        self._send("PATCH", repository, f"pullrequests/{number}", {"status": "abandoned"})

    def discover(self, search: Search) -> tuple[Found, ...]:
        """Repositories of an organisation, or of `organisation/project`.

        Raises:
            BadInput: No organisation, or a topic, which Azure DevOps does not have.
        """
        faults = [Fault("within", "name the organisation.")] if not search.within else []
        faults += [Fault("topic", "Azure DevOps has none.")] if search.topic else []
        if faults:
            raise BadInput("Azure DevOps cannot be searched like this.", faults)
        organisation = search.within.partition("/")[0]
        url = f"{self._web}/{quote(search.within)}/_apis/git/repositories"
        listed = self._ask("GET", url, search.within)["value"]
        found = [self._found(organisation, repo) for repo in listed]
        if search.file:
            found = list(base.holding(found, lambda one: not one.empty and self._holds(one.name, search.file)))
        return tuple(sorted(found, key=lambda one: one.name))

    def leave(self) -> None:
        """Close the connections."""
        self._road.leave()

    def _open_pull(self, repository: str, branch: str) -> dict[str, Any] | None:
        """The oldest, should there be several into different branches."""
        pulls = self._pulls(repository, branch, "active")
        return min(pulls, key=lambda pull: pull["pullRequestId"], default=None)

    def _pulls(self, repository: str, branch: str, status: str) -> list[dict[str, Any]]:
        """Pull requests from the repository's own branch; none from forks."""
        wanted = {"searchCriteria.sourceRefName": f"refs/heads/{branch}", "searchCriteria.status": status}
        pulls = self._get(repository, "pullrequests", wanted)["value"]
        return [pull for pull in pulls if not pull.get("forkSource")]

    def _pull(self, repository: str, number: int) -> dict[str, Any]:
        pull: dict[str, Any] = self._get(repository, f"pullrequests/{number}")
        return pull

    def _create(self, repository: str, request: Request) -> dict[str, Any]:
        pull = {
            "sourceRefName": f"refs/heads/{request.branch}",
            "targetRefName": f"refs/heads/{request.base}",
            "title": request.title,
            "description": _body(request.body),
            "isDraft": request.draft,
        }
        try:
            made: dict[str, Any] = self._send("POST", repository, "pullrequests", pull)
        except Refused as error:
            if "(409)" in error.says:
                raise already(error) from error
            raise
        return made

    def _refresh(self, repository: str, pull: dict[str, Any], request: Request) -> list[str]:
        number = pull["pullRequestId"]
        wanted = {"title": request.title, "description": _body(request.body), "isDraft": request.draft}
        wanted["targetRefName"] = f"refs/heads/{request.base}"
        if change := {key: value for key, value in wanted.items() if pull.get(key, "") != value}:
            self._send("PATCH", repository, f"pullrequests/{number}", change)
        labels = self._get(repository, f"pullrequests/{number}/labels")["value"]
        for label in sorted(set(request.labels) - {one["name"] for one in labels}):
            self._send("POST", repository, f"pullrequests/{number}/labels", {"name": label})
        there = {one["id"] for one in pull.get("reviewers", ())}
        notes = (
            [] if len(request.body) <= MOST_BODY else ["The description was cut: Azure DevOps takes 4,000 characters."]
        )
        for who in request.assignees:
            account = self._account(repository, who)
            if account is None:
                notes.append(f"{who} cannot be assigned: no such account.")
            elif account not in there:
                self._send("PUT", repository, f"pullrequests/{number}/reviewers/{account}", {"vote": 0})
        return notes + self._set_auto_complete(repository, pull, request)

    def _account(self, repository: str, who: str) -> str | None:
        """The id of a person; on the hosted service people live on a host of their own."""
        organisation = quote(repository.partition("/")[0])
        home = "https://vssps.dev.azure.com" if self._web == "https://dev.azure.com" else self._web
        wanted = {"searchFilter": "General", "filterValue": who, "queryMembership": "None"}
        found = self._ask("GET", f"{home}/{organisation}/_apis/identities", repository, wanted)["value"]
        return found[0]["id"] if len(found) == 1 else None

    def _set_auto_complete(self, repository: str, pull: dict[str, Any], request: Request) -> list[str]:
        """Only where a policy must pass first: without one Azure DevOps would merge at once."""
        on = pull.get("autoCompleteSetBy") is not None
        path = f"pullrequests/{pull['pullRequestId']}"
        if request.draft and on:
            nobody = {"id": "00000000-0000-0000-0000-000000000000"}
            self._send("PATCH", repository, path, {"autoCompleteSetBy": nobody})
        if request.draft or on or not request.auto_merge:
            return []
        if not any(one["configuration"]["isBlocking"] for one in self._policies(repository, pull)):
            return ["It does not merge itself: no policy has to pass before."]
        organisation = quote(repository.partition("/")[0])
        me = self._ask("GET", f"{self._web}/{organisation}/_apis/connectionData", repository, version=PREVIEW)
        change = {
            "autoCompleteSetBy": {"id": me["authenticatedUser"]["id"]},
            "completionOptions": {"deleteSourceBranch": True},
        }
        try:
            self._send("PATCH", repository, path, change)
        except Refused as error:
            return [f"It does not merge itself: {error.says}"]
        return []

    def _opened(self, repository: str, pull: dict[str, Any], notes: tuple[str, ...] = ()) -> Opened:
        number, told = pull["pullRequestId"], pull.get("mergeStatus")
        mergeable = {"succeeded": True, "conflicts": False, "failure": False, "rejectedByPolicy": True}
        page = "/".join(quote(part) for part in repository.split("/")[:2])
        return Opened(
            number=number,
            url=f"{self._web}/{page}/_git/{quote(repository.split('/')[2])}/pullrequest/{number}",
            state=STATES.get(pull["status"], "closed"),
            draft=bool(pull.get("isDraft")),
            checks=self._checks(repository, pull),
            mergeable=mergeable.get(told or ""),
            created=base.utc(pull["creationDate"]),
            updated=base.utc(pull.get("closedDate") or pull["creationDate"]),
            head=(pull.get("lastMergeSourceCommit") or {}).get("commitId", ""),
            notes=notes,
        )

    def _checks(self, repository: str, pull: dict[str, Any]) -> Checks:
        """What machines decide: the policies on builds and statuses, and the statuses posted to the request."""
        policies = self._policies(repository, pull)
        states = {one["status"] for one in policies if one["configuration"]["type"]["displayName"] in CHECKING}
        posted = self._get(repository, f"pullrequests/{pull['pullRequestId']}/statuses")["value"]
        newest = {(one["context"].get("genre"), one["context"]["name"]): one for one in posted}
        states |= {one["state"] for one in newest.values()}
        if states & RED:
            return "red"
        return "running" if states & RUNNING else "green" if states & GREEN else "none"

    def _policies(self, repository: str, pull: dict[str, Any]) -> list[dict[str, Any]]:
        project = pull["repository"]["project"]["id"]
        artifact = f"vstfs:///CodeReview/CodeReviewId/{project}/{pull['pullRequestId']}"
        organisation = quote(repository.partition("/")[0])
        url = f"{self._web}/{organisation}/{project}/_apis/policy/evaluations"
        listed = self._ask("GET", url, repository, {"artifactId": artifact}, version=PREVIEW)["value"]
        return [one for one in listed if one["configuration"]["isEnabled"] and one["status"] != "notApplicable"]

    def _found(self, organisation: str, repo: dict[str, Any]) -> Found:
        branch = repo.get("defaultBranch", "").removeprefix("refs/heads/")
        scheme, _, rest = repo["remoteUrl"].partition("://")
        return Found(
            name=f"{organisation}/{repo['project']['name']}/{repo['name']}",
            url=f"{scheme}://{rest.rpartition('@')[2]}",
            default_branch=branch,
            archived=bool(repo.get("isDisabled")),
            empty=not branch,
            topics=(),
            last_activity="",
        )

    def _holds(self, repository: str, file: str) -> bool:
        try:
            self._get(repository, "items", {"path": f"/{file}", "$format": "json"})
        except BadInput:
            return False
        return True

    def _get(self, repository: str, path: str, params: dict[str, str] | None = None) -> Any:
        return self._ask("GET", self._url(repository, path), repository, params)

    def _send(self, method: str, repository: str, path: str, body: dict[str, Any]) -> Any:
        return self._ask(method, self._url(repository, path), repository, body=body)

    def _url(self, repository: str, path: str) -> str:
        parts = repository.split("/")
        if len(parts) != 3 or not all(parts):
            says = f"{repository!r} is no repository of Azure DevOps."
            raise BadInput(says, fix="Name it as organisation/project/name.")
        organisation, project, name = (quote(part, safe="") for part in parts)
        return f"{self._web}/{organisation}/{project}/_apis/git/repositories/{name}/{path}"

    def _ask(
        self,
        method: str,
        url: str,
        repository: str,
        params: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        version: str = VERSION,
    ) -> Any:
        with self._asking(repository):
            response = self._client.request(method, url, params={"api-version": version, **(params or {})}, json=body)
            signs_in = response.status_code in {203, 302}  # its page to sign in, where the token is not accepted
            if signs_in or response.is_error:
                status = 401 if signs_in else response.status_code
                raise self._asked.wrong(status, response.text, repository)
            return response.json()

    @contextmanager
    def _asking(self, repository: str) -> Iterator[None]:
        """Turn what httpx raises into the errors of this program."""
        try:
            yield
        except self._broke as error:
            raise self._asked.wrong(0, type(error).__name__, repository) from None
        except ValueError:  # no JSON
            raise self._asked.wrong(200, "", repository) from None


def _body(text: str) -> str:
    return text if len(text) <= MOST_BODY else text[: MOST_BODY - len(CUT)] + CUT
