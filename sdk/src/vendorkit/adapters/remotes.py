"""Git repositories on other hosts: what they hold, fetching from them and pushing to them, in child processes of git.

The children see no configuration of the repository or the user except credential helpers, run no hook of this side,
speak only protocols that start no program, and never ask. What is fetched or pushed is decided elsewhere.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from vendorkit.errors import Refused, Unavailable

SECONDS = 900
"""Longest time that one child may take: a first fetch of a large repository."""

SECONDS_FOR_HELPER = 30
"""Longest time that a credential helper may take: one that waits for somebody is not waited for."""

HARMLESS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "http.followRedirects": "initial",
    "protocol.allow": "never",
    **{f"protocol.{name}.allow": "always" for name in ("https", "http", "ssh", "git", "file")},
}
"""Options of every child: nothing runs, nothing is fetched besides what was asked for."""

KEPT = (
    *("HOME", "LOGNAME", "PATH", "SHELL", "TMPDIR", "USER", "SYSTEMROOT", "USERPROFILE", "XDG_CONFIG_HOME"),
    *("SSH_AUTH_SOCK", "SSH_ASKPASS", "GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)
"""Variables of this process that a child sees; traces, which would write tokens down, are not among them."""

_HELPER = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "USER" "$VARIABLE"; }; f'
"""A credential helper: the shell of git reads the token from the environment, so that no argument ever holds it."""

_REFUSALS = (
    "protected branch",
    "pre-receive hook declined",
    "hook declined",
    "archived",
    "read-only",
    "denied",
    "permission",
    "not allowed",
    "error: 403",
)
_ADDRESS = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True)
class Access:
    """How to sign in at a host.

    Args:
        host: The host, with its port where it has one.
        variable: The environment variable that holds the token.
        user: What the host wants as user name beside a token.
    """

    host: str
    variable: str
    user: str = "x-access-token"


@dataclass(frozen=True)
class Tips:
    """What a remote repository holds.

    Args:
        branch: Its default branch; empty where its HEAD is on none.
        head: The commit of its HEAD; empty where it has no commit.
        branches: Branch to commit, of those that were asked for.
    """

    branch: str
    head: str
    branches: Mapping[str, str] = field(default_factory=dict)


class PushRejectedError(Refused):
    """The branch there is not what it was when it was looked at: somebody pushed meanwhile."""


class Remotes:
    """Git over the network, with the tokens of some hosts.

    Args:
        accesses: How to sign in where the user's own credential helper is not to be asked.
    """

    def __init__(self, accesses: Sequence[Access] = ()) -> None:
        self._options = [part for key, value in HARMLESS.items() for part in ("-c", f"{key}={value}")]
        variables = []
        for access in accesses:
            helper = _HELPER.replace("USER", access.user).replace("VARIABLE", access.variable)
            for scheme in ("https", "http"):
                self._options += ["-c", f"credential.{scheme}://{access.host}.helper={helper}"]
            variables.append(access.variable)
        self._environment = {name: os.environ[name] for name in (*KEPT, *variables) if name in os.environ}
        self._environment |= {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
        }
        self._environment.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=30")

    def tips(self, url: str, patterns: Sequence[str] = ()) -> Tips:
        """Default branch of a remote repository, and its branches that match.

        Args:
            url: Its address or folder.
            patterns: Branches to tell of, for instance `vendorkit/*`.

        Raises:
            Refused: The host does not let us read it.
            Unavailable: It could not be reached, or there is no such repository.
        """
        wanted = ["HEAD", *(f"refs/heads/{pattern}" for pattern in patterns)]
        listed = self._git(None, url, "ls-remote", "--symref", "--", url, *wanted)
        branch, head, branches = "", "", {}
        for line in listed.splitlines():
            what, _, name = line.partition("\t")
            if name == "HEAD" and what.startswith("ref: "):
                branch = what.removeprefix("ref: refs/heads/")
            elif name == "HEAD":
                head = what
            elif name.startswith("refs/heads/"):
                branches[name.removeprefix("refs/heads/")] = what
        return Tips(branch, head, branches)

    def fetch(self, bare: Path, url: str, references: Sequence[str]) -> None:
        """Fetch references into a bare repository of ours.

        Args:
            bare: A bare repository.
            url: Where to fetch from.
            references: As git writes them, for instance `+refs/heads/main:refs/fleet/base`.

        Raises:
            Refused: The host does not let us read it.
            Unavailable: It could not be reached.
        """
        plain = ("--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--no-auto-maintenance")
        self._git(bare, url, "fetch", *plain, "--no-recurse-submodules", "--", url, *references)

    def push(self, bare: Path, url: str, branch: str, commit: str, *, seen: str) -> None:
        """Let a branch of a remote repository point to a commit.

        Args:
            bare: A bare repository that holds the commit.
            url: Where to push to.
            branch: Name of the branch.
            commit: Full commit id; empty deletes the branch.
            seen: What the branch pointed to when it was looked at; empty where there was none.

        Raises:
            PushRejectedError: It points elsewhere by now.
            Refused: The host does not take it: the branch is protected, the repository archived, no right to push.
            Unavailable: It could not be reached.
        """
        target = f"refs/heads/{branch}"
        lease = f"--force-with-lease={target}:{seen}"
        self._git(bare, url, "push", "--porcelain", "--no-verify", lease, "--", url, f"{commit}:{target}")

    def _git(self, bare: Path | None, url: str, *arguments: str) -> str:
        environment = {**self._environment, "GIT_CONFIG_GLOBAL": _configuration()}
        where = ["--git-dir", str(bare)] if bare is not None else []
        try:
            done = subprocess.run(
                ["git", *where, *self._options, *arguments],
                cwd=bare or tempfile.gettempdir(),
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise _absent() from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{without_user(url)} did not answer within {SECONDS} seconds.") from error
        if done.returncode != 0:
            raise _blame(url, f"{done.stderr}\n{done.stdout}")
        return done.stdout


def saved_password(web: str) -> str | None:
    """The password or token of a host that git's credential helper of the user keeps; None where it keeps none.

    Nobody is asked. The secret goes through a pipe: it stands in no argument and no variable.

    Args:
        web: The host with its scheme, for instance `https://github.com`.

    Raises:
        Unavailable: Git is missing.
    """
    scheme, _, host = web.partition("://")
    quiet = ("-c", "core.askPass=", "-c", "credential.interactive=false")
    environment = {name: os.environ[name] for name in KEPT if name in os.environ and not name.endswith("ASKPASS")}
    environment |= {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_GLOBAL": _configuration(),
        "LC_ALL": "C.UTF-8",
    }
    try:
        done = subprocess.run(
            ["git", *quiet, "credential", "fill"],
            cwd=tempfile.gettempdir(),
            env=environment,
            input=f"protocol={scheme}\nhost={host}\n\n",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS_FOR_HELPER,
            check=False,
        )
    except FileNotFoundError as error:
        raise _absent() from error
    except subprocess.TimeoutExpired:
        return None
    kept = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return (kept.get("password") or None) if done.returncode == 0 else None


def without_user(text: str) -> str:
    """A text in which no address holds a user or password."""
    return _ADDRESS.sub("", text)


def _blame(url: str, said: str) -> Refused | Unavailable:
    """The error that git's words mean."""
    place = without_user(url)
    lines = [line.strip() for line in without_user(said).splitlines()]
    lines = [line for line in lines if line and not line.startswith(("To ", "Done", "hint:"))]
    told = " ".join(" ".join(lines[:4]).split())[:400] or "it gave no reason"
    if "[rejected]" in said and ("stale info" in said or "fetch first" in said or "non-fast-forward" in said):
        return PushRejectedError(f"Somebody pushed to {place} meanwhile.", fix="Run it again.")
    reasons = re.sub(r"\S+://\S+", "", said.replace(url, "")).lower()  # a name or a port is no reason
    if any(word in reasons for word in _REFUSALS):
        return Refused(f"{place} does not take it: {told}")
    return Unavailable(f"{place} could not be used: {told}")


