"""What a platform team says of a kick-off beforehand: other defaults, and answers that nobody is asked for.

Copier reads the same file as its settings, and then takes `defaults` from it; so plain `copier copy` has them too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from vendorkit.errors import BadInput, Fault
from vendorkit.records.base import Value
from vendorkit.records.plain_words import kind_of
from vendorkit.records.shape_faults import shape_fault
from vendorkit.records.yaml_text import YamlText, capped, read_yaml

Answer = str | bool | int | float | tuple[str, ...]


class PlatformFile(Value):
    """The file itself.

    Args:
        defaults: Question to what is offered instead of the template's own default.
        answers: Question to what is answered; it is not asked, and nobody answers otherwise.
    """

    defaults: Mapping[str, Answer] = {}
    answers: Mapping[str, Answer] = {}


class PlatformAnswers:
    """Defaults and answers, and where each of them stands.

    Args:
        file: What the file declares.
        read: Its text, for messages.
    """

    def __init__(self, file: PlatformFile, read: YamlText) -> None:
        self._read = read
        self.defaults: Mapping[str, object] = _plain(file.defaults)
        self.answers: Mapping[str, object] = _plain(file.answers)

    def combined(self, given: Mapping[str, object]) -> dict[str, object]:
        """Somebody's answers with the platform's.

        Raises:
            BadInput: Somebody answered what the platform answers, and not the same; all such are named.
        """
        other = [name for name, value in given.items() if self.answers.get(name, value) != value]
        faults = [
            Fault(
                name, f"the platform answers it: {kind_of(self.answers[name])}.", f"See {self._place('answers', name)}."
            )
            for name in other
        ]
        if faults:
            raise BadInput("The platform leaves no choice here.", faults)
        return {**self.answers, **given}

    def located(self, faults: Iterable[Fault], given: Mapping[str, object]) -> list[Fault]:
        """Faults of answers, each with the line of this file where it was the platform that answered."""
        return [self._located(fault, given) for fault in faults]

    def _located(self, fault: Fault, given: Mapping[str, object]) -> Fault:
        name = fault.where
        if name in given:
            return fault
        if name in self.answers:
            return Fault(self._place("answers", name), fault.says, fault.fix)
        if name in self.defaults:
            return Fault(self._place("defaults", name), fault.says, fault.fix or f"Mend it, or answer {name} yourself.")
        return fault

    def _place(self, section: str, name: str) -> str:
        return self._read.place((section, name))


def read_platform_answers(data: bytes, where: str) -> PlatformAnswers:
    """Read a platform's file. Whether its answers are fit, the template says.

    Args:
        data: UTF-8 text of the file.
        where: Its name, for messages.

    Raises:
        BadInput: Not strict YAML, wrong shape, or a question is in both sections; `faults` has all with their lines.
    """
    read = read_yaml(data, where)
    if not isinstance(read.value, dict):
        says = f"is {kind_of(read.value)}; expected a mapping with `defaults` and `answers`."
        raise BadInput(f"{where} is not valid.", [Fault(read.place(()), says)])
    try:
        file = PlatformFile.model_validate_json(json.dumps(read.value))
    except ValidationError as error:
        what = "a platform's file"
        found = {
            fault.where: fault for fault in (shape_fault(each, read, PlatformFile, what) for each in _shallow(error))
        }
        raise BadInput(f"{where} is not valid.", capped(found.values(), where)) from error
    twice = [name for name in file.defaults if name in file.answers]
    if twice:
        says = "is answered below `answers`, so that no default is ever offered."
        raise BadInput(
            f"{where} is not valid.", [Fault(read.place(("defaults", name)), says, "Remove one.") for name in twice]
        )
    return PlatformAnswers(file, read)


def _shallow(error: ValidationError) -> Iterable[dict[str, object]]:
    """The faults without the kinds of answer that were tried: one for each question."""
    for fault in error.errors(include_url=False):
        if len(fault["loc"]) > 2:
            yield {**fault, "loc": fault["loc"][:2], "type": "value_error", "ctx": {"error": _EXPECTED}}
        else:
            yield dict(fault)


_EXPECTED = "expected text, a number, true or false, or a list of texts"


def _plain(answers: Mapping[str, Answer]) -> dict[str, object]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in answers.items()}
