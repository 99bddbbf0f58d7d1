"""Each forge against a small one that remembers, over real HTTP: one request, whatever breaks down."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from vendorkit.adapters.forges import FORGES
from vendorkit.adapters.forges.base import Forge, Lost, Request, Search
from vendorkit.adapters.forges.governor import PACES, Governor
from vendorkit.adapters.forges.token import Token
from vendorkit.errors import BadInput, Refused, Unavailable

from tests.support.clock import START, Hours
from tests.support.forges import CREATED, HEAD, Breakdown, FakeForge, Pull, Repo, serving

KINDS = ("github", "gitlab", "gitea", "azure")
BRANCH = "vendorkit/update-v2"
REQUEST = Request(BRANCH, "main", "Update to v2", "What changed:\n\n- **noxfile.py**", ("fleet",), ("ann",))
SECRET = "s3cr3t-of-nobody"
WRITE = {"github": "/pulls", "gitlab": "/merge_requests", "gitea": "/pulls", "azure": "/pullrequests"}


def named(kind: str, name: str = "acme/pd") -> str:
    """A repository's name as a forge has it."""
    return name.replace("/", "/risk/", 1) if kind == "azure" else name


class World:
    """A fake forge, the adapter that talks to it, and one repository."""

    def __init__(self, fake: FakeForge) -> None:
        self.fake, self.clock, self.told = fake, Hours(), list[str]()
        self.name = next(iter(fake.state.repos))
        self.repo = fake.state.repos[self.name]
        self.forges = list[Forge]()
        self.forge = self.opened()

    def opened(self) -> Forge:
        governor = Governor(
            self.fake.web, PACES[self.fake.kind], clock=self.clock, draw=lambda: 0.5, tell=self.told.append
        )
        self.forges.append(FORGES[self.fake.kind](self.fake.web, Token(SECRET, "A_VARIABLE"), governor))
        return self.forges[-1]

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        for forge in self.forges:
            forge.leave()


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with serving(request.param, Repo(named(request.param))) as fake, World(fake) as world:
        yield world


def test_a_request_is_opened_with_everything_that_was_asked_for(world: World) -> None:
    opened = world.forge.open_or_refresh(world.name, REQUEST)
    assert opened is not None
    assert (opened.number, opened.state, opened.draft, opened.checks, opened.mergeable) == (
        1,
        "open",
        False,
        "none",
        True,
    )
    assert (opened.created, opened.head, opened.notes) == (CREATED, HEAD, ())
    assert opened.url.startswith(f"{world.fake.web}/")
    (pull,) = world.repo.pulls
    assert (pull.branch, pull.base, pull.title, pull.body) == (BRANCH, "main", REQUEST.title, REQUEST.body)
    assert (pull.labels, pull.assignees) == (["fleet"], ["ann"])


def test_asked_again_it_changes_nothing(world: World) -> None:
    first = world.forge.open_or_refresh(world.name, REQUEST)
    written = world.fake.writes()
    assert world.forge.open_or_refresh(world.name, REQUEST) == first
    assert world.fake.writes() == written


def test_what_differs_is_refreshed_and_what_people_added_stays(world: World) -> None:
    world.forge.open_or_refresh(world.name, REQUEST)
    (pull,) = world.repo.pulls
    world.repo.branches += ("release",)
    world.repo.labels.append("theirs")
    pull.labels.append("theirs")
    pull.assignees.append("bob")
    changed = replace(
        REQUEST, title="Update to v2 again", body="Less changed.", base="release", labels=("fleet", "late")
    )
    opened = world.forge.open_or_refresh(world.name, changed)
    assert world.repo.pulls == [pull]
    assert opened is not None
    assert opened.number == 1
    assert (pull.title, pull.body, pull.base) == ("Update to v2 again", "Less changed.", "release")
    assert (pull.labels, pull.assignees) == (["fleet", "theirs", "late"], ["ann", "bob"])


def test_a_draft_becomes_ready_and_a_draft_again(world: World) -> None:
    for draft in (True, False, True):
        opened = world.forge.open_or_refresh(world.name, replace(REQUEST, draft=draft))
        assert opened is not None
        assert opened.draft is draft
        looked = world.forge.look(world.name, BRANCH)
        assert looked is not None
        assert looked.draft is draft
    assert len(world.repo.pulls) == 1


def test_a_merged_or_closed_request_makes_room_for_a_new_one(world: World) -> None:
    assert world.forge.look(world.name, BRANCH) is None
    for number, end in enumerate(("merged", "closed"), start=1):
        opened = world.forge.open_or_refresh(world.name, REQUEST)
        assert opened is not None
        assert opened.number == number
        world.repo.pulls[-1].state = end
        looked = world.forge.look(world.name, BRANCH)
        assert looked is not None
        assert (looked.number, looked.state) == (number, end)


