"""Licences: from what metadata say to SPDX, and what a platform makes of them."""

from __future__ import annotations

import pytest
from vendorkit.records.licences import LicencePolicy, licence_of

POLICY = LicencePolicy(
    allowed=("MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"),
    forbidden=("AGPL-3.0-only", "GPL-2.0-only"),
    accepted={"old": "its file says MIT"},
)
OSI = "License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("expression", "text", "classifiers", "licence"),
    [
        ("mit", "", [], "MIT"),
        ("(MIT OR apache-2.0) AND ISC", "BSD", [OSI + "BSD License"], "(MIT OR Apache-2.0) AND ISC"),
        ("", "BSD-3-Clause", [OSI + "BSD License"], "BSD-3-Clause"),
        ("", "Apache License, Version 2.0", [], "Apache-2.0"),
        ("", "The MIT License", [], "MIT"),
        ("", "3-Clause BSD License", [OSI + "BSD License"], "BSD-3-Clause"),
        ("", "", [OSI + "BSD License"], "LicenseRef-BSD"),
        ("", "GPL3", [], "GPL-3.0-only"),
        ("", "Dual License", [OSI + "BSD License", OSI + "Apache Software License"], "Apache-2.0 AND LicenseRef-BSD"),
        ("", "MIT", [OSI + "GNU General Public License v2 (GPLv2)"], "MIT"),
        ("", "GPLv2 with linking exception", [], ""),
        ("", "UNKNOWN", [], ""),
        ("", "Permission is hereby granted " * 1000, [OSI + "MIT License"], "MIT"),
        ("", "", ["License :: OSI Approved", "Programming Language :: Python"], ""),
        ("MIT AND", "", [], ""),
        ("", "", [], ""),
    ],
)  # fmt: skip
def test_what_metadata_say(expression: str, text: str, classifiers: list[str], licence: str) -> None:
    assert licence_of(expression, text, classifiers) == licence


@pytest.mark.parametrize(
    ("licence", "verdict"),
    [
        ("MIT", "allowed"),
        ("", "unlisted"),
        ("ISC", "unlisted"),
        ("AGPL-3.0-only", "forbidden"),
        ("MIT OR AGPL-3.0-only", "allowed"),
        ("AGPL-3.0-only OR ISC", "unlisted"),
        ("MIT AND AGPL-3.0-only", "forbidden"),
        ("MIT AND ISC", "unlisted"),
        ("MIT AND (ISC OR Apache-2.0)", "allowed"),
        ("(MIT OR ISC) AND (AGPL-3.0-only OR GPL-2.0-only)", "forbidden"),
        ("MIT OR ISC AND AGPL-3.0-only", "allowed"),
        ("Apache-2.0 WITH LLVM-exception", "allowed"),
        ("MIT WITH LLVM-exception", "unlisted"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "forbidden"),
        ("MIT AND (GPL-2.0-only WITH Classpath-exception-2.0 OR Apache-2.0)", "allowed"),
    ],
)
def test_of_alternatives_the_best_and_of_what_holds_together_the_worst(licence: str, verdict: str) -> None:
    assert POLICY.judge("some", licence) == verdict


def test_an_accepted_package_is_allowed_whatever_it_says() -> None:
    assert POLICY.judge("old", "") == POLICY.judge("old", "AGPL-3.0-only") == "allowed"
