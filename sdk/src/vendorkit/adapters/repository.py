"""Git, by subprocess with argument lists: the only file that starts it.

Reading runs no hook and no file watcher of the repository that is looked at. What a commit means for lineage
or for a release is decided elsewhere.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vendorkit.errors import BadInput, Fault, Refused, Unavailable

BRANCH = "main"
"""The branch that a new repository starts on; the CI files of the template name it."""

HARMLESS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.pager=cat"),
    *("-c", "core.quotePath=false"),
    *("-c", "safe.bareRepository=explicit"),
)
"""Options that keep git from running programs that a repository's own configuration names. Nor
is a folder taken for a bare repository because it was committed to look like one."""

FOREIGN = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
"""Variables that point git to another repository, for instance when it runs inside a hook."""

SUBMODULE, LINK = "160000", "120000"
"""Modes of entries of a tree that are no files."""

NO_FILTERS = (
    *("-c", "filter.lfs.smudge="),
    *("-c", "filter.lfs.process="),
    *("-c", "filter.lfs.required=false"),
)
"""Options that keep a checkout from fetching what the commit only points to."""

NO_IDENTITY = "Git does not know who you are, so it cannot commit."
IDENTITY_FIX = (
    "Run `git config --global user.name 'Your name'` and `git config --global user.email you@company.example`."
)


@dataclass(frozen=True)
class Head:
    """The commit that is checked out.

    Args:
        commit: Full commit id.
        author: E-mail address of its author.
        committer: E-mail address of its committer.
    """

    commit: str
    author: str
    committer: str


@dataclass(frozen=True)
class TreeEntry:
    """A file of a commit.

    Args:
        mode: `100644`, `100755` for a program, `120000` for a link, `160000` for a submodule.
        blob: Id of its content.
        path: Relative to the folder that was asked for.
    """

    mode: str
    blob: str
    path: str


def init(path: Path) -> None:
    """Make a repository in an existing folder, on branch `main`, with none of the user's template hooks.

    Raises:
        Unavailable: Git is missing or refuses.
    """
    _git(path, "init", "--quiet", "--template=", f"--initial-branch={BRANCH}")


def commit_all(path: Path, message: str) -> str:
    """Commit every file that the repository itself does not ignore; gives the full commit id.

    The user's own ignore file and hooks take no part, so that the same folder gives the same tree everywhere.

    Raises:
        BadInput: Git does not know who commits, or there is nothing to commit.
        Unavailable: Git is missing or refuses.
    """
    identity(path)
    _git(path, "-c", f"core.excludesFile={os.devnull}", "-c", "core.safecrlf=false", "add", "--all")
    if not _git(path, "status", "--porcelain", "--untracked-files=no").strip():
        raise BadInput(f"There is nothing to commit in {path}.")
    _git(path, "commit", "--quiet", "--no-verify", "--message", message)
    found = head(path)
    if found is None:
        raise Unavailable(f"Git committed in {path} but shows no commit.")
    return found.commit


def head(path: Path) -> Head | None:
    """The commit that is checked out; None before the first commit and outside a repository.

    Raises:
        Unavailable: Git is missing.
    """
    done = _run(path, ("log", "-1", "--no-show-signature", "--format=%H%n%ae%n%ce", "HEAD", "--"))
    if done.returncode != 0:
        return None
    commit, author, committer = done.stdout.splitlines()[:3]
    return Head(commit, author, committer)


def is_dirty(path: Path) -> bool:
    """Whether files below `path` differ from the commit, or are new and not ignored.

    True as well outside a repository: nothing there is committed.

    Raises:
        Unavailable: Git is missing or refuses.
    """
    return top(path) is None or bool(changed_paths(path))


def changed_paths(path: Path) -> tuple[str, ...]:
    """Changed, deleted and new files below `path` that are not ignored, relative to the repository's top.

    Raises:
        BadInput: `path` is not in a git repository.
        Unavailable: Git is missing or refuses.
    """
    if top(path) is None:
        raise BadInput(f"{path} is not in a git repository.", fix="Run `git init` there and commit.")
    wanted = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", ".")
    listed = _git(path, "--no-optional-locks", "status", *wanted)
    return tuple(sorted(entry[3:] for entry in listed.split("\0") if entry))


def identity(path: Path) -> tuple[str, str]:
    """Name and e-mail address that git would write as the author of a commit made in `path` now.

    Git's guess from the host's name does not count: such an address belongs to nobody.

    Raises:
        BadInput: Name or address of author or committer is not set.
        Unavailable: Git is missing.
    """
    idents = []
    for variable in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        done = _run(path, ("-c", "user.useConfigOnly=true", "var", variable))
        found = re.fullmatch(r"(.+) <(.+)> \d+ [+-]\d{4}", done.stdout.strip())
        if done.returncode != 0 or found is None:
            raise BadInput(NO_IDENTITY, [Fault("git", _last_lines(done.stderr, 1))], fix=IDENTITY_FIX)
        idents.append((found[1], found[2]))
    return idents[0]


def signing_key(path: Path) -> Path | None:
    """The SSH key file that git signs with (`user.signingKey` with `gpg.format` ssh); None where it has none.

    Raises:
        Unavailable: Git is missing.
    """
    if _run(path, ("config", "--get", "gpg.format")).stdout.strip() != "ssh":
        return None
    named = _run(path, ("config", "--type=path", "--get", "user.signingKey")).stdout.strip()
    return Path(named) if named and not named.startswith(("key::", "ssh-")) else None


def describe(path: Path) -> str:
    """The nearest tag and the distance to it, else the short commit; `-dirty` at the end where files differ.

    Raises:
        BadInput: There is no commit.
        Unavailable: Git is missing.
    """
    done = _run(path, ("--no-optional-locks", "describe", "--tags", "--always", "--dirty"))
    if done.returncode != 0:
        raise BadInput(f"{path} has no git commit.", fix="Run `git init` there and commit.")
    return done.stdout.strip()


def top(path: Path) -> Path | None:
    """The top folder of the repository that `path` lies in; None outside of one.

    Raises:
        Unavailable: Git is missing, or refuses to read a repository of another user.
    """
    done = _run(path, ("rev-parse", "--show-toplevel"))
    if done.returncode == 0:
        return Path(done.stdout.rstrip("\n"))
    if "dubious ownership" in done.stderr:
        raise Unavailable(f"Git refuses to read {path}: {_last_lines(done.stderr, 3)}")
    return None


def fetch_template(url: str, folder: Path) -> None:
    """Bring the branches, tags and default branch (as `refs/vendorkit/head`) of a repository into a bare one.

    Args:
        url: Where it lies.
        folder: The bare repository; made where it is not there yet.

    Raises:
        Unavailable: Git is missing or could not fetch.
    """
    if not (folder / "HEAD").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _git(folder, "init", "--quiet", "--bare", "--template=")
    wanted = ("+HEAD:refs/vendorkit/head", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    options = ("--quiet", "--prune", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--force")
    settings = ("--git-dir=.", "-c", "protocol.ext.allow=never", "-c", "gc.auto=0")
    _git(folder, *settings, "fetch", *options, "--", url, *wanted)


def describe_commit(path: Path, commit: str) -> str:
    """What Copier records for a commit in a bare repository: its tag, the nearest tag and the distance, or a short id.

    Raises:
        Unavailable: Git is missing, or there is no such commit.
    """
    return _git(path, "--git-dir=.", "describe", "--tags", "--always", "--end-of-options", commit).strip()


def resolve(path: Path, ref: str) -> str | None:
    """The full commit that a branch, tag or commit id means in a repository; None where it has no such."""
    done = _run(path, ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"))
    return done.stdout.strip() if done.returncode == 0 else None


def file_at(path: Path, ref: str, name: str) -> bytes | None:
    """A file as it was at a commit; None where there was none.

    Args:
        path: A folder of the repository.
        ref: The commit; `^` after it means the one before.
        name: The file, relative to `path`.
    """
    done = _run_raw(path, ("show", "--no-textconv", "--end-of-options", f"{ref}:./{name}"))
    return done.stdout if done.returncode == 0 else None


def touching(path: Path, commit: str, folder: str, since: str = "") -> list[str]:
    """Commits that changed anything below a folder, the newest first; none where the history cannot be read.

    Args:
        path: A folder of the repository.
        commit: The newest that is looked at.
        folder: The folder, or a file, relative to `path`.
        since: Leave out this commit and all before it; where the repository does not hold it, nothing is left out.
    """
    known = since and resolve(path, since) == since
    wanted = [commit, *([f"^{since}"] if known else [])]
    done = _run(path, ("rev-list", "--full-history", "--end-of-options", *wanted, "--", f"./{folder}"))
    return done.stdout.split() if done.returncode == 0 else []


def clone_at(path: Path, commit: str, target: Path) -> None:
    """A clean checkout of one commit of a repository in a new folder.

    Nothing of the repository runs: no hook, no filter (large files stay pointers), no submodule; links become plain
    files that hold where they led to.

    Args:
        path: A folder of the repository.
        commit: Full commit id.
        target: The folder to make.

    Raises:
        Refused: The repository does not hold the commit, or the commit has submodules, which are named.
        Unavailable: Git is missing or refuses.
    """
    source = top(path)
    if source is None or resolve(path, commit) != commit:
        fix = "Fetch it (`git fetch --unshallow` in a shallow clone), or run this where it is."
        raise Refused("The code is not here.", [Fault(f"commit {commit}", "is not in this repository.")], fix=fix)
    modules = [entry.path for entry in list_tree(source, commit) if entry.mode == SUBMODULE]
    if modules:
        faults = [Fault(name, "is a submodule; the code must lie in one repository.") for name in modules]
        raise Refused(f"Commit {commit[:12]} is not whole in itself.", faults)
    target.mkdir(parents=True)
    _git(target, "init", "--quiet", "--template=")
    _git(target, "config", "core.symlinks", "false")
    _git(target, "config", "core.autocrlf", "false")
    _git(target, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", str(source), commit)
    _git(target, *NO_FILTERS, "checkout", "--quiet", "--detach", "--force", commit)


def list_tree(path: Path, commit: str) -> tuple[TreeEntry, ...]:
    """Everything that a commit holds below a folder of its repository, by sorted path relative to that folder.

    Raises:
        Unavailable: Git is missing or refuses.
    """
    listed = _git(path, "ls-tree", "-r", "-z", commit)
    entries = [re.fullmatch(r"(\d+) (\w+) ([0-9a-f]+)\t(.+)", line, re.DOTALL) for line in listed.split("\0") if line]
    found = [TreeEntry(match[1], match[3], match[4]) for match in entries if match]
    return tuple(sorted(found, key=lambda entry: entry.path))


def write_content(path: Path, entries: Sequence[TreeEntry], target: Path) -> None:
    """Write files of a commit into a folder exactly as git holds them: no filter, no line ends changed.

    A link becomes a file that holds where it leads to.

    Raises:
        BadInput: A path that leads out of the folder.
        Unavailable: Git is missing or refuses.
    """
    odd = [entry.path for entry in entries if entry.path.startswith("/") or ".." in entry.path.split("/")]
    if odd:
        raise BadInput("The commit cannot be written out.", [Fault(name, "leads out of the folder.") for name in odd])
    asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
    with tempfile.TemporaryFile() as held, tempfile.TemporaryFile() as wanted:
        wanted.write(asked)
        wanted.seek(0)
        command = ["git", *HARMLESS, "cat-file", "--batch"]
        done = subprocess.run(command, cwd=path, env=_environment(), stdin=wanted, stdout=held, check=False)
        held.seek(0)
        for entry in entries:
            head = held.readline().split()
            if done.returncode != 0 or len(head) != 3:
                raise Unavailable(f"Git could not read {entry.path} of the commit.")
            file = target / entry.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(held.read(int(head[2])))
            held.read(1)


def _git(path: Path, *arguments: str) -> str:
    """Standard output of a git command that must succeed."""
    done = _run(path, arguments)
    if done.returncode != 0:
        verb = next((part for part in arguments if not part.startswith("-") and "=" not in part), "")
        raise Unavailable(f"`git {verb}` failed in {path}: {_last_lines(done.stderr)}")
    return done.stdout


def _run(path: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    done = _run_raw(path, arguments)
    told = (output.decode("utf-8", "surrogateescape") for output in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, *told)


def _run_raw(path: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *HARMLESS, *arguments],
            cwd=path,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        if not path.is_dir():
            raise BadInput(f"There is no folder {path}.") from error
        raise Unavailable("Git is not installed.", fix="Install git (https://git-scm.com) and try again.") from error
    except NotADirectoryError as error:
        raise BadInput(f"{path} is not a folder.") from error


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    return {**kept, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "GIT_TERMINAL_PROMPT": "0"}


def _last_lines(text: str, count: int = 5) -> str:
    return "\n".join(text.strip().splitlines()[-count:]) or "it gave no reason."
