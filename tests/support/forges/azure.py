"""The language of Azure DevOps, REST version 7.1."""

from __future__ import annotations

from typing import Any

from tests.support.forges.state import CREATED, HEAD, No, Pull, Repo

REPO = r"/([^/]+)/([^/]+)/_apis/git/repositories/([^/]+)"
STATES = {"open": "active", "merged": "completed", "closed": "abandoned"}
POLICIES = {"green": "approved", "red": "rejected", "running": "running"}
PROJECT_ID = "c0ffee00-0000-4000-8000-000000000001"


def error(status: int, says: str) -> dict[str, Any]:
    """How Azure DevOps says no."""
    return {"$id": "1", "message": f"TF401179: {says}", "typeKey": "GitException", "errorCode": 0}


def find(fake: Any, *parts: str) -> Repo:
    """A repository by organisation, project and name."""
    found: Repo = fake.state.repo("/".join(parts))
    return found


def account(who: str) -> str:
    """The id of a person."""
    return f"00000000-0000-4000-8000-{who.encode().hex().zfill(12)}"


def shown(repo: Repo, pull: Pull) -> dict[str, Any]:
    """A pull request."""
    answer = {
        "pullRequestId": pull.number,
        "status": STATES[pull.state],
        "sourceRefName": f"refs/heads/{pull.branch}",
        "targetRefName": f"refs/heads/{pull.base}",
        "title": pull.title,
        "description": pull.body,
        "isDraft": pull.draft,
        "mergeStatus": "succeeded",
        "creationDate": CREATED.replace("Z", ".1234567Z"),
        "lastMergeSourceCommit": {"commitId": HEAD},
        "repository": {"name": repo.name.split("/")[2], "project": {"id": PROJECT_ID}},
        "reviewers": [{"id": account(who), "vote": 0} for who in pull.assignees],
    }
    if pull.from_fork:
        answer["forkSource"] = {"name": "refs/heads/other"}
    if pull.auto_merge:
        answer["autoCompleteSetBy"] = {"id": account("me")}
    return answer


