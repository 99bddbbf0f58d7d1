"""What is installed in an environment, read without importing any of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from vendorkit.adapters.installed import Installed, dependencies, installed
from vendorkit.errors import BadInput

LOCK = b"""\
version = 1
[[package]]
name = "engagement"
source = { virtual = "." }
dependencies = [{ name = "here" }, { name = "older" }, { name = "absent" }]
""" + b"".join(
    b'[[package]]\nname = "%s"\nversion = "2.0"\nsource = { registry = "https://pypi.org/simple" }\n' % name
    for name in (b"here", b"older", b"absent")
)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    libraries = tmp_path / "lib/python3.11/site-packages"
    for name, text in {
        "Here_-2.0": "Name: He_Re\nVersion: 2.0\nLicense-Expression: MIT\n\nLicense-Expression: AGPL-3.0-only\n",
        "here-2.0": "Name: here\nVersion: 2.0\nClassifier: License :: OSI Approved :: ISC License (ISCL)\n",
        "older-1.0": "Name: older\nVersion: 1.0\nLicense: MIT\n",
        "half-1.0": "",
    }.items():
        info = libraries / f"{name}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(text)
    (libraries / "half-1.0.dist-info/METADATA").unlink()
    (libraries / "here.py").write_text("raise SystemExit('was imported')\n")
    return tmp_path


def test_names_versions_and_licences_are_read_from_headers(environment: Path) -> None:
    assert installed(environment) == {
        "he-re": Installed("2.0", "MIT"),
        "here": Installed("2.0", "ISC"),
        "older": Installed("1.0", "MIT"),
    }
    assert installed(environment / "absent") == {}


def test_this_very_environment_is_read_too() -> None:
    found = installed()
    assert found["packaging"].licence == "Apache-2.0 OR BSD-2-Clause"
    assert found["vendorkit"].licence == "Apache-2.0"


def test_only_what_is_installed_as_locked_has_a_licence(environment: Path) -> None:
    found = {each.name: (each.version, each.licence) for each in dependencies(LOCK, installed(environment))}
    assert found == {"absent": ("2.0", None), "here": ("2.0", "ISC"), "older": ("2.0", None)}
    with pytest.raises(BadInput):
        dependencies(b"x", {})
