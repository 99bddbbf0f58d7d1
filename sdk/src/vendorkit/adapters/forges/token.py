"""What opens a forge, held so that it shows nowhere: not printed, logged, pickled, compared or formatted.

Where a token comes from is decided elsewhere; only the modules that talk to a forge reveal it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NoReturn

HIDDEN = "***"

AT_HOME = {
    "github": (("GITHUB_TOKEN", "GH_TOKEN"), "https://github.com", "GITHUB_SERVER_URL"),
    "gitlab": (("GITLAB_TOKEN",), "https://gitlab.com", "CI_SERVER_URL"),
    "gitea": (("GITEA_TOKEN", "FORGEJO_TOKEN"), "https://codeberg.org", "GITEA_SERVER_URL"),
    "azure": (("AZURE_DEVOPS_EXT_PAT", "SYSTEM_ACCESSTOKEN"), "https://dev.azure.com", "SYSTEM_COLLECTIONURI"),
}
"""By kind: the variables with its token as each forge's own tools read them, the host that they are for, and the
variable in which its CI says that they are for another host. They are never sent to any other host."""


class Token:
    """A secret text.

    Args:
        secret: The token.
        source: Where it comes from, for messages: a variable's name, or git's credential helper.
    """

    __slots__ = ("__secret", "source")

    def __init__(self, secret: str, source: str) -> None:
        self.__secret = secret
        self.source = source

    def reveal(self) -> str:
        """The secret itself, for the one header that it belongs in."""
        return self.__secret

    def scrub(self, text: str) -> str:
        """The text without the secret, should an answer repeat it."""
        return text.replace(self.__secret, HIDDEN) if self.__secret else text

    def __repr__(self) -> str:
        return f"Token({HIDDEN} from {self.source})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not written anywhere.")


def host_variable(web: str) -> str:
    """The variable with the token of one host: `https://git.bank.example` has `VENDORKIT_TOKEN_GIT_BANK_EXAMPLE`."""
    host = web.partition("://")[2]
    return "VENDORKIT_TOKEN_" + re.sub(r"[^A-Z0-9]+", "_", host.upper()).strip("_")


def token_in(environment: Mapping[str, str] | None, kind: str, web: str) -> Token | None:
    """The token of a host in the environment: the host's own variable first, then those of the forge's own tools.

    Args:
        environment: None means this process's.
        kind: The kind of forge.
        web: The host, for instance `https://github.com`.
    """
    environment = os.environ if environment is None else environment
    own = host_variable(web)
    names = [own]
    variables, home, elsewhere = AT_HOME.get(kind, ((), "", ""))
    if _same_host(web, home) or (environment.get(elsewhere) and _same_host(web, environment[elsewhere])):
        names += variables
    for name in names:
        if secret := environment.get(name, "").strip():
            return Token(secret, name)
    return None


def _same_host(one: str, other: str) -> bool:
    first, second = (text.split("/")[:3] for text in (one, other))
    return first == second
