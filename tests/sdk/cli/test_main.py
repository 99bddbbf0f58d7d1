"""The command line as a whole: exit codes, the JSON envelope, usage errors, bugs, and people who stop it."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from vendorkit.cli.commands import check
from vendorkit.cli.main import COMMANDS, main
from vendorkit.cli.output import Console, Outcome
from vendorkit.errors import BadInput, Fault, Refused, Unavailable
from vendorkit.records.finding import Finding

from tests.support.engagement import write_engagement
from tests.support.world import World

ENVELOPE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema", "ok", "exit_code", "result", "findings"],
    "properties": {
        "schema": {"type": "string", "pattern": "^vendorkit/[a-z]+/1$"},
        "ok": {"type": "boolean"},
        "exit_code": {"enum": [0, 1, 2, 3, 4, 130]},
        "result": {"type": "object"},
        "findings": {
            "type": "array",
            "items": {"type": "object", "required": ["id", "verdict", "severity", "says", "where", "why", "fix"]},
        },
    },
}

Captured = pytest.CaptureFixture[str]


def envelope(text: str) -> dict[str, Any]:
    """The one JSON document, in the shape that other programs rely on."""
    value: dict[str, Any] = json.loads(text)
    jsonschema.validate(value, ENVELOPE)
    assert value["ok"] is (value["exit_code"] == 0)
    return value


def doing(monkeypatch: pytest.MonkeyPatch, what: Any) -> None:
    """Let `vendorkit check` raise or give something."""

    def run(args: Namespace, console: Console) -> Outcome:
        if isinstance(what, BaseException):
            raise what
        return what  # type: ignore[no-any-return]

    monkeypatch.setattr(check, "run", run)


def vendorkit(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vendorkit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


# Help and usage


def test_help_lists_every_command(capsys: Captured) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in COMMANDS)


def test_nothing_is_a_usage_error_that_shows_the_help(capsys: Captured) -> None:
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().out


def test_the_version(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("vendorkit ")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_has_two_examples_that_parse(name: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    _, _, behind = said.partition("\nexamples:\n")
    examples = [line.strip() for line in behind.splitlines() if line.strip()]
    assert len(examples) == 2
    assert all(example.startswith(f"vendorkit {name}") for example in examples)
    assert all(option in said for option in ("--repo DIR", "--json", "--quiet", "--verbose"))
    module = importlib.import_module(f"vendorkit.cli.commands.{name.replace(' ', '_')}")
    assert module.__doc__.strip().splitlines()[0] in " ".join(said.split()) or module.__doc__ in said


USAGE = {
    "unknown command": (["chek"], "there is no command 'chek'. Did you mean check?"),
    "nothing near": (["frobnicate"], "there is no command 'frobnicate'. Commands: new, adopt, check"),
    "unknown option": (["check", "--colour"], "unrecognized arguments: --colour"),
    "abbreviated option": (["check", "--form", "json"], "unrecognized arguments: --form"),
    "wrong choice": (["gate", "--format", "pdf"], "invalid choice: 'pdf'"),
    "missing value": (["gate", "--against"], "expected one argument"),
    "missing argument": (["approve"], "the following arguments are required"),
    "too many": (["train", "now"], "unrecognized arguments: now"),
    "options before the command": (["--repo", ".", "check"], "options stand behind the command"),
}


@pytest.mark.parametrize(("arguments", "says"), USAGE.values(), ids=USAGE.keys())
def test_usage_errors_end_with_2_in_both_forms(arguments: list[str], says: str, capsys: Captured) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "usage: vendorkit" in err
    assert main([*arguments, "--json"]) == 2
    out, err = capsys.readouterr()
    assert err == ""
    value = envelope(out)
    assert value["exit_code"] == 2
    assert says in value["result"]["error"]


def test_a_folder_that_is_no_engagement(tmp_path: Path, capsys: Captured) -> None:
    for name in ("check", "snapshot", "train", "gate", "publish", "releases"):
        assert main([name, "--repo", str(tmp_path), "--json"]) == 2, name
        value = envelope(capsys.readouterr().out)
        assert value["schema"] == f"vendorkit/{name}/1"
        assert value["result"]["error"] == "This is not an engagement."
        assert str(tmp_path) in value["result"]["faults"][0]["where"]


def test_ten_faults_of_a_manifest_at_once(tmp_path: Path, capsys: Captured) -> None:
    write_engagement(tmp_path, accountable="nobody", benchmarks=5, gates=[{"id": 1}, {"colour": "red"}])
    assert main(["train", "--repo", str(tmp_path), "--json"]) == 2
    faults = envelope(capsys.readouterr().out)["result"]["faults"]
    assert len(faults) > 5
    assert all(fault["where"].startswith("engagement.yaml:") for fault in faults)


# Exit codes

FAULTS = [Fault("here:1", "is wrong.", "Mend it."), Fault("there:2", "is wrong too.")]
ERRORS = {
    "a verdict": (Refused("No.", FAULTS, fix="Do."), 1),
    "bad input": (BadInput("No.", FAULTS, fix="Do."), 2),
    "something outside": (Unavailable("No.", FAULTS, fix="Do."), 3),
}


@pytest.mark.parametrize(("error", "code"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_show_all_faults_and_their_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    doing(monkeypatch, error)
    assert main(["check"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "vendorkit check: No.\n  here:1: is wrong. Mend it.\n  there:2: is wrong too.\nDo.\n"
    assert main(["check", "--json"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    value = envelope(out)
    assert (value["exit_code"], value["result"]["error"], value["result"]["fix"]) == (code, "No.", "Do.")
    assert value["result"]["faults"][0] == {"where": "here:1", "says": "is wrong.", "fix": "Mend it."}
    assert len(value["result"]["faults"]) == 2


OUTSIDE = {
    "disk full": OSError(28, "No space left on device"),
    "not allowed": PermissionError(13, "Permission denied", "/etc/shadow"),
    "no memory": MemoryError(),
}


@pytest.mark.parametrize("error", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_what_the_system_refuses_ends_with_3(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    doing(monkeypatch, error)
    assert main(["check", "--json"]) == 3
    assert envelope(capsys.readouterr().out)["exit_code"] == 3


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("odd"), RecursionError(), AssertionError()])
def test_a_bug_ends_with_4_and_a_log(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    doing(monkeypatch, error)
    assert main(["check", "--as-of", "2026-01-01"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert type(error).__name__ in err
    (log,) = tmp_path.glob("vendorkit-bug-*/log.txt")
    assert str(log) in err
    text = log.read_text("utf-8")
    assert "vendorkit check --as-of 2026-01-01" in text
    assert "Traceback (most recent call last)" in text
    assert main(["check", "--json"]) == 4
    assert envelope(capsys.readouterr().out)["exit_code"] == 4


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.startswith("fleet ")])
def test_commands_of_the_fleet_say_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setitem(sys.modules, "pygit2", None)  # as where it is not installed, and nothing was imported with it
    for module in [each for each in sys.modules if each.startswith(("vendorkit.fleet.", "vendorkit.adapters.commits"))]:
        monkeypatch.delitem(sys.modules, module)
    assert main([*name.split(), *(["x"] if name == "fleet adopt" else [])]) == 2
    assert "vendorkit[fleet]" in capsys.readouterr().err


def test_a_bug_is_told_where_no_log_can_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    doing(monkeypatch, RuntimeError("odd"))
    assert main(["check"]) == 4
    assert "No log could be written" in capsys.readouterr().err


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    doing(monkeypatch, KeyboardInterrupt())
    assert main(["check"]) == 130
    out, err = capsys.readouterr()
    assert (out, "interrupted" in err) == ("", True)
    assert main(["check", "--json"]) == 130
    assert envelope(capsys.readouterr().out)["exit_code"] == 130


# Output

FINDING = Finding(id="g", verdict="pass", severity="error", says="Ä.", where="", why="", fix="")


def test_an_outcome_in_both_forms(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    for code in (0, 1):
        doing(monkeypatch, Outcome({"a": 1}, "for people", [FINDING], exit_code=code))
        assert main(["check"]) == code
        assert capsys.readouterr().out == "for people\n"
        assert main(["check", "--json"]) == code
        value = envelope(capsys.readouterr().out)
        assert (value["schema"], value["exit_code"], value["result"]) == ("vendorkit/check/1", code, {"a": 1})
        assert value["findings"][0]["says"] == "Ä."


def test_progress_goes_to_standard_error_unless_quiet(capsys: Captured) -> None:
    Console("check", as_json=True).progress("working ...")
    assert capsys.readouterr() == ("", "working ...\n")
    Console("check", as_json=False, quiet=True).progress("working ...")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_a_reader_that_goes_away_does_not_change_the_verdict(tmp_path: Path, more: list[str]) -> None:
    repo = write_engagement(tmp_path, accountable="nobody")
    command = [sys.executable, "-m", "vendorkit", "check", "--repo", str(repo), *more]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_encoding_of_the_terminal_will_do(tmp_path: Path, encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    nowhere = os.fsdecode(bytes(tmp_path / "n") + b"\xff\xc3\xa4\xe2\x82\xac")
    done = subprocess.run(
        [sys.executable, "-m", "vendorkit", "check", "--repo", nowhere, "--json"],
        capture_output=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == b""
    assert "no such folder" in envelope(done.stdout.decode(encoding))["result"]["faults"][0]["says"]
    done = subprocess.run(
        [sys.executable, "-m", "vendorkit", "check", "--repo", nowhere],
        capture_output=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"no such folder" in done.stderr
    assert b"Traceback" not in done.stderr


STREAMS = {
    "text to nobody": ("check --repo {repo} <&- >&- 2>&-", 1),
    "JSON to nobody": ("check --repo {repo} --json >&-", 1),
    "a full disk": ("check --repo {repo} --json >/dev/full", 3),
    "no place for progress": ("check --repo {repo} --report {repo}/reports 2>/dev/full", 1),
    "nobody to ask": ("new {repo}/credit --template /nonexistent <&-", 2),
}


@pytest.mark.parametrize(("command", "code"), STREAMS.values(), ids=STREAMS.keys())
def test_closed_and_full_standard_streams_change_no_verdict(tmp_path: Path, command: str, code: int) -> None:
    repo = write_engagement(tmp_path, accountable="nobody")
    line = f"{sys.executable} -m vendorkit {command.format(repo=repo)}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert ("No space left" in done.stderr) == (code == 3)


def test_progress_never_gets_into_the_answer(tmp_path: Path) -> None:
    repo = write_engagement(tmp_path, accountable="nobody")
    line = f"{sys.executable} -m vendorkit check --repo {repo} --report {repo}/reports --json 2>&-"
    done = subprocess.run(["sh", "-c", line], stdout=subprocess.PIPE, text=True, check=False)
    assert envelope(done.stdout)["exit_code"] == done.returncode == 1


@pytest.mark.parametrize("place", ["a file", "a file/below"])
def test_a_path_that_no_retry_makes_right_is_bad_input(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    repo = write_engagement(tmp_path, accountable="nobody")
    (tmp_path / "a file").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--repo", str(repo), "--report", place, "--json"]) == 2
    (fault,) = envelope(capsys.readouterr().out)["result"]["faults"]
    assert (fault["where"], "expected" in fault["says"]) == (place, True)


# Ctrl-C, and SIGTERM as a container's runtime sends it: to the first process alone


SLOW = """
import time