def list_pulls(fake: Any, *parts: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    repo = find(fake, *parts)
    status, ref = query["searchCriteria.status"], query["searchCriteria.sourceRefName"]
    pulls = [pull for pull in repo.pulls if status in {"all", STATES[pull.state]}]
    value = [shown(repo, pull) for pull in pulls if f"refs/heads/{pull.branch}" == ref]
    return 200, {"count": len(value), "value": value}


def create_pull(fake: Any, *parts: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = find(fake, *parts)
    names = [body[key].removeprefix("refs/heads/") for key in ("sourceRefName", "targetRefName")]
    if len(body["description"]) > 4000:
        raise No(400, "The description is too long.")
    pull = fake.state.open(repo, *names, body["title"], body["description"], taken=409)
    pull.draft = body.get("isDraft", False)
    return 201, shown(repo, pull)


def get_pull(fake: Any, *parts: str, **_: Any) -> tuple[int, Any]:
    repo = find(fake, *parts[:3])
    return 200, shown(repo, fake.state.pull(repo, int(parts[3])))


def update_pull(fake: Any, *parts: str, body: Any, **_: Any) -> tuple[int, Any]:
    """Where nothing has to pass before, setting the completion merges at once."""
    repo = find(fake, *parts[:3])
    pull = fake.state.pull(repo, int(parts[3]))
    pull.title = body.get("title", pull.title)
    pull.body = body.get("description", pull.body)
    pull.draft = body.get("isDraft", pull.draft)
    pull.base = body.get("targetRefName", pull.base).removeprefix("refs/heads/")
    pull.state = "closed" if body.get("status") == "abandoned" else pull.state
    if "autoCompleteSetBy" in body:
        pull.auto_merge = not body["autoCompleteSetBy"]["id"].startswith("00000000-0000-0000")
        pull.state = "merged" if pull.auto_merge and repo.checks == "none" else pull.state
    return 200, shown(repo, pull)


def list_labels(fake: Any, *parts: str, **_: Any) -> tuple[int, Any]:
    value = [{"name": name, "active": True} for name in fake.state.pull(find(fake, *parts[:3]), int(parts[3])).labels]
    return 200, {"count": len(value), "value": value}


def add_label(fake: Any, *parts: str, body: Any, **_: Any) -> tuple[int, Any]:
    fake.state.pull(find(fake, *parts[:3]), int(parts[3])).labels.append(body["name"])
    return 200, {"name": body["name"], "active": True}


def add_reviewer(fake: Any, *parts: str, **_: Any) -> tuple[int, Any]:
    pull = fake.state.pull(find(fake, *parts[:3]), int(parts[3]))
    pull.assignees += [who for who in fake.state.accounts if account(who) == parts[4]]
    return 200, {"id": parts[4], "vote": 0}


def list_threads(fake: Any, *parts: str, **_: Any) -> tuple[int, Any]:
    comments = fake.state.pull(find(fake, *parts[:3]), int(parts[3])).comments
    return 200, {"count": len(comments), "value": [{"id": 1, "comments": [{"content": text}]} for text in comments]}


def create_thread(fake: Any, *parts: str, body: Any, **_: Any) -> tuple[int, Any]:
    fake.state.pull(find(fake, *parts[:3]), int(parts[3])).comments.append(body["comments"][0]["content"])
    return 200, {"id": 1, "comments": body["comments"]}


def statuses(fake: Any, *parts: str, **_: Any) -> tuple[int, Any]:
    find(fake, *parts[:3])
    return 200, {"count": 0, "value": []}


def policies(fake: Any, *_parts: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    """Evaluations of every request; the fake has one repository where that matters."""
    assert query["artifactId"].startswith(f"vstfs:///CodeReview/CodeReviewId/{PROJECT_ID}/")
    state = next((POLICIES[repo.checks] for repo in fake.state.repos.values() if repo.checks in POLICIES), None)
    build = {"isBlocking": True, "isEnabled": True, "type": {"displayName": "Build"}}
    people = {"isBlocking": False, "isEnabled": True, "type": {"displayName": "Minimum number of reviewers"}}
    value = [{"status": "queued", "configuration": people}]
    value += [{"status": state, "configuration": build}] if state else []
    return 200, {"count": len(value), "value": value}


def identities(fake: Any, *_parts: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    value = [{"id": account(who)} for who in fake.state.accounts if who == query["filterValue"]]
    return 200, {"count": len(value), "value": value}


def me(fake: Any, *_parts: str, **_: Any) -> tuple[int, Any]:
    return 200, {"authenticatedUser": {"id": account("me")}}


def list_repos(fake: Any, *parts: str, **_: Any) -> tuple[int, Any]:
    value = [
        {
            "name": repo.name.split("/")[2],
            "project": {"id": PROJECT_ID, "name": repo.name.split("/")[1]},
            "remoteUrl": f"{fake.web}/{repo.name}".replace("://", "://someone@"),
            **({} if repo.empty else {"defaultBranch": f"refs/heads/{repo.default}"}),
            "isDisabled": repo.archived,
        }
        for repo in fake.state.within("/".join(parts))
    ]
    return 200, {"count": len(value), "value": value}


def items(fake: Any, *parts: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    if query["path"].lstrip("/") not in find(fake, *parts).files:
        raise No(404, "The item could not be found.")
    return 200, {"path": query["path"], "commitId": HEAD}


PULL = rf"{REPO}/pullrequests/(\d+)"
ROUTES = [
    ("GET", rf"{REPO}/pullrequests", list_pulls),
    ("POST", rf"{REPO}/pullrequests", create_pull),
    ("GET", PULL, get_pull),
    ("PATCH", PULL, update_pull),
    ("GET", rf"{PULL}/labels", list_labels),
    ("POST", rf"{PULL}/labels", add_label),
    ("PUT", rf"{PULL}/reviewers/([\w-]+)", add_reviewer),
    ("GET", rf"{PULL}/threads", list_threads),
    ("POST", rf"{PULL}/threads", create_thread),
    ("GET", rf"{PULL}/statuses", statuses),
    ("GET", rf"{REPO}/items", items),
    ("GET", r"/([^/]+)/([^/]+)/_apis/policy/evaluations", policies),
    ("GET", r"/([^/]+)/_apis/identities", identities),
    ("GET", r"/([^/]+)/_apis/connectionData", me),
    ("GET", r"/([^/]+)/([^/]+)/_apis/git/repositories", list_repos),
    ("GET", r"/([^/]+)/_apis/git/repositories", list_repos),
]
