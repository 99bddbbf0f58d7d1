"""Which forge and which repository a clone URL means. Text only: nothing is looked up.

A host that is neither known nor declared is a plain git remote: nothing is guessed from its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

PLAIN = "null"

KNOWN = {
    "github.com": "github",
    "ssh.github.com": "github",
    "gitlab.com": "gitlab",
    "altssh.gitlab.com": "gitlab",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
    "dev.azure.com": "azure",
    "ssh.dev.azure.com": "azure",
}
"""Hosts that everybody knows, and what runs there."""

SAME = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "ssh.dev.azure.com": "dev.azure.com"}
"""Hosts that only take SSH, and the one that has the pages."""

_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?([^:/\s]+):(?!//)(.+)")
_OWN_AZURE = re.compile(r"(?:[^.]+@)?([\w-]+)\.visualstudio\.com")


@dataclass(frozen=True)
class Place:
    """A repository on a forge.

    Args:
        kind: A key of FORGES.
        web: The host with its scheme and port, without a slash at the end: `https://git.bank.example`.
        repository: As the forge names it; empty for a plain git remote.
    """

    kind: str
    web: str
    repository: str


def place_of(url: str, declared: Mapping[str, str] | None = None) -> Place:
    """Where a clone URL leads.

    Args:
        url: HTTPS, HTTP or SSH, also in the short form `git@host:owner/name.git`; a path is a plain remote.
        declared: Kind by host (with its port, where it has one), for hosts of one's own: `git.bank.example: gitlab`.
    """
    scheme, host, path = _split(url)
    if not host:
        return Place(PLAIN, "", "")
    own = _OWN_AZURE.fullmatch(host)
    if own and host != "ssh.dev.azure.com":
        host, path = "dev.azure.com", f"{own[1]}/{path.removeprefix('DefaultCollection/')}"
    name = host if scheme in {"http", "https"} else host.partition(":")[0]
    kind = {**KNOWN, **(declared or {})}.get(name, PLAIN)
    web = f"{'http' if scheme == 'http' else 'https'}://{SAME.get(name, name)}"
    if kind == PLAIN:
        return Place(PLAIN, web, "")
    repository = _azure_name(path) if kind == "azure" else path
    return Place(kind, web, repository)


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, host with port, and path without slashes around it or `.git` at its end."""
    if "://" in url:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        scheme = parts.scheme.removeprefix("git+")
        if scheme not in {"http", "https", "ssh"}:
            return scheme, "", ""
        return scheme, f"{parts.hostname or ''}{port}", _bare(unquote(parts.path))
    short = _SCP_LIKE.fullmatch(url)
    if short and len(short[1]) > 1:  # one letter is a drive of Windows
        return "ssh", short[1].lower(), _bare(short[2])
    return "", "", ""


def _bare(path: str) -> str:
    return path.strip("/").removesuffix(".git")


def _azure_name(path: str) -> str:
    """`organisation/project/name`; the project is left out of a URL where the repository has its name."""
    parts = [part for part in unquote(path).removeprefix("v3/").split("/") if part != "_git"]
    return "/".join(parts if len(parts) != 2 else (*parts, parts[-1]))
