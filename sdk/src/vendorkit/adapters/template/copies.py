"""Copies of the template, made by Copier: where the template lies, what it renders from which answers.

What git and uv add to a rendered folder is the work of `vendorkit new`; updates are rendered by `rendering`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml
from copier._settings import SettingsModel
from copier.errors import CopierAnswersInterrupt, CopierError, CopierWarning, UnsafeTemplateError
from jinja2 import TemplateError
from plumbum import ProcessExecutionError

from vendorkit.adapters.template.asking import QuickWorker
from vendorkit.errors import BadInput, Fault, Unavailable
from vendorkit.records.answers import ANSWERS_FILE, parse_answers

CONFIGURATION = "copier.yml"
PARTS = (CONFIGURATION, "template")

PIN_QUESTION, PIN_KEY = "sdk_pin", "_sdk"
"""The computed requirement that pins the SDK, and the key that the answers file records it under."""

_BLAMED = re.compile(r"(?:Validation error for question|Invalid choice for) '(\w+)': (.*)", re.DOTALL)
_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")
_RESERVED = ("now", "make_secret")


@dataclass(frozen=True)
class Rendered:
    """What was rendered.

    Args:
        source: The template, as recorded for updates.
        version: Its tag, or nearest tag and distance, or short commit; empty where it is not in git.
        requirement: The requirement that pins the SDK.
        answers: Every recorded answer.
    """

    source: str
    version: str
    requirement: str
    answers: dict[str, object]


def template_home() -> Path:
    """The folder with the template of this very SDK: inside the package, or the repository it is edited in.

    Raises:
        BadInput: There is neither.
    """
    package = Path(__file__).parents[2]
    for home in (package / "_template", package.parents[2]):
        if all((home / part).exists() for part in PARTS):
            return home
    raise BadInput("This vendorkit came without its template.", fix="Install it from its wheel or its repository.")


def seeded_patterns() -> tuple[str, ...]:
    """The seeded paths as `copier.yml` lists them; a pattern that ends in `/` is a folder. All else is managed."""
    text = (template_home() / CONFIGURATION).read_text(encoding="utf-8")
    return tuple(pattern.lstrip("/") for pattern in yaml.safe_load(text)["_skip_if_exists"])


def is_seeded(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path below the repository's top belongs to the vendor."""
    return any(path.startswith(seeded) if seeded.endswith("/") else path == seeded for seeded in patterns)


def render(
    source: str,
    ref: str | None,
    folder: Path,
    answers: Mapping[str, object],
    *,
    defaults: Mapping[str, object] | None = None,
    interactive: bool = False,
) -> Rendered:
    """Render a template into a folder.

    Args:
        source: Absolute path of the template, or its git URL.
        ref: Tag, branch or commit; None means its newest tag. `HEAD` takes a local clone as it lies there.
        folder: An empty folder.
        answers: Answers by question; questions that they leave open are asked, or take their defaults.
        defaults: Other defaults than the template's; None takes those of the user's own settings of Copier.
        interactive: Whether to ask on the terminal.

    Raises:
        BadInput: Answers or defaults are wrong, unknown or do not go together (`faults` has all of them), or this
            is no template of vendorkit.
        Unavailable: The template could not be fetched.
        KeyboardInterrupt: Asking was interrupted.
    """
    given, faults = _plain(answers)
    offered, wrong = (None, []) if defaults is None else _plain(defaults)
    faults += wrong
    worker, more = _copy_and_blame(source, ref, folder, given, offered, interactive=interactive, broken=bool(faults))
    faults += more
    if "engagement_id" not in worker.template.questions_data:
        raise BadInput(f"{source} is not a template of vendorkit.", [Fault("engagement_id", "is not asked there.")])
    faults += _unknown(worker, {**(offered or {}), **given})
    if faults:
        raise _wrong(faults)
    recorded = parse_answers((folder / ANSWERS_FILE).read_bytes())
    plain = {key: value for key, value in recorded.items() if not key.startswith("_")}
    version = str(recorded.get("_commit") or "")
    return Rendered(str(recorded.get("_src_path", source)), version, str(recorded.get(PIN_KEY, "")), plain)