def prepare(frames):
    return frames["applications"].assign(creditability=0)[["credit_amount", "creditability"]]

def train(frame, seed):
    open("begun", "w").close()
    time.sleep({train})
    return 5

def predict(model, frame):
    if len(frame) == 250:
        open("begun", "w").close()
        time.sleep({predict})
    return [0.5] * len(frame)
"""


def files_of(world: World) -> set[str]:
    return {str(path) for path in (world.repo / ".vendorkit").rglob("*") if "registry" not in path.parts}


@pytest.mark.parametrize(
    ("name", "number"), [("train", signal.SIGINT), ("gate", signal.SIGINT), ("gate", signal.SIGTERM)]
)
def test_who_stops_it_leaves_nothing_half_done(
    frozen: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: signal.Signals
) -> None:
    world = frozen.copy(tmp_path / "repo")
    monkeypatch.chdir(world.repo)
    seconds = {"train": 0, "predict": 0, name.replace("gate", "predict"): 60}
    (world.repo / "models/credit/pipeline.py").write_text(SLOW.format(**seconds))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, **world.environment("vendor-ml"), "TMPDIR": str(temporary)}
    if name == "gate":
        world.run("train")
        (world.repo / "begun").unlink(missing_ok=True)
    before = files_of(world)
    process = subprocess.Popen(
        [sys.executable, "-m", "vendorkit", name, "--json"],
        cwd=world.repo, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    while not (world.repo / "begun").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert envelope(out)["exit_code"] == 130
    assert "Traceback" not in err
    assert files_of(world) == before
    assert list(temporary.iterdir()) == []
