"""Git towards other hosts: tokens reach git alone, protocols that start programs are refused, refusals are told."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from vendorkit.adapters import remotes
from vendorkit.adapters.remotes import Access, PushRejectedError, Remotes, without_user
from vendorkit.errors import Refused, Unavailable

from tests.support.rollouts import commit, git

SECRET = "s3cr3t-of-nobody"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main")
    commit(work, {"a": "1\n"})
    git(tmp_path, "clone", "--quiet", "--bare", str(work), "there.git")
    return tmp_path / "there.git"


@pytest.fixture
def nothing_copied(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The user's configuration was not copied yet."""
    fresh = cache(remotes._credentials.__wrapped__)
    monkeypatch.setattr(remotes, "_credentials", fresh)
    yield
    if fresh.cache_info().currsize:
        fresh().cleanup()


def test_git_gets_the_token_of_a_host_and_of_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VENDORKIT_TOKEN_H", SECRET)
    seen: list[list[str]] = []
    real = subprocess.run

    def spy(command: list[str], **given: object) -> subprocess.CompletedProcess[str]:
        seen.append([str(part) for part in command])
        return real(command, **given)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(remotes.subprocess, "run", spy)
    reached = Remotes([Access("git.bank.example", "VENDORKIT_TOKEN_H")])
    with pytest.raises(Unavailable):
        reached.tips("https://127.0.0.1:9/none.git")
    command = seen[-1]
    assert SECRET not in " ".join(command)
    options = command[1 : command.index("ls-remote")]
    environment = {"PATH": "/usr/bin:/bin", "VENDORKIT_TOKEN_H": SECRET, "GIT_TERMINAL_PROMPT": "0"}
    for host, wanted in (("git.bank.example", f"password={SECRET}"), ("evil.example", "")):
        done = real(
            ["git", *options, "credential", "fill"], input=f"protocol=https\nhost={host}\n\n", cwd=tmp_path,
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (SECRET in done.stdout) == bool(wanted)
        assert wanted in done.stdout


@pytest.mark.parametrize("url", ["ext::sh -c touch% pwned", "fd::3"])
def test_protocols_that_start_programs_are_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match="not allowed"):
        Remotes().tips(url)
    assert list(tmp_path.iterdir()) == []


class Saying(BaseHTTPRequestHandler):
    """Answers every request with the status that the first part of its path names."""

    def do_GET(self) -> None:
        self.send_error(int(self.path.split("/")[1]))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_refusal_is_told_from_a_failure_by_what_was_said_not_by_names() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Saying) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(Refused, match="error: 403"):
            Remotes().tips(f"{there}/403/credit.git")
        with pytest.raises(Unavailable, match="error: 502"):
            Remotes().tips(f"{there}/502/archived/denied-403.git")
        server.shutdown()


def test_a_push_takes_only_what_it_has_seen(bare: Path, tmp_path: Path) -> None:
    reached = Remotes()
    tips = reached.tips(str(bare), ["vendorkit/*"])
    assert (tips.branch, dict(tips.branches)) == ("main", {})
    ours = tmp_path / "ours.git"
    git(tmp_path, "init", "--quiet", "--bare", str(ours))
    reached.fetch(ours, str(bare), ["+refs/heads/main:refs/fleet/base"])
    reached.push(ours, str(bare), "vendorkit/x", tips.head, seen="")
    other = git(ours, "commit-tree", f"{tips.head}^{{tree}}", "-m", "Another")
    with pytest.raises(PushRejectedError):
        reached.push(ours, str(bare), "vendorkit/x", other, seen="")
    assert reached.tips(str(bare), ["vendorkit/*"]).branches == {"vendorkit/x": tips.head}


def test_addresses_are_shown_without_passwords() -> None:
    assert without_user("fatal: https://ann:secret@h/x and ssh://git@h/y") == "fatal: https://h/x and ssh://h/y"


@pytest.mark.usefixtures("nothing_copied")
def test_a_helper_with_a_secret_in_it_is_copied_as_it_stands_and_becomes_no_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = '!f() { printf "username=x\\npassword=%s\\\\n" "s3cr3t; #of nobody"; }; f'
    mine = tmp_path / "gitconfig"
    for key in ("credential.helper", "credential.https://git.bank.example:8443/a.b.helper"):
        subprocess.run(["git", "config", "--file", mine, "--add", key, helper], check=True)
    subprocess.run(["git", "config", "--file", mine, "user.name", "Ann"], check=True)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(mine))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    seen: list[object] = []
    called = subprocess.run
    monkeypatch.setattr(remotes.subprocess, "run", lambda line, **how: (seen.append(line), called(line, **how))[1])
    held = remotes._credentials()
    copied = Path(held.name, "config")
    told = [
        called(["git", "config", "--file", path, "--null", "--get-regexp", "credential"], capture_output=True).stdout
        for path in (mine, copied)
    ]
    assert told[0] == told[1] != b""
    assert b"Ann" not in copied.read_bytes()
    assert seen
    assert "s3cr3t" not in repr(seen)


@pytest.mark.usefixtures("nothing_copied")
def test_threads_that_ask_at_once_share_one_copy_of_the_credentials() -> None:
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(lambda _: remotes._configuration(), range(8)))
    assert len(set(files)) == 1
    assert Path(files[0]).is_file()


@pytest.mark.usefixtures("nothing_copied")
def test_a_machine_without_git_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="Git is not installed"):
        Remotes().tips("https://git.bank.example/credit.git")
