"""The forges: where repositories live and changes are put to people. A plain dict of like-shaped modules."""

from __future__ import annotations

from typing import Protocol

from vendorkit.adapters.forges.azure import Azure
from vendorkit.adapters.forges.base import Forge
from vendorkit.adapters.forges.gitea import Gitea
from vendorkit.adapters.forges.github import GitHub
from vendorkit.adapters.forges.gitlab import GitLab
from vendorkit.adapters.forges.governor import Governor
from vendorkit.adapters.forges.null import Plain
from vendorkit.adapters.forges.token import Token


class Opens(Protocol):
    """How a forge is opened."""

    def __call__(self, web: str, token: Token | None, governor: Governor) -> Forge:
        """The forge at a host.

        Args:
            web: The host with its scheme, as `places` gives it: `https://git.bank.example`.
            token: None asks without one, which only public repositories bear.
            governor: Everybody's who asks this host with this token.

        Raises:
            BadInput: The forge's client library is not installed.
        """


FORGES: dict[str, Opens] = {
    "github": GitHub,
    "gitlab": GitLab,
    "gitea": Gitea,
    "azure": Azure,
    "null": Plain,
}
"""By the kind that `places` tells."""