def managed_files(answers: Mapping[str, object]) -> dict[str, bytes]:
    """What the template of this SDK makes of recorded answers: its managed files, byte for byte.

    Answers count as data only: nothing they name is fetched, read or evaluated, and the template's own
    validators judge them. The answers file itself is left out: it is what is rendered from.

    Args:
        answers: As the repository recorded them.

    Returns:
        Path below the repository's top to the file's bytes, sorted by path.

    Raises:
        BadInput: Answers are wrong, unknown or do not go together; `faults` has all of them.
    """
    given = {key: value for key, value in answers.items() if not key.startswith("_")}
    requirement = answers.get(PIN_KEY)
    if not isinstance(requirement, str) or PIN_QUESTION in given:
        raise _wrong([Fault(f"{ANSWERS_FILE}: {PIN_KEY}", "is missing or no text; it says which SDK is pinned.")])
    seeded = seeded_patterns()
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        source, folder = Path(scratch, "template"), Path(scratch, "rendered")
        for part in PARTS:
            home = template_home() / part
            copy = shutil.copytree if home.is_dir() else shutil.copyfile
            source.mkdir(exist_ok=True)
            copy(home, source / part)
        plain, faults = _plain(given)
        pinned = plain | {PIN_QUESTION: requirement}
        worker, more = _copy_and_blame(str(source), None, folder, pinned, {}, broken=bool(faults))
        faults += more + _unknown(worker, plain)
        if faults:
            raise _wrong(faults)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        rendered = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: data for name, data in rendered.items() if name != ANSWERS_FILE and not is_seeded(name, seeded)}


def _plain(answers: Mapping[str, object]) -> tuple[dict[str, object], list[Fault]]:
    """Answers that may be handed to Copier at all: plain names, and texts, numbers or lists of them."""
    plain, faults = {}, []
    for key, value in answers.items():
        items = value if isinstance(value, list) else [value]
        if not _KEY.fullmatch(key) or key in _RESERVED:
            faults.append(Fault(key[:40], "is not a question of the template."))
        elif not all(isinstance(item, str | int | float) for item in items):
            faults.append(Fault(key, "expected text, or a list of texts."))
        else:
            plain[key] = value
    return plain, faults


def _unknown(worker: Any, answers: Mapping[str, object]) -> list[Fault]:
    """Answers to what is not asked; computed values are not asked either."""
    questions = worker.template.questions_data.items()
    known = [name for name, question in questions if question.get("when") is not False]
    fix = f"Questions: {', '.join(known)}."
    return [Fault(name, "is not a question of the template.", fix) for name in answers if name not in known]


def _copy_and_blame(
    source: str,
    ref: str | None,
    folder: Path,
    answers: dict[str, object],
    defaults: dict[str, object] | None,
    *,
    interactive: bool = False,
    broken: bool = False,
) -> tuple[Any, list[Fault]]:
    """Render; where answers or defaults are wrong, find all of them by leaving out one after the other."""
    faults: list[Fault] = []
    left, offered = dict(answers), None if defaults is None else dict(defaults)
    while True:
        pretend = broken or bool(faults)
        try:
            return _copy(source, ref, folder, left, offered, interactive and not pretend, pretend), faults
        except (ValueError, TypeError) as error:
            name, says = _blame(error, source, ref, folder, left, offered or {})
            faults.append(Fault(name, says))
            (left if name in left else offered or {}).pop(name)


def _copy(
    source: str,
    ref: str | None,
    folder: Path,
    answers: dict[str, object],
    defaults: dict[str, object] | None,
    interactive: bool,
    pretend: bool,
) -> Any:
    """One run of Copier. Errors that an answer may have caused stay ValueError or TypeError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CopierWarning)
        try:
            with QuickWorker(
                src_path=source,
                dst_path=folder / "pretended" if pretend else folder,
                data=dict(answers),
                vcs_ref=ref,
                defaults=not interactive,
                quiet=True,
                pretend=pretend,
                settings=SettingsModel(defaults=copier.load_settings().defaults if defaults is None else defaults),
            ) as worker:
                worker.run_copy()
                return worker
        except CopierAnswersInterrupt:
            raise KeyboardInterrupt from None
        except ProcessExecutionError as error:
            told = "\n".join(str(error.stderr or "it gave no reason").strip().splitlines()[-4:])
            raise Unavailable(f"Git could not fetch the template {source}:\n{told}") from error
        except UnsafeTemplateError as error:
            raise BadInput(f"The template {source} wants to run programs; templates of vendorkit never do.") from error
        except (CopierError, TemplateError) as error:
            if isinstance(error, ValueError | TypeError):
                raise
            raise BadInput(f"The template {source} cannot be rendered: {error}") from error


def _blame(
    error: Exception,
    source: str,
    ref: str | None,
    folder: Path,
    answers: dict[str, object],
    defaults: dict[str, object],
) -> tuple[str, str]:
    """Which answer or default is at fault, and why. Copier names the question, but not where a type is wrong: then
    each is tried alone.
    """
    named = _BLAMED.search(str(error))
    every = {**defaults, **answers}
    if named and named[1] in every:
        return named[1], f"{named[2].strip()} (given: {_shown(every[named[1]])})."
    for name, value in every.items():
        alone = ({name: value}, {}) if name in answers else ({}, {name: value})
        try:
            _copy(source, ref, folder, *alone, False, True)
        except (ValueError, TypeError) as found:
            if str(found) == str(error):
                return name, f"{found or 'wrong type'} (given: {_shown(value)})."
    raise BadInput(f"The template {source} cannot be rendered: {error}") from error


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wrong(faults: list[Fault]) -> BadInput:
    return BadInput("The answers to the template are not right.", faults)
