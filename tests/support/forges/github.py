"""GitHub's language: REST below /api/v3 as on GitHub Enterprise Server, and four mutations of GraphQL.

Every field of an answer stands in GitHub's OpenAPI; the tests check that.
"""

from __future__ import annotations

import re
from typing import Any

from tests.support.forges.state import CREATED, HEAD, No, Pull, Repo

REPO = r"/api/v3/repos/([^/]+/[^/]+)"
RUNS = {"green": ("completed", "success"), "red": ("completed", "failure"), "running": ("in_progress", None)}


def error(status: int, says: str) -> dict[str, Any]:
    """How GitHub says no."""
    if status == 422:
        return {"message": "Validation Failed", "errors": [{"resource": "PullRequest", "message": says}]}
    return {"message": says, "documentation_url": "https://docs.github.com/rest"}


def shown_repo(fake: Any, repo: Repo) -> dict[str, Any]:
    """A repository."""
    return {
        "full_name": repo.name,
        "clone_url": f"{fake.web}/{repo.name}.git",
        "default_branch": repo.default,
        "archived": repo.archived,
        "size": 0 if repo.empty or not repo.files else 12,
        "topics": list(repo.topics),
        "pushed_at": CREATED,
    }


def shown(fake: Any, repo: Repo, pull: Pull) -> dict[str, Any]:
    """A pull request."""
    own = {"full_name": repo.name}
    return {
        "number": pull.number,
        "node_id": f"{repo.name}#{pull.number}",
        "html_url": f"{fake.web}/{repo.name}/pull/{pull.number}",
        "state": "open" if pull.state == "open" else "closed",
        "merged_at": CREATED if pull.state == "merged" else None,
        "title": pull.title,
        "body": pull.body,
        "draft": pull.draft,
        "labels": [{"name": name} for name in pull.labels],
        "assignees": [{"login": name} for name in pull.assignees],
        "auto_merge": {"merge_method": "merge"} if pull.auto_merge else None,
        "head": {"ref": pull.branch, "sha": HEAD, "repo": {"full_name": "fork/pd"} if pull.from_fork else own},
        "base": {"ref": pull.base, "repo": own},
        "mergeable": True,
        "created_at": CREATED,
        "updated_at": pull.updated,
    }


def paged(query: dict[str, str], items: list[Any]) -> list[Any]:
    """One page of a list."""
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return items[(page - 1) * size : page * size]


