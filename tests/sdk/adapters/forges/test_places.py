"""Which forge and repository a clone URL means, and which token may go there."""

from __future__ import annotations

import copy
import pickle

import pytest
from vendorkit.adapters.forges.places import Place, place_of
from vendorkit.adapters.forges.token import Token, host_variable, token_in

SECRET = "s3cr3t-of-nobody"
GITHUB = Place("github", "https://github.com", "acme/pd")
DEVOPS = "https://dev.azure.com"
AZURE = Place("azure", DEVOPS, "acme/credit risk/pd")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://github.com/acme/pd.git", GITHUB),
        ("https://github.com/acme/pd/", GITHUB),
        ("git@github.com:acme/pd.git", GITHUB),
        ("ssh://git@github.com/acme/pd.git", GITHUB),
        ("ssh://git@ssh.github.com:443/acme/pd.git", GITHUB),
        ("git+https://github.com/acme/pd.git", GITHUB),
        ("https://someone:word@github.com/acme/pd.git", GITHUB),
        ("https://gitlab.com/a/b/c/pd.git", Place("gitlab", "https://gitlab.com", "a/b/c/pd")),
        ("https://codeberg.org/a/pd", Place("gitea", "https://codeberg.org", "a/pd")),
        ("https://dev.azure.com/acme/credit%20risk/_git/pd", AZURE),
        ("https://acme@dev.azure.com/acme/credit%20risk/_git/pd", AZURE),
        ("git@ssh.dev.azure.com:v3/acme/credit%20risk/pd", AZURE),
        ("https://acme.visualstudio.com/DefaultCollection/risk/_git/pd", Place("azure", DEVOPS, "acme/risk/pd")),
        ("https://dev.azure.com/acme/_git/pd", Place("azure", DEVOPS, "acme/pd/pd")),
        ("https://git.bank.example:8443/a/pd.git", Place("gitlab", "https://git.bank.example:8443", "a/pd")),
        ("git@forge.bank.example:a/pd.git", Place("gitea", "https://forge.bank.example", "a/pd")),
        ("http://127.0.0.1:3000/a/pd.git", Place("gitea", "http://127.0.0.1:3000", "a/pd")),
        ("https://github.evil.example/a/pd.git", Place("null", "https://github.evil.example", "")),
        ("/srv/git/pd.git", Place("null", "", "")),
        ("../pd", Place("null", "", "")),
        ("file:///srv/git/pd.git", Place("null", "", "")),
        (r"C:\work\pd", Place("null", "", "")),
    ],
)
def test_where_a_clone_url_leads(url: str, place: Place) -> None:
    declared = {"git.bank.example:8443": "gitlab", "forge.bank.example": "gitea", "127.0.0.1:3000": "gitea"}
    assert place_of(url, declared) == place


def test_a_token_shows_nowhere() -> None:
    token = Token(SECRET, "GITHUB_TOKEN")
    shown = [repr(token), str(token), f"{token}", f"{token!r}", "%s" % token, repr([token]), repr({"a": token})]  # noqa: UP031
    assert not [text for text in shown if SECRET in text]
    assert token.reveal() == SECRET
    assert token.scrub(f"bad token {SECRET}!") == "bad token ***!"
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            write(token)


def test_a_hosts_own_variable_wins() -> None:
    assert host_variable("https://git.bank.example:8443") == "VENDORKIT_TOKEN_GIT_BANK_EXAMPLE_8443"
    environment = {"VENDORKIT_TOKEN_GITHUB_COM": SECRET, "GITHUB_TOKEN": "other"}
    token = token_in(environment, "github", "https://github.com")
    assert token is not None
    assert (token.reveal(), token.source) == (SECRET, "VENDORKIT_TOKEN_GITHUB_COM")


@pytest.mark.parametrize(
    ("kind", "web", "variable"),
    [
        ("github", "https://github.com", "GH_TOKEN"),
        ("gitlab", "https://gitlab.com", "GITLAB_TOKEN"),
        ("gitea", "https://codeberg.org", "FORGEJO_TOKEN"),
        ("azure", "https://dev.azure.com", "AZURE_DEVOPS_EXT_PAT"),
    ],
)
def test_the_variables_of_a_forges_own_tools_count_for_its_own_host_only(kind: str, web: str, variable: str) -> None:
    assert token_in({variable: SECRET}, kind, web) is not None
    assert token_in({variable: SECRET}, kind, "https://git.evil.example") is None
    assert token_in({variable: SECRET}, kind, web.replace("https", "http")) is None
    assert token_in({variable: " "}, kind, web) is None


def test_a_forges_ci_may_name_its_own_host() -> None:
    environment = {"GITHUB_TOKEN": SECRET, "GITHUB_SERVER_URL": "https://github.bank.example"}
    assert token_in(environment, "github", "https://github.bank.example") is not None
    assert token_in(environment, "github", "https://github.evil.example") is None