def _absent() -> Unavailable:
    return Unavailable("Git is not installed.", fix="Install git (https://git-scm.com).")


_making = threading.Lock()


def _configuration() -> str:
    """The file of `_credentials`. Threads that ask at once get the same: of several folders all but one would go."""
    with _making:
        return f"{_credentials().name}/config"


@cache
def _credentials() -> tempfile.TemporaryDirectory[str]:
    """A git configuration in a folder: the user's credential helpers and whose repositories they trust, no more."""
    try:
        done = subprocess.run(
            ["git", "config", "--null", "--get-regexp", r"^(credential\..*|safe\.directory)$"],
            cwd=tempfile.gettempdir(),
            env={**os.environ, "GIT_CEILING_DIRECTORIES": tempfile.gettempdir(), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError as error:
        raise _absent() from error
    folder = tempfile.TemporaryDirectory(prefix="vendorkit-git-")  # its finalizer removes it at the end
    path = Path(folder.name, "config")
    path.touch(mode=0o600)
    pairs = (entry.partition("\n") for entry in done.stdout.split("\0") if entry)
    written = "".join(_as_config(key, value) for key, _, value in pairs)
    path.write_text(written, encoding="utf-8", errors="surrogateescape")
    return folder


def _as_config(key: str, value: str) -> str:
    """A setting as git's configuration files hold it. A helper may be a command with a secret in it, so that it never
    becomes an argument of a process.
    """
    section, _, rest = key.partition(".")
    inner, _, name = rest.rpartition(".")
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in (inner, value)]
    head = f'[{section} "{quoted[0]}"]' if inner else f"[{section}]"
    return f'{head}\n\t{name} = "{quoted[1].replace(chr(10), chr(92) + "n")}"\n'
