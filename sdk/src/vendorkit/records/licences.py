"""Licences of packages as SPDX expressions: what a package's metadata says, and what a platform makes of it.

Nothing is read here: metadata come as values. A package whose metadata say nothing that SPDX knows has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from vendorkit.records.base import Value
from vendorkit.records.manifest.words import Text

LicenceVerdict = Literal["allowed", "unlisted", "forbidden"]
_ORDER: tuple[LicenceVerdict, ...] = ("allowed", "unlisted", "forbidden")

_CLASSIFIED = {
    "Academic Free License (AFL)": "LicenseRef-AFL",
    "Apache Software License": "Apache-2.0",
    "Artistic License": "LicenseRef-Artistic",
    "BSD License": "LicenseRef-BSD",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License (GPL)": "LicenseRef-GPL",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LicenseRef-LGPL",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "LicenseRef-ZPL",
    "zlib/libpng License": "Zlib",
    "Other/Proprietary License": "LicenseRef-Proprietary",
}
"""The last part of a trove classifier to SPDX. Those that name no version are references of our own."""

_SPOKEN = {
    "2clausebsd": "BSD-2-Clause",
    "3clausebsd": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache20": "Apache-2.0",
    "apachesoftware": "Apache-2.0",
    "bsd": "LicenseRef-BSD",
    "bsd2clause": "BSD-2-Clause",
    "bsd3clause": "BSD-3-Clause",
    "cc0": "CC0-1.0",
    "gpl": "LicenseRef-GPL",
    "gpl2": "GPL-2.0-only",
    "gpl3": "GPL-3.0-only",
    "isc": "ISC",
    "lgpl": "LicenseRef-LGPL",
    "mit": "MIT",
    "mpl2": "MPL-2.0",
    "mpl20": "MPL-2.0",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
}
"""Names that people give, without spaces, punctuation and filling words, to SPDX."""


@dataclass(frozen=True)
class Dependency:
    """A locked package.

    Args:
        name: Its name.
        version: Its locked version.
        licence: A canonical SPDX expression; empty where its metadata say nothing that SPDX knows, and None where
            it is not installed, so that nobody could look.
    """

    name: str
    version: str
    licence: str | None


class LicencePolicy(Value):
    """What a platform makes of licences.

    Args:
        allowed: SPDX ids, also with an exception (`Apache-2.0 WITH LLVM-exception`), that nobody need look at.
        forbidden: SPDX ids that no dependency may have.
        accepted: Package to why it is used whatever its metadata say.
    """

    allowed: tuple[Text, ...] = ()
    forbidden: tuple[Text, ...] = ()
    accepted: Mapping[str, Text] = {}

    def judge(self, package: str, licence: str) -> LicenceVerdict:
        """Of alternatives the best counts, of what holds together the worst; no licence at all is unlisted."""
        if package in self.accepted:
            return "allowed"
        return _Judging(licence, self).expression() if licence else "unlisted"


class _Judging:
    """Walks over a canonical expression: `OR` of `AND` of ids and parentheses."""

    def __init__(self, text: str, policy: LicencePolicy) -> None:
        self._left = re.findall(r"[()]|[^\s()]+(?: WITH [^\s()]+)?", text)
        self._policy = policy

    def expression(self) -> LicenceVerdict:
        verdicts = [self._together()]
        while self._left[:1] == ["OR"]:
            self._left.pop(0)
            verdicts.append(self._together())
        return min(verdicts, key=_ORDER.index)

    def _together(self) -> LicenceVerdict:
        verdicts = [self._one()]
        while self._left[:1] == ["AND"]:
            self._left.pop(0)
            verdicts.append(self._one())
        return max(verdicts, key=_ORDER.index)

    def _one(self) -> LicenceVerdict:
        word = self._left.pop(0)
        if word == "(":
            verdict = self.expression()
            self._left.pop(0)
            return verdict
        if word in self._policy.allowed:
            return "allowed"
        return "forbidden" if word.partition(" WITH ")[0] in self._policy.forbidden else "unlisted"


def licence_of(expression: str, text: str, classifiers: Sequence[str]) -> str:
    """The licence that a package's metadata say, as a canonical SPDX expression; empty where they say none.

    Several classifiers are taken to hold together: which of them one may choose, they do not tell.

    Args:
        expression: `License-Expression`, by PEP 639.
        text: `License`: an SPDX id, a name in people's words, or the licence's whole text.
        classifiers: Trove classifiers.
    """
    exact = _canonical(expression) or _canonical(text)
    if exact:
        return exact
    last = (each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License :: "))
    classified = sorted({_CLASSIFIED[name] for name in last if name in _CLASSIFIED})
    spoken = _SPOKEN.get(re.sub(r"[^a-z0-9]|licen[cs]e|version|\bv(?=\d)|\bthe\b", "", text.lower())[:40], "")
    if spoken and (not classified or classified == ["LicenseRef-BSD"]):
        return spoken
    return " AND ".join(classified)


def _canonical(text: str) -> str:
    try:
        return str(canonicalize_license_expression(text)) if 0 < len(text) <= 200 else ""
    except InvalidLicenseExpression:
        return ""
