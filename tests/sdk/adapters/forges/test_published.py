"""What is sent to each forge, and what the small forge of the tests answers, against what the real ones publish.

GitHub: its OpenAPI (of github.com and of the Enterprise Server) and its GraphQL schema. GitLab: the types of
@gitbeaker/core, because its OpenAPI is in no registry. Gitea and Forgejo: the types of gitea-js and forgejo-js, which
are generated from the servers' own descriptions. Azure DevOps: the fields of Microsoft's generated Python models.
An answer may leave out fields; one that is there must be published and of the published type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from vendorkit.adapters.forges import FORGES
from vendorkit.adapters.forges.base import Request, Search
from vendorkit.adapters.forges.governor import PACES, Governor
from vendorkit.adapters.forges.token import Token

from tests.support.clock import Hours
from tests.support.forges import Breakdown, Repo, serving
from tests.support.forges.published import openapi, published, type_faults
from tests.support.forges.server import Exchange

BRANCH = "vendorkit/update-v2"
REQUEST = Request(BRANCH, "main", "Update to v2", "What changed", ("fleet",), ("ann", "bob"), auto_merge=True)


@cache
def exchanges(kind: str) -> tuple[Exchange, ...]:
    """Everything that is ever said to a forge."""
    name = "acme/risk/pd" if kind == "azure" else "acme/pd"
    repo = Repo(name, files=(".copier-answers.yml",), checks="running", topics=("vendor",))
    empty = Repo(name.replace("pd", "new"), empty=True)
    with serving(kind, repo, empty) as fake:
        governor = Governor("forge", PACES[kind], clock=Hours())
        forge = FORGES[kind](fake.web, Token("word", "A_VARIABLE"), governor)
        for request in (REQUEST, replace(REQUEST, draft=True, title="Again", body="More", labels=("late",))):
            forge.open_or_refresh(name, request)
        repo.branches += ("release",)
        fake.state.breakdowns = [Breakdown("GET", "", "502")]
        forge.open_or_refresh(name, replace(REQUEST, base="release"))
        forge.look(name, BRANCH)
        forge.discover(Search("acme", file=".copier-answers.yml"))
        if kind != "azure":
            forge.discover(Search())
        forge.close(name, 1, "v3 came instead.")
        forge.leave()
    return tuple(one for one in fake.exchanges if one.status < 300)


# --- GitHub ----------------------------------------------------------------------------------------------------


def operation(described: dict[str, Any], one: Exchange) -> dict[str, Any]:
    """The description of a request."""
    path = one.path.removeprefix("/api/v3")
    for template, methods in described["paths"].items():
        pattern = re.sub(r"\\\{path\\\}", ".+", re.escape(template))
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", pattern), path) and one.method.lower() in methods:
            found: dict[str, Any] = methods[one.method.lower()]
            return found
    raise AssertionError(f"{one.method} {path} is not published")


def strict(described: dict[str, Any], schema: Any, *, partly: bool) -> Any:
    """A schema that allows no unknown field, and, of answers, any part of the known ones."""
    if isinstance(schema, list):
        return [strict(described, item, partly=partly) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    made = {key: strict(described, value, partly=partly) for key, value in schema.items() if key != "example"}
    if made.pop("nullable", False) and isinstance(made.get("type"), str):
        made = {"anyOf": [made, {"type": "null"}]}
    inner = (
        made["anyOf"][0] if "anyOf" in made and len(made["anyOf"]) == 2 and "properties" in made["anyOf"][0] else made
    )
    if isinstance(inner.get("properties"), dict):
        inner.setdefault("additionalProperties", False)
        if partly:
            inner.pop("required", None)
    return made


def faults(described: dict[str, Any], schema: Any, value: Any, *, partly: bool) -> list[str]:
    """Where a value does not fit, following references strictly too."""
    components = _components(described["info"]["version"] + str(len(described["paths"])), partly)
    if not components:
        components.update(strict(described, described["components"]["schemas"], partly=partly))
    root = {**strict(described, schema, partly=partly), "components": {"schemas": components}}
    return [f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(root).iter_errors(value)]


@cache
def _components(_description: str, _partly: bool) -> dict[str, Any]:  # filled by its caller, once
    return {}


@pytest.mark.parametrize("name", ["api.github.com", "ghes-3.19"])
def test_github_is_spoken_as_its_openapi_says(name: str) -> None:
    described, wrong, seen = openapi(name), list[str](), set[str]()
    for one in exchanges("github"):
        if one.path == "/api/graphql":
            continue
        told = operation(described, one)
        seen.add(told["operationId"])
        if one.body is not None:
            schema = told["requestBody"]["content"]["application/json"]["schema"]
            wrong += [f"{told['operationId']} {fault}" for fault in faults(described, schema, one.body, partly=False)]
        known = {_resolved(described, each)["name"] for each in told.get("parameters", ())}
        wrong += [f"{told['operationId']} query {key}" for key in one.query if key not in known]
        answer = told["responses"][str(one.status)]["content"]["application/json"]["schema"]
        wrong += [
            f"{told['operationId']} answer {fault}" for fault in faults(described, answer, one.answer, partly=True)
        ]
    assert wrong == []
    assert seen >= {"pulls/create", "pulls/update", "issues/add-labels", "issues/add-assignees", "pulls/get"}


def _resolved(described: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = described["components"]["parameters"][name] if name else parameter
    return found


def test_a_wrong_body_would_be_noticed() -> None:
    described = openapi("ghes-3.19")
    schema = described["paths"]["/repos/{owner}/{repo}/pulls"]["post"]["requestBody"]["content"]["application/json"]
    good = {"title": "a", "head": "b", "base": "c", "body": "d", "draft": False}
    assert faults(described, schema["schema"], good, partly=False) == []
    for bad in ({"base": 1}, {"labels": ["fleet"]}, {"draft": "no"}):
        assert faults(described, schema["schema"], {**good, **bad}, partly=False) != []
    assert faults(described, schema["schema"], {"title": "a", "head": "b"}, partly=False) != []


def test_githubs_mutations_fit_its_graphql_schema() -> None:
    from graphql import build_schema, parse, validate
    from vendorkit.adapters.forges import github

    schema = build_schema(
        published("@octokit/graphql-schema/schema.graphql").read_text(encoding="utf-8"),
        assume_valid_sdl=True,  # some fields are defined twice
        assume_valid=True,
    )
    sent = {one.body["query"] for one in exchanges("github") if one.path == "/api/graphql"}
    assert sent >= {github.AUTO, github.DRAFT, github.READY, github.BY_HAND}
    for query in sent:
        assert validate(schema, parse(query)) == []
    assert validate(schema, parse(github.DRAFT.replace("pullRequestId", "pullId"))) != []


# --- GitLab, Gitea, Forgejo --------------------------------------------------------------------------------------

GITLAB = [
    ("POST", r".*/merge_requests", "CreateMergeRequestOptions", "ExpandedMergeRequestSchema"),
    ("PUT", r".*/merge_requests/\d+", "EditMergeRequestOptions", "ExpandedMergeRequestSchema"),
    ("PUT", r".*/merge_requests/\d+/merge", "AcceptMergeRequestOptions", "ExpandedMergeRequestSchema"),
    ("GET", r".*/merge_requests/\d+", "", "ExpandedMergeRequestSchema"),
    ("GET", r".*/merge_requests", "", "MergeRequestSchema[]"),
    ("GET", r".*/projects", "", "ProjectSchema[]"),
    ("GET", r".*/users", "", "UserSchema[]"),
]
GITEA = [
    ("POST", r".*/pulls", "CreatePullRequestOption", "PullRequest"),
    ("PATCH", r".*/pulls/\d+", "EditPullRequestOption", "PullRequest"),
    ("POST", r".*/pulls/\d+/merge", "MergePullRequestOption", ""),
    ("GET", r".*/pulls/\d+", "", "PullRequest"),
    ("GET", r".*/pulls", "", "PullRequest[]"),
    ("GET", r".*/status", "", "CombinedStatus"),
    ("GET", r".*/repos", "", "Repository[]"),
    ("POST", r".*/issues/\d+/labels", "IssueLabelsOption", "Label[]"),
    ("POST", r".*/issues/\d+/comments", "CreateIssueCommentOption", "Comment"),
    ("POST", r".*/labels", "CreateLabelOption", "Label"),
]


def typed(kind: str, rules: list[tuple[str, str, str, str]]) -> Iterator[str]:
    """Constants of the published types with what was said."""
    for number, one in enumerate(exchanges(kind)):
        fits = [rule for rule in rules if rule[0] == one.method and re.fullmatch(rule[1], one.path)]
        for _, _, body, answer in fits[:1]:
            if body and one.body is not None:
                yield f"export const b{number}: T.{body} = {json.dumps(in_words(kind, one.body))};"
            if answer:
                yield f"export const a{number}: Part<T.{answer}> = {json.dumps(one.answer)};"


def in_words(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """A body as the JavaScript client of GitLab takes it: in camel case, three of them as arguments."""
    if kind != "gitlab":
        return body
    places = {"source_branch", "target_branch", "title"} if "source_branch" in body else set()
    return {
        re.sub(r"_(\w)", lambda found: found[1].upper(), key): value for key, value in body.items() if key not in places
    }


@pytest.mark.parametrize(
    ("kind", "package", "rules"),
    [("gitlab", "@gitbeaker/core", GITLAB), ("gitea", "gitea-js", GITEA), ("gitea", "forgejo-js", GITEA)],
)
def test_types_of_the_published_clients_fit(
    kind: str, package: str, rules: list[tuple[str, str, str, str]], tmp_path: Path
) -> None:
    lines = list(typed(kind, rules))
    assert sum(" b" in line for line in lines) >= 5
    assert type_faults(package, lines, tmp_path) == ""


def test_a_wrong_field_would_be_noticed_by_types(tmp_path: Path) -> None:
    lines = [
        f"export const {body[2]}: T.CreatePullRequestOption = {body};" for body in ('{"heads": "x"}', '{"base": 1}')
    ]
    told = type_faults("gitea-js", lines, tmp_path)
    assert "does not exist in type" in told
    assert "Type 'number' is not assignable" in told


# --- Azure DevOps ------------------------------------------------------------------------------------------------

AZURE = [
    (r".*/pullrequests(/\d+)?", "GitPullRequest"),
    (r".*/pullrequests/\d+/labels", "WebApiTagDefinition"),
    (r".*/pullrequests/\d+/reviewers/.*", "IdentityRefWithVote"),
    (r".*/pullrequests/\d+/threads", "GitPullRequestCommentThread"),
    (r".*/repositories", "GitRepository"),
    (r".*/policy/evaluations", "PolicyEvaluationRecord"),
]


def unknown(name: str, value: Any, where: str) -> list[str]:
    """Fields of a value that Microsoft's model of that name does not know, with those inside it."""
    from azure.devops.v7_1.git import models as git
    from azure.devops.v7_1.policy import models as policy

    model = getattr(git, name, None) or getattr(policy, name, None)
    if model is None or not isinstance(value, dict):
        return []
    known = {told["key"]: told["type"] for told in model._attribute_map.values()}
    found = [f"{where}.{key}" for key in value if key not in known]
    for key, item in value.items():
        inner = known.get(key, "").strip("[]")
        for each in item if isinstance(item, list) else [item]:
            found += unknown(inner, each, f"{where}.{key}")
    return found


def test_azure_is_spoken_in_fields_that_microsofts_client_knows() -> None:
    pytest.importorskip("azure.devops", reason="needs azure-devops: `VENDORKIT_NO_SKIP=1 nox -s tests`")
    wrong, checked = list[str](), 0
    for one in exchanges("azure"):
        for pattern, model in AZURE:
            if re.fullmatch(pattern, one.path):
                checked += 1
                values = one.answer.get("value", [one.answer])
                wrong += [fault for value in [one.body, *values] for fault in unknown(model, value, model)]
    assert wrong == []
    assert checked > 20
    assert unknown("GitPullRequest", {"titel": 1, "reviewers": [{"vot": 1}]}, "") == [".titel", ".reviewers.vot"]
