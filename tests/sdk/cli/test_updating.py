"""What is said after an update or reset: nothing that the command does not take."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from vendorkit.cli.main import build_command_parser
from vendorkit.cli.updating import told
from vendorkit.fleet.rollout import Result
from vendorkit.fleet.updates import Wish

WISH = Wish("", "ann@bank.example", (), "", None, retry=False, dry=False, jobs=1, today=date(2026, 9, 1))
STOPPED = Result(stopped="3 of 4 repositories failed")


@pytest.mark.parametrize(
    ("result", "wish", "plan"),
    [
        (Result(), replace(WISH, dry=True), None),
        (Result(), replace(WISH, dry=True), Path("a plan.json")),
        (Result(), replace(WISH, dry=True, reset=()), None),
        (STOPPED, WISH, None),
        (STOPPED, replace(WISH, reset=()), None),
    ],
)
def test_each_command_that_is_told_is_one(result: Result, wish: Wish, plan: Path | None) -> None:
    text = told(result, wish, plan).text
    assert "Next: " in text
    for command in ("update", "reset"):
        taken = build_command_parser(f"fleet {command}").format_help()
        for said in text.split(f"vendorkit fleet {command} ")[1:]:
            assert said.split()[0].strip("`;") in taken
    assert plan is None or "--apply 'a plan.json'" in text
