"""Which forge a repository of the fleet lies on, with which token, and that tokens stay hidden."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from vendorkit.adapters import remotes
from vendorkit.adapters.forges.base import Request, Search
from vendorkit.adapters.remotes import saved_password
from vendorkit.errors import BadInput
from vendorkit.fleet.hosts import Hosts

from tests.support.forges import FakeForge, Repo, serving

SECRET = "s3cr3t-of-nobody"
REQUEST = Request("vendorkit/update-v2", "main", "Update to v2", "What changed")


def declared(fake: FakeForge) -> dict[str, str]:
    return {fake.web.removeprefix("http://"): fake.kind}


def variable(fake: FakeForge) -> str:
    return "VENDORKIT_TOKEN_127_0_0_1_" + fake.web.rpartition(":")[2]


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper of the user that knows one secret and writes down what it was asked."""
    asked = tmp_path / "asked"
    script = tmp_path / "helper"
    script.write_text(f'#!/bin/sh\ncat >> {asked}\n[ "$1" = get ] && echo username=me && echo password={SECRET}\n')
    script.chmod(0o755)
    (tmp_path / ".gitconfig").write_text(f"[credential]\n\thelper = {script}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    remotes._credentials.cache_clear()
    yield asked  # type: ignore[misc]
    remotes._credentials.cache_clear()


def test_a_request_goes_to_the_forge_that_is_declared_with_the_hosts_token() -> None:
    with serving("github", Repo("acme/pd")) as fake:
        hosts = Hosts(declared(fake), environment={variable(fake): SECRET})
        found = hosts.of(f"{fake.web}/acme/pd.git")
        opened = found.forge.open_or_refresh(found.repository, REQUEST)
        hosts.leave()
        assert opened is not None
        assert (found.repository, found.forge.kind, opened.number) == ("acme/pd", "github", 1)
        assert fake.exchanges[0].headers["authorization"].endswith(SECRET)


def test_a_folder_and_an_unknown_host_take_no_requests(tmp_path: Path) -> None:
    hosts = Hosts({}, environment={})
    for place in (str(tmp_path), tmp_path.as_uri(), "git@git.bank.example:a/b.git"):
        assert not hosts.of(place).forge.takes_requests
    with pytest.raises(BadInput, match=r"git\.bank\.example: is no known forge"):
        hosts.discover("git.bank.example", Search())


def test_each_host_is_opened_once_by_many_threads() -> None:
    with serving("gitlab", Repo("acme/pd")) as fake, ThreadPoolExecutor(8) as pool:
        hosts = Hosts(declared(fake), environment={variable(fake): SECRET})
        forges = set(pool.map(lambda number: id(hosts.of(f"{fake.web}/acme/pd-{number}").forge), range(50)))
    assert len(forges) == 1


def test_git_signs_in_with_the_same_token_by_the_name_of_its_variable() -> None:
    environment = {"GITLAB_TOKEN": SECRET, "VENDORKIT_TOKEN_GIT_BANK_EXAMPLE": SECRET}
    hosts = Hosts({"git.bank.example": "gitea"}, environment=environment)
    urls = ["https://gitlab.com/a/b", "https://git.bank.example/a/b", "https://github.com/a/b", "/srv/git/c"]
    accesses = hosts.accesses(urls)
    assert [(one.host, one.variable, one.user) for one in accesses] == [
        ("git.bank.example", "VENDORKIT_TOKEN_GIT_BANK_EXAMPLE", "x-access-token"),
        ("gitlab.com", "GITLAB_TOKEN", "oauth2"),
    ]
    assert SECRET not in repr(accesses) + repr(hosts) + repr(vars(hosts)["_opened"])


def test_the_users_credential_helper_is_asked_for_the_host_alone(helper: Path) -> None:
    assert saved_password("https://git.bank.example:8443") == SECRET
    assert set(helper.read_text().splitlines()) >= {"protocol=https", "host=git.bank.example:8443"}
    with serving("gitea", Repo("acme/pd")) as fake:
        hosts = Hosts(declared(fake), environment={})
        found = hosts.of(f"{fake.web}/acme/pd.git")
        found.forge.look(found.repository, "any")
        hosts.leave()
        assert fake.exchanges[0].headers["authorization"] == f"token {SECRET}"


def test_without_a_helper_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    script = tmp_path / "askpass"
    script.write_text(f"#!/bin/sh\ntouch {asked}\necho word\n")
    script.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(script))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    remotes._credentials.cache_clear()
    try:
        assert saved_password("https://git.bank.example") is None
    finally:
        remotes._credentials.cache_clear()
    assert not asked.exists()


def test_the_token_is_in_no_process_list_no_file_and_no_output(helper: Path, tmp_path: Path) -> None:
    """A whole process: opens a request, fails at another, and everything it shows or starts is searched."""
    log = tmp_path / "processes"
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "git").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec /usr/bin/env -S {_git()} "$@"\n')
    (bin_folder / "git").chmod(0o755)
    with serving("azure", Repo("acme/risk/pd")) as fake:
        host, kind = next(iter(declared(fake).items()))
        code = (
            "import logging; logging.basicConfig(level=0)\n"
            "from vendorkit.fleet.hosts import Hosts\n"
            "from vendorkit.adapters.forges.base import Request\n"
            f"hosts = Hosts({{{host!r}: {kind!r}}}, environment={{}})\n"
            f"found = hosts.of('{fake.web}/acme/risk/_git/pd')\n"
            "found.forge.open_or_refresh(found.repository, Request('vendorkit/update-v2', 'main', 'T', 'B'))\n"
            "print(hosts, vars(hosts), found, vars(found.forge))\n"
            "found.forge.look('acme/risk/other', 'any')\n"
        )
        environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert "There is no acme/risk/other" in done.stderr
        assert len(fake.state.repos["acme/risk/pd"].pulls) == 1
    assert "credential fill" in log.read_text()
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file.name != "helper"]
    assert not [file for file in written if SECRET in file.read_text(errors="replace")]
    assert SECRET not in done.stdout + done.stderr


def _git() -> str:
    found = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True)
    return found.stdout.strip()