def list_pulls(fake: Any, name: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    owner = name.partition("/")[0]
    state, head = query.get("state", "open"), query.get("head", "")
    pulls = [pull for pull in repo.pulls if state == "all" or (pull.state == "open") == (state == "open")]
    pulls = [pull for pull in pulls if not head or f"{owner}:{pull.branch}" == head]
    pulls.sort(key=lambda pull: (pull.updated, pull.number), reverse=True)
    answers = [shown(fake, repo, pull) for pull in pulls]
    return 200, paged(query, [{key: one[key] for key in one if key != "mergeable"} for one in answers])


def create_pull(fake: Any, name: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    pull = fake.state.open(repo, body["head"], body["base"], body["title"], body["body"], taken=422)
    pull.draft = body.get("draft", False)
    return 201, shown(fake, repo, pull)


def get_pull(fake: Any, name: str, number: str, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    return 200, shown(fake, repo, fake.state.pull(repo, int(number)))


def update_pull(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    pull = fake.state.pull(repo, int(number))
    for key in ("title", "body", "base", "state"):
        if key in body:
            setattr(pull, key, body[key])
    fake.state.touch(pull)
    return 200, shown(fake, repo, pull)


def add_labels(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    pull = fake.state.pull(fake.state.repo(name), int(number))
    pull.labels += [label for label in body["labels"] if label not in pull.labels]
    return 200, [{"name": label} for label in pull.labels]


def add_assignees(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    """Who has no access is left out without a word, as GitHub does it."""
    pull = fake.state.pull(fake.state.repo(name), int(number))
    pull.assignees += [who for who in body["assignees"] if who in fake.state.accounts and who not in pull.assignees]
    return 201, {"number": pull.number, "assignees": [{"login": who} for who in pull.assignees]}


def list_comments(fake: Any, name: str, number: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    pull = fake.state.pull(fake.state.repo(name), int(number))
    return 200, paged(query, [{"body": text} for text in pull.comments])


def create_comment(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    fake.state.pull(fake.state.repo(name), int(number)).comments.append(body["body"])
    return 201, {"body": body["body"]}


def check_runs(fake: Any, name: str, commit: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    runs = []
    if repo.checks in RUNS:
        status, conclusion = RUNS[repo.checks]
        runs = [{"status": "completed", "conclusion": "success"}] * 130
        runs += [{"status": status, "conclusion": conclusion}]
    return 200, {"total_count": len(runs), "check_runs": paged(query, runs)}


def commit_status(fake: Any, name: str, commit: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    fake.state.repo(name)
    return 200, {"state": "pending", "total_count": 0, "statuses": []}


def list_repos(fake: Any, owner: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    return 200, paged(query, [shown_repo(fake, repo) for repo in fake.state.within(owner)])


def list_mine(fake: Any, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    return 200, paged(query, [shown_repo(fake, repo) for repo in fake.state.repos.values()])


def list_commits(fake: Any, name: str, **_: Any) -> tuple[int, Any]:
    if fake.state.repo(name).empty:
        raise No(409, "Git Repository is empty.")
    return 200, [{"sha": HEAD}]


def contents(fake: Any, name: str, file: str, **_: Any) -> tuple[int, Any]:
    if file not in fake.state.repo(name).files:
        raise No(404, "Not Found")
    return 200, {"type": "file", "path": file, "sha": HEAD}


def graphql(fake: Any, body: Any, **_: Any) -> tuple[int, Any]:
    """The four mutations; a clean pull request merges by hand, as GitHub words it."""
    called = re.search(r"\{ (\w+)\(", body["query"])
    verb = called[1] if called else ""
    name, _, number = body["variables"]["id"].partition("#")
    repo = fake.state.repo(name)
    pull = fake.state.pull(repo, int(number))
    if verb == "enablePullRequestAutoMerge" and repo.checks != "running":
        return 200, {"data": {verb: None}, "errors": [{"message": "Pull request is in clean status"}]}
    if verb in {"convertPullRequestToDraft", "markPullRequestReadyForReview"}:
        pull.draft = verb == "convertPullRequestToDraft"
    else:
        pull.auto_merge = verb == "enablePullRequestAutoMerge"
    return 200, {"data": {verb: {"pullRequest": {"id": body["variables"]["id"]}}}}


ROUTES = [
    ("GET", rf"{REPO}/pulls", list_pulls),
    ("POST", rf"{REPO}/pulls", create_pull),
    ("GET", rf"{REPO}/pulls/(\d+)", get_pull),
    ("PATCH", rf"{REPO}/pulls/(\d+)", update_pull),
    ("POST", rf"{REPO}/issues/(\d+)/labels", add_labels),
    ("POST", rf"{REPO}/issues/(\d+)/assignees", add_assignees),
    ("GET", rf"{REPO}/issues/(\d+)/comments", list_comments),
    ("POST", rf"{REPO}/issues/(\d+)/comments", create_comment),
    ("GET", rf"{REPO}/commits/(\w+)/check-runs", check_runs),
    ("GET", rf"{REPO}/commits/(\w+)/status", commit_status),
    ("GET", rf"{REPO}/commits", list_commits),
    ("GET", rf"{REPO}/contents/(.+)", contents),
    ("GET", r"/api/v3/orgs/([^/]+)/repos", list_repos),
    ("GET", r"/api/v3/users/([^/]+)/repos", list_repos),
    ("GET", r"/api/v3/user/repos", list_mine),
    ("POST", r"/api/graphql", graphql),
]