def test_a_fork_with_a_branch_of_the_same_name_is_not_ours(world: World) -> None:
    world.repo.pulls.append(Pull(1, BRANCH, "release", "From a fork", "", from_fork=True))
    assert world.forge.look(world.name, BRANCH) is None
    opened = world.forge.open_or_refresh(world.name, REQUEST)
    assert opened is not None
    assert opened.number == 2


@pytest.mark.parametrize("how", ["lost before", "lost after", "502", "503", "504"])
def test_one_request_though_an_answer_got_lost(world: World, how: str) -> None:
    path = WRITE[world.fake.kind]
    world.fake.state.breakdowns = [Breakdown("POST", path, how), Breakdown("GET", path, "502", times=2)]
    opened = world.forge.open_or_refresh(world.name, REQUEST)
    assert opened is not None
    assert (opened.number, len(world.repo.pulls)) == (1, 1)


def test_one_request_though_the_answer_came_too_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendorkit.adapters.forges.transport.TIMEOUT_S", 1)
    world.fake.state.breakdowns = [Breakdown("POST", WRITE[world.fake.kind], "late after")]
    opened = world.opened().open_or_refresh(world.name, REQUEST)
    assert opened is not None
    assert (opened.number, len(world.repo.pulls)) == (1, 1)


@pytest.mark.parametrize("how", ["429", "limit"])
def test_limits_are_waited_out_and_nothing_is_done_twice(world: World, how: str) -> None:
    world.fake.state.breakdowns = [
        Breakdown("GET", WRITE[world.fake.kind], how),
        Breakdown("POST", WRITE[world.fake.kind], how, times=3),
    ]
    opened = world.forge.open_or_refresh(world.name, REQUEST)
    assert opened is not None
    assert len(world.repo.pulls) == 1
    assert world.clock.time - START > 4 * 30
    assert world.told


def test_threads_open_one_request_for_each_repository() -> None:
    for kind in KINDS:
        repos = [Repo(named(kind, f"acme/pd-{number}")) for number in range(12)]
        with serving(kind, *repos) as fake, World(fake) as world, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda repo: world.forge.open_or_refresh(repo.name, REQUEST), repos * 2))
            assert [len(repo.pulls) for repo in repos] == [1] * 12, kind


def test_a_forge_that_stays_broken_is_unavailable(world: World) -> None:
    world.fake.state.breakdowns = [Breakdown("GET", "", "503", times=99)]
    with pytest.raises(Lost, match=r"answered 503"):
        world.forge.open_or_refresh(world.name, REQUEST)
    assert world.repo.pulls == []


def test_the_page_of_a_proxy_is_no_answer(world: World) -> None:
    world.fake.state.breakdowns = [Breakdown("GET", "", "page", times=99)]
    with pytest.raises(Lost, match=r"did not answer"):
        world.forge.look(world.name, BRANCH)
    world.fake.state.breakdowns = [Breakdown("POST", WRITE[world.fake.kind], "page")]
    assert world.forge.open_or_refresh(world.name, REQUEST).state == "open"  # it looked, and asked once more
    assert len(world.repo.pulls) == 1


def test_a_forge_that_is_not_there_is_unavailable() -> None:
    for kind in KINDS:
        with serving(kind, Repo(named(kind))) as fake:
            world = World(fake)
        with pytest.raises(Unavailable, match="did not answer"):
            world.forge.look(world.name, BRANCH)


def test_an_archived_repository_refuses_with_the_forges_words(world: World) -> None:
    world.repo.archived = True
    with pytest.raises(Refused, match="archived"):
        world.forge.open_or_refresh(world.name, REQUEST)


def test_a_token_that_may_not_write_is_refused(world: World) -> None:
    world.fake.state.may_write = False
    with pytest.raises(Refused, match="Resource not accessible"):
        world.forge.open_or_refresh(world.name, REQUEST)


def test_an_unknown_repository_and_a_refused_token_are_bad_input(world: World) -> None:
    with pytest.raises(BadInput, match="There is no"):
        world.forge.look(named(world.fake.kind, "acme/other"), BRANCH)
    world.fake.state.breakdowns = [Breakdown("GET", "", "401")]
    with pytest.raises(BadInput, match="does not accept the token from A_VARIABLE") as caught:
        world.forge.look(world.name, BRANCH)
    assert "VENDORKIT_TOKEN_127_0_0_1" in caught.value.fix


def test_who_cannot_be_assigned_is_named(world: World) -> None:
    opened = world.forge.open_or_refresh(world.name, replace(REQUEST, assignees=("nobody", "ann")))
    assert opened is not None
    assert [note.split(" cannot")[0] for note in opened.notes] == ["nobody"]
    assert world.repo.pulls[0].assignees == ["ann"]


