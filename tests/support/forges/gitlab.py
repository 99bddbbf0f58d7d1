"""GitLab's language, REST version 4."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from tests.support.forges.github import paged
from tests.support.forges.state import CREATED, HEAD, No, Pull, Repo

PROJECT = r"/api/v4/projects/([^/]+)"
STATES = {"open": "opened", "closed": "closed", "merged": "merged"}
PIPELINES = {"green": "success", "red": "failed", "running": "running"}


def error(status: int, says: str) -> dict[str, Any]:
    """How GitLab says no."""
    return {"message": f"{status} {says}"} if status in {403, 404} else {"message": [says]}


def shown(fake: Any, repo: Repo, pull: Pull) -> dict[str, Any]:
    """A merge request."""
    pipeline = {"id": 1, "status": PIPELINES[repo.checks]} if repo.checks in PIPELINES else None
    return {
        "iid": pull.number,
        "web_url": f"{fake.web}/{repo.name}/-/merge_requests/{pull.number}",
        "state": STATES[pull.state],
        "source_branch": pull.branch,
        "target_branch": pull.base,
        "source_project_id": 8 if pull.from_fork else 7,
        "target_project_id": 7,
        "title": pull.title,
        "description": pull.body,
        "draft": pull.title.startswith("Draft: "),
        "labels": pull.labels,
        "assignees": [{"id": fake.state.accounts.index(who) + 1, "username": who} for who in pull.assignees],
        "merge_when_pipeline_succeeds": pull.auto_merge,
        "detailed_merge_status": "mergeable",
        "has_conflicts": False,
        "head_pipeline": pipeline,
        "sha": HEAD,
        "created_at": CREATED.replace("Z", ".000Z"),
        "updated_at": pull.updated,
    }


def shown_repo(fake: Any, repo: Repo) -> dict[str, Any]:
    """A project."""
    return {
        "id": 7,
        "path_with_namespace": repo.name,
        "http_url_to_repo": f"{fake.web}/{repo.name}.git",
        "default_branch": None if repo.empty else repo.default,
        "archived": repo.archived,
        "empty_repo": repo.empty,
        "topics": list(repo.topics),
        "last_activity_at": CREATED,
    }


def list_merges(fake: Any, name: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    wanted = query.get("state", "all")
    pulls = [pull for pull in repo.pulls if wanted in {"all", STATES[pull.state]}]
    pulls = [pull for pull in pulls if pull.branch == query.get("source_branch", pull.branch)]
    pulls.sort(key=lambda pull: (pull.updated, pull.number), reverse=True)
    answers = [shown(fake, repo, pull) for pull in pulls]
    return 200, paged(query, [{key: one[key] for key in one if key != "head_pipeline"} for one in answers])


def create_merge(fake: Any, name: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    taken = {"taken": 409}
    branch, base = body["source_branch"], body["target_branch"]
    return 201, shown(fake, repo, fake.state.open(repo, branch, base, body["title"], body["description"], **taken))


def get_merge(fake: Any, name: str, number: str, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    return 200, shown(fake, repo, fake.state.pull(repo, int(number)))


def update_merge(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    pull = fake.state.pull(repo, int(number))
    pull.title = body.get("title", pull.title)
    pull.body = body.get("description", pull.body)
    pull.base = body.get("target_branch", pull.base)
    pull.labels += [label for label in body.get("add_labels", "").split(",") if label]
    if "assignee_ids" in body:
        pull.assignees = [fake.state.accounts[one - 1] for one in body["assignee_ids"]]
    if body.get("state_event") == "close":
        pull.state = "closed"
    fake.state.touch(pull)
    return 200, shown(fake, repo, pull)


def merge(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    """Without a pipeline, or with one that passed, GitLab merges at once."""
    repo = fake.state.repo(name)
    pull = fake.state.pull(repo, int(number))
    if repo.checks == "running":
        pull.auto_merge = True
    else:
        pull.state = "merged"
    return 200, shown(fake, repo, pull)


def cancel(fake: Any, name: str, number: str, **_: Any) -> tuple[int, Any]:
    repo = fake.state.repo(name)
    pull = fake.state.pull(repo, int(number))
    pull.auto_merge = False
    return 201, shown(fake, repo, pull)


def list_notes(fake: Any, name: str, number: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    pull = fake.state.pull(fake.state.repo(name), int(number))
    return 200, paged(query, [{"id": place, "body": text} for place, text in enumerate(pull.comments)])


def create_note(fake: Any, name: str, number: str, body: Any, **_: Any) -> tuple[int, Any]:
    fake.state.pull(fake.state.repo(name), int(number)).comments.append(body["body"])
    return 201, {"id": 1, "body": body["body"]}


def list_users(fake: Any, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    name = query.get("username", "")
    accounts = fake.state.accounts
    return 200, [{"id": accounts.index(name) + 1, "username": name}] if name in accounts else []


def list_projects(fake: Any, *within: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    repos = fake.state.within(within[0]) if within else list(fake.state.repos.values())
    repos = [repo for repo in repos if not query.get("topic") or query["topic"] in repo.topics]
    return 200, paged(query, [shown_repo(fake, repo) for repo in repos])


def users_projects(fake: Any, number: str, query: dict[str, str], **_: Any) -> tuple[int, Any]:
    return list_projects(fake, fake.state.accounts[int(number) - 1], query=query)


def a_file(fake: Any, name: str, file: str, **_: Any) -> tuple[int, Any]:
    if unquote(file) not in fake.state.repo(name).files:
        raise No(404, "File Not Found")
    return 200, {"file_path": unquote(file)}


ROUTES = [
    ("GET", rf"{PROJECT}/merge_requests", list_merges),
    ("POST", rf"{PROJECT}/merge_requests", create_merge),
    ("GET", rf"{PROJECT}/merge_requests/(\d+)", get_merge),
    ("PUT", rf"{PROJECT}/merge_requests/(\d+)", update_merge),
    ("PUT", rf"{PROJECT}/merge_requests/(\d+)/merge", merge),
    ("POST", rf"{PROJECT}/merge_requests/(\d+)/cancel_merge_when_pipeline_succeeds", cancel),
    ("GET", rf"{PROJECT}/merge_requests/(\d+)/notes", list_notes),
    ("POST", rf"{PROJECT}/merge_requests/(\d+)/notes", create_note),
    ("GET", rf"{PROJECT}/repository/files/([^/]+)", a_file),
    ("GET", r"/api/v4/groups/([^/]+)/projects", list_projects),
    ("GET", r"/api/v4/users/(\d+)/projects", users_projects),
    ("GET", r"/api/v4/users", list_users),
    ("GET", r"/api/v4/projects", list_projects),
]
