"""How long work is shown: a bar where somebody watches a terminal, plain lines elsewhere, nothing where quiet."""

from __future__ import annotations

import io
import sys

import pytest
from vendorkit.cli.output import Console, Outcome
from vendorkit.errors import Fault, VendorkitError


class Terminal(io.StringIO):
    """A standard error that somebody watches."""

    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    return shown


def test_a_terminal_shows_a_bar_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    console = Console("fleet status", as_json=False)
    for done in range(4):
        console.bar("looking", done, 3)
    console.progress("one line among it")
    assert "looking:   0%" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()
    assert "\rone line among it\n" in terminal.getvalue()
    console.bar("another", 1)
    assert "another: 0.00" in terminal.getvalue()
    console.outcome(Outcome({}))
    blanks, rest = terminal.getvalue().rsplit("\r", 2)[-2:]
    assert (blanks.strip(), rest) == ("", "")
    assert len(blanks) >= len("another: 0.00 [00:00, ?/s]")


def test_elsewhere_each_thing_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console("snapshot", as_json=True)
    for says in ("reading a", "reading b"):
        for rows in (0, 65_536, 131_072):
            console.bar(says, rows)
    shown = capsys.readouterr()
    assert shown.err == "reading a\nreading b\n"
    assert shown.out == ""


def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    console = Console("snapshot", as_json=False, quiet=True)
    console.bar("reading", 1, 2)
    console.progress("reading")
    assert terminal.getvalue() == ""


HOSTILE = "fine\x1b[2J\x1b[8m\u202e\x07\nnext"
WRITTEN = "fine\\u001b[2J\\u001b[8m\\u202e\\u0007\nnext"


def test_what_others_wrote_cannot_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console("trace", as_json=False)
    console.outcome(Outcome({}, HOSTILE))
    console.progress(HOSTILE)
    console.error(VendorkitError(HOSTILE, [Fault(HOSTILE, HOSTILE)]))
    shown = capsys.readouterr()
    assert shown.out == f"{WRITTEN}\n"
    assert shown.err.count(WRITTEN) == 4
    assert "\x1b" not in shown.err


def test_colours_of_ours_stay_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    Console("gate", as_json=False).outcome(Outcome({}, "\x1b[32mPASS\x1b[0m \x1b[30mhidden"))
    assert terminal.getvalue() == "\x1b[32mPASS\x1b[0m \\u001b[30mhidden\n"


def test_a_form_of_its_own_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Console("trace", as_json=False, as_text=False).outcome(Outcome({}, "<svg>\t\u200d</svg>"))
    assert capsys.readouterr().out == "<svg>\t\u200d</svg>\n"