def test_checks_are_told_as_one_word(world: World) -> None:
    world.forge.open_or_refresh(world.name, REQUEST)
    for checks in ("none", "running", "red", "green"):
        world.repo.checks = checks
        looked = world.forge.look(world.name, BRANCH)
        assert looked is not None
        assert looked.checks == checks


def test_it_merges_itself_only_when_something_checks_it(world: World) -> None:
    merging = replace(REQUEST, auto_merge=True)
    opened = world.forge.open_or_refresh(world.name, replace(merging, draft=True))
    assert opened is not None
    assert (opened.state, opened.notes) == ("open", ())
    opened = world.forge.open_or_refresh(world.name, merging)
    assert opened is not None
    assert opened.state == "open", "a forge would have merged at once"
    assert "does not merge itself" in opened.notes[0]
    world.repo.checks = "running"
    for _ in range(2):
        opened = world.forge.open_or_refresh(world.name, merging)
        assert opened is not None
        assert (opened.state, opened.notes) == ("open", ())
    assert world.repo.pulls[0].auto_merge


def test_a_request_is_closed_once_and_with_its_reason(world: World) -> None:
    world.forge.open_or_refresh(world.name, REQUEST)
    world.fake.state.breakdowns = [Breakdown("POST", "", "lost after")]
    with pytest.raises(Lost):
        world.forge.close(world.name, 1, "v3 came instead.")
    for _ in range(2):
        world.forge.close(world.name, 1, "v3 came instead.")
    assert (world.repo.pulls[0].state, world.repo.pulls[0].comments) == ("closed", ["v3 came instead."])


@pytest.mark.parametrize("kind", KINDS)
def test_repositories_are_discovered(kind: str) -> None:
    answers = (".copier-answers.yml",)
    repos = [
        Repo(named(kind, "acme/a"), files=answers, topics=("vendor", "ml")),
        Repo(named(kind, "acme/b"), files=answers, archived=True),
        Repo(named(kind, "acme/c"), empty=True, topics=("vendor",)),
        *(Repo(named(kind, f"acme/d{number:02}"), topics=("vendor",), files=("README.md",)) for number in range(100)),
        Repo(named(kind, "other/e"), files=answers),
    ]
    with serving(kind, *repos) as fake, World(fake) as world:
        forge = world.forge
        found = forge.discover(Search("acme"))
        assert [one.name for one in found] == [repo.name for repo in repos[:-1]]
        first, second, third = found[:3]
        assert (first.url, first.default_branch) == (f"{fake.web}/{first.name}" + ".git" * (kind != "azure"), "main")
        assert (first.archived, second.archived, first.empty, third.empty) == (False, True, False, True)
        assert third.default_branch == ""
        held = forge.discover(Search("acme", file=".copier-answers.yml"))
        assert [one.name for one in held] == [repos[0].name, repos[1].name]
        if kind == "azure":
            with pytest.raises(BadInput, match="topic: Azure DevOps has none"):
                forge.discover(Search("acme", topic="ml"))
        else:
            assert (first.topics, first.last_activity) == (("ml", "vendor"), CREATED)
            assert [one.name for one in forge.discover(Search("acme", topic="ml"))] == [repos[0].name]
            assert len(forge.discover(Search())) == len(repos)
        with pytest.raises(BadInput):
            forge.discover(Search("nobody"))


def test_the_token_is_in_one_header_and_nowhere_else(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(vars(world.forge)), str(world.forge)]
    world.forge.open_or_refresh(world.name, REQUEST)
    for how in ("401", "500", "lost after"):
        world.fake.state.breakdowns = [Breakdown("GET", "", how, times=9)]
        with pytest.raises((BadInput, Unavailable)) as caught:
            world.forge.look(world.name, BRANCH)
        shown += [str(caught.value), repr(caught.value), str(caught.value.fix), str(caught.getrepr(showlocals=False))]
    shown += [caplog.text, *world.told]
    assert not [text for text in shown if SECRET in text]
    for one in world.fake.exchanges:
        assert "authorization" in one.headers
        assert SECRET not in f"{one.path} {one.query} {one.body}"
        assert not [name for name, value in one.headers.items() if SECRET in value and name != "authorization"]


LIBRARIES = ("githubkit", "gitlab", "pyforgejo", "httpx")


@pytest.mark.parametrize(("kind", "library"), list(zip(KINDS, LIBRARIES, strict=True)))
def test_a_missing_library_names_what_to_install(kind: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(BadInput, match="is not installed") as caught:
        FORGES[kind]("https://forge.example", Token(SECRET, "A_VARIABLE"), Governor("forge.example", PACES[kind]))
    assert caught.value.fix == "Install `vendorkit[fleet]`."
