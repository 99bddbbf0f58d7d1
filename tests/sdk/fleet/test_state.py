"""What a fleet remembers: it lasts, goes on where a run was cut off, and lets one update run at a time."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from vendorkit.errors import Refused, Unavailable
from vendorkit.fleet.state import Known, one_at_a_time, open_state

DETAILS = {"status": "updated", "to": "v2", "branch": "vendorkit/update-v2", "why": ""}
KNOWN = Known("https://h/1", "open", "green", False, True, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "c" * 40)


def test_what_was_found_is_kept_between_calls(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        state.remember([("a", "key", {"commit": "c"})])
        run = state.begin("ann", "v2", {})
        state.add_outcome(run, "a", DETAILS, KNOWN)
        state.end(run, "")
    with open_state(tmp_path) as state:
        assert state.seen() == {"a": ("key", {"commit": "c"})}
        assert state.requests() == {("a", "vendorkit/update-v2"): KNOWN}
        assert state.last_outcomes()["a"]["status"] == "updated"
        exported = json.loads(json.dumps(state.exported()))
    assert [run["target"] for run in exported["runs"]] == ["v2"]
    assert (tmp_path / ".vendorkit/.gitignore").read_text() == "*\n"


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        first = state.begin("ann", "v2", {"ring": "canary"})
        assert state.begin("ann", "v2", {"ring": "canary"}) == first
        assert state.begin("ann", "v3", {}) != first
        state.end(2, "")
        assert state.begin("ann", "v3", {}) == 3


def test_a_reset_does_not_hide_which_version_the_last_update_was_to_bring(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        assert state.last_target() == ""
        state.end(state.begin("ann", "v2", {"ring": ""}), "3 of 4 repositories failed")
        state.end(state.begin("ann", "", {"ring": "", "reset": []}), "")
        assert state.last_target() == "v2"


def test_a_newer_or_damaged_state_is_not_touched(tmp_path: Path) -> None:
    with open_state(tmp_path):
        pass
    path = tmp_path / ".vendorkit/fleet.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(Unavailable, match="newer"), open_state(tmp_path):
        pass
    for kept in path.parent.glob("fleet.sqlite*"):
        kept.unlink()
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(Unavailable, match="cannot be used"), open_state(tmp_path):
        pass


HOLDER = """
import sys
from pathlib import Path
from vendorkit.fleet.state import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), "fleet update", shard=sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_is_for_one_process_and_dies_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path), ""]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Refused, match=f"process {holder.pid}.*fleet update"), one_at_a_time(tmp_path, "x"):
            pass
        with pytest.raises(Refused), one_at_a_time(tmp_path, "x", shard="1/2"):
            pass
        holder.kill()
    with one_at_a_time(tmp_path, "x"):
        pass


def test_shards_run_beside_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path), "1/2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with one_at_a_time(tmp_path, "x", shard="2/2"):
            pass
        for shard in ("1/2", ""):
            with pytest.raises(Refused), one_at_a_time(tmp_path, "x", shard=shard):
                pass
        holder.kill()
