"""How long work is shown: a bar where somebody watches a terminal, plain lines elsewhere, nothing where quiet."""

from __future__ import annotations

import io
import sys

import pytest
from vendorkit.cli.output import Console, Outcome


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
