"""The questions of the template, from `copier.yml`."""

from __future__ import annotations

from typing import Any

import yaml

from generator.form import DOCS, page, table


def questions() -> str:
    """`reference/questions.md`, from `copier.yml`."""
    head = """What the template asks at kick-off. Each question has a default and a rule, so it can be answered
unattended: with `--data NAME=VALUE`, a file of `--answers`, or
[the platform's own answers](../how-to/set-your-platforms-answers.md). Answers that do not go together are refused with
the reason. They are recorded in `.copier-answers.yml`."""
    entries = yaml.safe_load((DOCS.parent / "copier.yml").read_text("utf-8"))
    when_asked = {None: "yes", False: "no"}
    rows = [
        [f"`{name}`", *_question(each), when_asked.get(each.get("ask"), "where it matters")]
        for name, each in entries.items()
        if not name.startswith("_") and each.get("when") is not False
    ]
    return page("Questions of the template", head, table(["question", "meaning", "answers", "default", "asked"], rows))


def _question(entry: dict[str, Any]) -> tuple[str, str, str]:
    """Meaning, possible answers, default."""
    default = str(entry["default"])
    shown = "worked out" if "{%" in default or "{{" in default else f"`{default}`" if default else "empty"
    choices = ", ".join(f"`{choice}`" for choice in entry.get("choices", ()))
    many = "any of " if entry.get("multiselect") else ""
    return " ".join(entry["help"].split()), f"{many}{choices}" if choices else "text", shown
