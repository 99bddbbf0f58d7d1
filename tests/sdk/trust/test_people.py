"""Who decides: by name, by git, with which key; and what is no reason."""

from __future__ import annotations

import subprocess

import pytest
from vendorkit.adapters.engagement import read_manifest
from vendorkit.errors import BadInput
from vendorkit.trust.people import LONGEST_REASON, authority_of, deciding

from tests.support.world import World


def test_git_knows_who_decides_and_with_which_key(world: World) -> None:
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", str(world.key("model-risk")))):
        subprocess.run(["git", "config", name, value], cwd=world.repo, check=True)
    with world.as_person("model-risk"):
        found = deciding(world.repo, read_manifest(world.repo), None, "", None)
    assert (found.actor, found.key) == ("model-risk", world.key("model-risk"))


def test_all_faults_at_once(world: World) -> None:
    with pytest.raises(BadInput) as told:
        deciding(world.repo, read_manifest(world.repo), "nobody", "x" * 3000, None)
    assert [fault.where for fault in told.value.faults] == ["--as", "--reason", "--key"]


@pytest.mark.parametrize("reason", ["x" * (LONGEST_REASON + 1), "\x1b[2J", "a\x00b", "\udce9"])
def test_a_reason_is_plain_text(world: World, reason: str) -> None:
    with pytest.raises(BadInput, match="plain text of at most 2000"):
        deciding(world.repo, read_manifest(world.repo), "model-risk", reason, world.key("model-risk"))


def test_a_reason_of_several_lines_in_any_script_is_fine(world: World) -> None:
    reason = "gelesen und für gut befunden\n承認"
    assert (
        deciding(world.repo, read_manifest(world.repo), "model-risk", reason, world.key("model-risk")).reason == reason
    )


def test_whom_git_knows_by_an_address_that_nobody_has(world: World) -> None:
    world.edit("engagement.yaml", "ml@acme.example", "other@acme.example")
    with world.as_person("vendor-ml"), pytest.raises(BadInput, match=r"none has the contact ml@acme\.example") as told:
        deciding(world.repo, read_manifest(world.repo), None, "", world.key("vendor-ml"))
    assert "--as model-ops-lead|ml-sre|" in told.value.faults[0].fix


def test_people_and_keys_come_from_the_engagement(world: World) -> None:
    authority = authority_of(world.repo, read_manifest(world.repo))
    assert {name for name, person in authority.people.items() if person.internal} == {
        "model-ops-lead",
        "ml-sre",
        "model-risk",
    }
    assert authority.signers == (world.repo / "allowed_signers").read_text()
