"""The language of Gitea and Forgejo, REST version 1."""

from __future__ import annotations

from typing import Any

from tests.support.forges.state import CREATED, HEAD, No, Pull, Repo

REPO = r"/api/v1/repos/([^/]+/[^/]+)"
STATUSES = {"green": "success", "red": "failure", "running": "pending"}
MOST_ON_A_PAGE = 30
"""Servers may be set to give fewer than asked for."""


def error(status: int, says: str) -> dict[str, Any]:
    """How Gitea says no."""
    return {"message": says, "url": "https://forge.example/api/swagger"}


def shown(fake: Any, repo: Repo, pull: Pull) -> dict[str, Any]:
    """A pull request."""
    return {
        "number": pull.number,
        "html_url": f"{fake.web}/{repo.name}/pulls/{pull.number}",
        "state": "open" if pull.state == "open" else "closed",
        "merged": pull.state == "merged",
        "title": pull.title,
        "body": pull.body,
        "draft": pull.title.startswith("WIP: "),
        "labels": [{"id": repo.labels.index(name) + 1, "name": name} for name in pull.labels],
        "assignees": [{"login": who} for who in pull.assignees] or None,
        "head": {"ref": pull.branch, "sha": HEAD, "repo_id": 8 if pull.from_fork else 7},
        "base": {"ref": pull.base, "repo_id": 7},
        "mergeable": True,
        "created_at": CREATED.replace("00:00:00Z", "01:00:00+01:00"),
        "updated_at": pull.updated,
    }


def shown_repo(fake: Any, repo: Repo) -> dict[str, Any]:
    """A repository."""
    return {
        "full_name": repo.name,
        "clone_url": f"{fake.web}/{repo.name}.git",
        "default_branch": repo.default,
        "archived": repo.archived,
        "empty": repo.empty,
        "topics": list(repo.topics),
        "updated_at": CREATED,
    }


def paged(query: dict[str, str], items: list[Any]) -> list[Any]:
    """One page of a list."""
    size, page = min(MOST_ON_A_PAGE, int(query.get("limit", 30))), int(query.get("page", 1))
    return items[(page - 1) * size : page * size]


def list_pulls(fake: Any, name: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    pulls = [pull for pull in repo.pulls if (pull.state == "open") == (query.get("state") == "open")]
    pulls.sort(key=lambda pull: (pull.updated, pull.number), reverse=True)
    return 200, paged(query, [shown(fake, repo, pull) for pull in pulls])


def create_pull(fake: Any, name: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    pull = fake.state.open(repo, body["head"], body["base"], body["title"], body["body"], taken=409)
    return 201, shown(fake, repo, pull)


def get_pull(fake: Any, name: str, number: str, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    return 200, shown(fake, repo, fake.state.pull(repo, int(number)))


def update_pull(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    pull = fake.state.pull(repo, int(number))
    if unknown := [who for who in body.get("assignees", ()) if who not in fake.state.accounts]:
        raise No(422, f"Assignee does not exist: [name: {unknown[0]}]")
    for key in ("title", "body", "base", "state", "assignees"):
        if key in body:
            setattr(pull, key, body[key])
    fake.state.touch(pull)
    return 201, shown(fake, repo, pull)


def merge(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    """Without a check under way Gitea merges at once; what is scheduled already is a conflict."""
    repo = fake.state.repo(name)
    pull = fake.state.pull(repo, int(number))
    if pull.auto_merge:
        raise No(409, "The auto merge is already scheduled")
    if repo.checks == "running":
        pull.auto_merge = True
        return 201, None
    pull.state = "merged"
    return 200, None


def list_labels(fake: Any, name: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    labels = fake.state.repo(name).labels
    return 200, paged(query, [{"id": place + 1, "name": label} for place, label in enumerate(labels)])


def create_label(fake: Any, name: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    repo.labels.append(body["name"])
    return 201, {"id": len(repo.labels), "name": body["name"], "color": body["color"].lstrip("#")}


def add_labels(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    pull = fake.state.pull(repo, int(number))
    pull.labels += [repo.labels[one - 1] for one in body["labels"]]
    return 200, shown(fake, repo, pull)["labels"]


def list_comments(fake: Any, name: str, number: str, **_: Any) -> tuple[int, Any]:
    return 200, [{"id": 1, "body": text} for text in fake.state.pull(fake.state.repo(name), int(number)).comments]


def create_comment(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    fake.state.pull(fake.state.repo(name), int(number)).comments.append(body["body"])
    return 201, {"id": 1, "body": body["body"]}


def combined_status(fake: Any, name: str, commit: str, **_: Any) -> tuple[int, Any]:
    state = STATUSES.get(fake.state.repo(name).checks, "")
    statuses = [{"status": state}] if state else None
    return 200, {"state": state, "sha": commit, "total_count": len(statuses or ()), "statuses": statuses}


def list_repos(fake: Any, *within: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    repos = fake.state.within(within[0]) if within else list(fake.state.repos.values())
    return 200, paged(query, [shown_repo(fake, repo) for repo in repos])


def contents(fake: Any, name: str, file: str, **_: Any) -> tuple[int, Any]:
    if file not in fake.state.repo(name).files:
        raise No(404, "GetContentsOrList")
    return 200, {"type": "file", "path": file}


ROUTES = [
    ("GET", rf"{REPO}/pulls", list_pulls),
    ("POST", rf"{REPO}/pulls", create_pull),
    ("GET", rf"{REPO}/pulls/(\d+)", get_pull),
    ("PATCH", rf"{REPO}/pulls/(\d+)", update_pull),
    ("POST", rf"{REPO}/pulls/(\d+)/merge", merge),
    ("GET", rf"{REPO}/labels", list_labels),
    ("POST", rf"{REPO}/labels", create_label),
    ("POST", rf"{REPO}/issues/(\d+)/labels", add_labels),
    ("GET", rf"{REPO}/issues/(\d+)/comments", list_comments),
    ("POST", rf"{REPO}/issues/(\d+)/comments", create_comment),
    ("GET", rf"{REPO}/commits/(\w+)/status", combined_status),
    ("GET", rf"{REPO}/contents/(.+)", contents),
    ("GET", r"/api/v1/orgs/([^/]+)/repos", list_repos),
    ("GET", r"/api/v1/users/([^/]+)/repos", list_repos),
    ("GET", r"/api/v1/user/repos", list_repos),
]
