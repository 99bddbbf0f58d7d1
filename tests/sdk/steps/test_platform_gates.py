"""A gate of the platform's through the command line: a benchmark that leaks stops a high tier, whatever it declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.world import Answer, World

ID = "platform/held-back/holdout"


@pytest.fixture(scope="module")
def leaking(frozen: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A high tier whose benchmark holds rows that the model learned from, gated."""
    world = frozen.copy(tmp_path_factory.mktemp("leaking") / "repo")
    world.declare(tier="high")
    learned = (world.repo / "data/applications.csv").read_text().splitlines()[1:4]
    with (world.repo / "benchmarks/holdout.csv").open("a") as holdout:
        holdout.write("\n".join([*learned, ""]))
    world.ok("snapshot", "holdout")
    world.commit("Freeze again")
    world.ok("train")
    return world


@pytest.fixture(scope="module")
def answer(leaking: World) -> Answer:
    return leaking.run("gate")


def test_it_fails_beside_gates_that_pass(answer: Answer) -> None:
    found = {finding["id"]: finding for finding in answer.envelope["findings"]}
    assert answer.code == 1
    assert {name: each["verdict"] for name, each in found.items()} == {"g-auc": "pass", "g-same": "pass", ID: "fail"}
    assert (found[ID]["origin"], found["g-auc"]["origin"]) == ("platform", "manifest")
    assert found[ID]["value"] == 3
    assert "the limit is the platform's" in found[ID]["fix"]


def test_every_form_tells_who_set_it(leaking: World, answer: Answer) -> None:
    def form(name: str) -> str:
        return " ".join(Path(answer.result["reports"][name]).read_text("utf-8").split())

    for name in ("text", "markdown", "html"):
        assert "the platform's policy pack" in form(name).replace("&#x27;", "'").replace("&#39;", "'"), name
    assert f'gate="{ID}"' in form("prometheus")
    assert 'origin="platform"' in form("prometheus")
    assert '"origin":"platform"' in form("json").replace('": "', '":"')
    explained = " ".join(leaking.run("explain", ID, as_json=False).out.split())
    assert "the platform's policy pack, platform-standards 2026.11" in explained
    assert "newest answer fail for candidate" in explained
    assert "to mend Improve the candidate" in explained
    assert "to mend" not in leaking.run("explain", "g-auc", as_json=False).out
    assert f"{ID} Judged on rows" in " ".join(leaking.run("explain", as_json=False).out.split())


def test_check_lists_the_gates_with_their_origin(leaking: World) -> None:
    (found,) = leaking.run("check", "GAT-01").envelope["findings"]
    assert f"The policy pack platform-standards asks {ID} besides." in found["says"]
    assert {each["id"]: each["origin"] for each in found["gates"]} == {
        "g-auc": "manifest", "g-same": "manifest", ID: "platform",
    }  # fmt: skip


def test_publish_refuses_it_and_a_report_without_it(leaking: World, world: World) -> None:
    refused = leaking.run("publish")
    assert refused.code == 1
    assert f"gate {ID}" in str(refused.result["faults"])
    world.declare(tier="high")
    assert "were changed after they were asked" in str(world.run("publish").result["faults"])
