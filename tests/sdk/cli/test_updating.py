"""What a run over the fleet says at its end: each command that it names is one that is there."""

from __future__ import annotations

import re
import shlex
from datetime import date
from pathlib import Path

import pytest
from vendorkit.cli.main import build_command_parser
from vendorkit.cli.updating import told
from vendorkit.fleet.rollout import Result
from vendorkit.fleet.updates import Wish


def wish(*, dry: bool, reset: tuple[str, ...] | None) -> Wish:
    return Wish(
        to="", by="", names=(), ring="", shard=None, retry=False, dry=dry, jobs=1, today=date(2026, 11, 28), reset=reset
    )


@pytest.mark.parametrize("reset", [None, ()], ids=["update", "reset"])
@pytest.mark.parametrize(("dry", "stopped"), [(True, ""), (False, "3 of 9 repositories failed")])
def test_the_next_commands_are_accepted(dry: bool, stopped: str, reset: tuple[str, ...] | None) -> None:
    text = told(Result(stopped=stopped), wish(dry=dry, reset=reset)).text
    assert "Next: " in text
    commands = re.findall(r"`vendorkit (fleet [a-z]+)([^`]*)`", text)
    assert bool(commands) == (not dry or reset is None)
    for name, arguments in commands:
        build_command_parser(name).parse_args(shlex.split(arguments))


def test_a_plan_is_carried_out_by_the_command_that_is_named() -> None:
    text = told(Result(), wish(dry=True, reset=None), Path("a plan.json")).text
    assert text.endswith("Next: vendorkit fleet update --apply 'a plan.json'")
