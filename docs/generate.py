"""Writes the reference pages that are made from code: commands, manifest, records, checks, gates.

`python docs/generate.py` writes them; tests/architecture/test_docs.py fails while one of them is behind the code.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import pkgutil
import re
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import vendorkit.records.fleet
import yaml
from pydantic import BaseModel
from vendorkit.cli.main import COMMANDS, build_command_parser
from vendorkit.documents.gate_reference import gates_reference
from vendorkit.documents.openlineage_facets import FACETS, TRAINING, training_facet_schema
from vendorkit.gates import GATES
from vendorkit.gates.metrics import METRICS
from vendorkit.records import base
from vendorkit.records.base import Record
from vendorkit.records.fleet import Fleet
from vendorkit.records.manifest import words
from vendorkit.records.manifest.model import OWED_UNTIL_DELIVERY, Manifest
from vendorkit.records.manifest.rules import CROSS_RULES, SCHEMA_RULES, WAIVER_RULES
from vendorkit.standards.ask import CHECKS
from vendorkit.standards.platform_gates import PREFIX
from vendorkit.standards.policy import Line, Policy, packaged_policy
from vendorkit.standards.waivers import LONGEST_DAYS, NEVER_WAIVED

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py; edit the code, not this page. -->"
STAGES = words.STAGES
TIERS = get_args(words.Tier)
ORDER = "Snapshot FeatureSet Run GateReport Build Contract Release Decision Deployment Reproduction Pack Acceptance"
"""Records in the order in which they come to be."""


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; empty text where there are no rows."""
    if not rows:
        return ""
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [heads, ["---"] * len(heads), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(title: str, *parts: str) -> str:
    """A whole page; empty parts are left out."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip() for part in parts if part.strip())]) + "\n"


# --- commands ---


def commands() -> str:
    """`reference/commands.md`, from the parsers of the command line."""
    head = """Every command works in the nearest folder upwards that has `engagement.yaml`. Exit codes and the form of
`--json` are [on their own page](output.md)."""
    overview = table(["command", "what it does"], [[f"[`{n}`](#{anchor(n)})", says] for n, says in COMMANDS.items()])
    common = [action for action in _groups(build_command_parser("check"))[1] if action.dest != "help"]
    shared = table(["argument", "meaning"], [_argument(action) for action in common])
    return page(
        "Commands",
        head,
        overview,
        "## Arguments of every command",
        shared,
        *(_command(name) for name in COMMANDS),
    )


def _groups(parser: argparse.ArgumentParser) -> tuple[list[argparse.Action], list[argparse.Action]]:
    """The command's own arguments, and those that every command takes."""
    common = next(group for group in parser._action_groups if group.title == "arguments of every command")
    shared = [action for action in common._group_actions if action.dest != "help"]
    own = [action for action in parser._actions if action not in shared and action.dest != "help"]
    return own, shared


def _command(name: str) -> str:
    parser = build_command_parser(name)
    own, _ = _groups(parser)
    usage = " ".join(["vendorkit", name, *(_usage(action) for action in own)])
    usage = "\n".join(textwrap.wrap(usage, 84, subsequent_indent="    ", break_on_hyphens=False))
    examples = "\n".join((parser.epilog or "").splitlines()[1:])
    examples = "\n".join(line.strip() for line in examples.splitlines())
    parts = [
        f"## {name}",
        (parser.description or "").strip(),
        f"```text\n{usage}\n```",
        table(["argument", "meaning"], [_argument(action) for action in own]),
        f"```bash\n{_comments(examples)}\n```",
    ]
    return "\n\n".join(part for part in parts if part)


def _comments(examples: str) -> str:
    """Words after an example's command, set apart by spaces, as shell comments."""
    return re.sub(r" {3,}(?=\S)", "  # ", examples)


def _name(action: argparse.Action) -> str:
    """An argument as one types it, without its value."""
    return action.option_strings[-1] if action.option_strings else _metavar(action)


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices:
        return "{" + ",".join(str(choice) for choice in action.choices) + "}"
    return action.dest.upper()


def _usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return {"?": f"[{_metavar(action)}]", "*": f"[{_metavar(action)}]..."}.get(str(action.nargs), _metavar(action))
    text = _name(action) if action.nargs == 0 else f"{_name(action)} {_metavar(action)}"
    return text if action.required else f"[{text}]"


def _argument(action: argparse.Action) -> list[str]:
    value = "" if not action.option_strings or action.nargs == 0 else f" {_metavar(action)}"
    says = action.help or ""
    default = action.default
    if default not in (None, "", False, []) and "default" not in says and action.nargs != 0:
        says = f"{says} (default: {default})"
    return [f"`{_name(action)}{value}`", says]


# --- records and manifest: fields of pydantic models ---


def described(model: type) -> tuple[str, dict[str, str]]:
    """A docstring as its words and the meaning of each argument."""
    text = inspect.cleandoc(model.__doc__ or "")
    says, _, arguments = text.partition("Args:\n")
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", "\n" + arguments.split("\n\n")[0]) if arguments else []:
        names, _, meaning = entry.strip().partition(":")
        for name in names.split(","):
            meanings[name.strip()] = " ".join(meaning.split())
    return says.strip(), meanings


def constants(module: types.ModuleType) -> dict[str, tuple[Any, str]]:
    """Name to value and documentation of a module's own words."""
    body = ast.parse(inspect.getsource(module)).body
    found = {}
    for place, node in enumerate(body):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        after = body[place + 1] if place + 1 < len(body) else None
        said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        says = str(after.value.value) if said else ""  # type: ignore[union-attr]
        found[node.targets[0].id] = (getattr(module, node.targets[0].id), says)
    return found


WORDS = {**constants(words), **constants(base), **constants(vendorkit.records.fleet)}


def hints(model: type[BaseModel]) -> dict[str, Any]:
    """Field to its annotation, with names of words kept apart."""
    every = get_type_hints(model, include_extras=True)
    return {name: every[name] for name in model.model_fields}


def spoken(name: str) -> str:
    """`RepoPath` as `repo path`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def anchor(heading: str) -> str:
    """The anchor that the site gives to a heading."""
    return re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-")


Names = dict[type[BaseModel], str]
"""The heading under which a page tells of a model."""


def type_name(kind: Any, names: Names) -> str:
    """A type in words of JSON, for instance `list of text`; named words and parts are links."""
    named = next((name for name, (value, _) in WORDS.items() if get_origin(value) is Annotated and kind == value), "")
    if named:
        return "text" if named == "Text" else f"[{spoken(named)}](#kinds-of-values)"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{names[kind]}](#{anchor(names[kind])})"
    if get_origin(kind) is Annotated:
        return type_name(get_args(kind)[0], names)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    return _composed(kind, names) or {str: "text", int: "integer", float: "number", bool: "true or false"}[kind]


def _composed(kind: Any, names: Names) -> str:
    """A union, list or mapping; empty text for what is none of them."""
    parts = [type_name(part, names) for part in get_args(kind) if part not in (types.NoneType, ...)]
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(parts))
    if get_origin(kind) is tuple:
        return f"list of {' and '.join(parts)}"
    return f"{parts[0]} to {parts[1]}" if parts else ""


def models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from models_in(part)


def parts_of(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Key path and model of everything that a model's fields are made of, in order, nested ones too."""
    for name, kind in hints(model).items():
        here = f"{path}.{name}" if path else name
        for part in models_in(kind):
            yield here, part
            yield from parts_of(part, here)


def fields(model: type[BaseModel], names: Names, *, nothing: str) -> str:
    """The table of a model's fields; `nothing` is what stands for Python's None."""
    _, meanings = described(model)
    rows = []
    for name, kind in hints(model).items():
        needed = "yes" if model.model_fields[name].is_required() else ""
        says = re.sub(r"\bNone\b", nothing, meanings.get(name, ""))
        may_be_null = nothing == "null" and types.NoneType in get_args(kind)
        shown = type_name(kind, names) + (" or null" if may_be_null else "")
        rows.append([f"`{name}`", shown, needed, says[:1].upper() + says[1:]])
    if not any(row[3] for row in rows):
        return table(["key", "value", "required"], [row[:3] for row in rows])
    return table(["key", "value", "required", "meaning"], rows)


def kinds_of_values(module: types.ModuleType) -> str:
    """The table of named words: ids, dates, digests."""
    rows = []
    for name, (value, says) in constants(module).items():
        if get_origin(value) is Annotated:
            patterns = [getattr(part, "pattern", None) for part in get_args(value)[1:]]
            pattern = next((f"`{found}`" for found in patterns if found and found != r"\S"), "")
            rows.append([spoken(name), " ".join(says.split()), pattern])
    return table(["name", "meaning", "pattern"], rows)


def manifest() -> str:
    """`reference/manifest.md`, from the manifest's models and rules."""
    head = """`engagement.yaml` declares; evidence proves. No result that a step could measure stands in it. Unknown and
duplicate keys are errors, and all faults are shown at once, each with its path and line. The same as
JSON Schema 2020-12, for editors, is `vendorkit/schemas/engagement.schema.json` in the package."""
    owed = ", ".join(f"`{name}`" for name in OWED_UNTIL_DELIVERY)
    names: Names = {model: path for path, model in parts_of(Manifest)}
    sections = [
        f"## {path}\n\n{described(model)[0]}\n\n{fields(model, names, nothing='absent')}"
        for model, path in names.items()
    ]
    rules = "\n".join(
        f"- {inspect.cleandoc(rule.__doc__ or '')}" for rule in (*SCHEMA_RULES, *CROSS_RULES, *WAIVER_RULES)
    )
    return page(
        "Manifest",
        head,
        "## Top level",
        fields(Manifest, names, nothing="absent"),
        f"May be absent at stage kickoff, and must be there from stage delivery on: {owed}.",
        *sections,
        "## Kinds of values",
        kinds_of_values(words),
        "## Rules across the file",
        "What no single entry can tell. A breach is an error of MAN-01, MAN-02 or MAN-05.",
        rules,
    )


def fleet() -> str:
    """`reference/fleet.md`, from the models of the list of a fleet."""
    head = """`fleet.yaml` lists the repositories of a fleet and says how updates are rolled out. `vendorkit fleet add`
writes it and keeps what stands there; edit it as you like. Unknown and duplicate keys are errors, and all faults are
shown at once, each with its path and line."""
    names: Names = {model: path for path, model in parts_of(Fleet)}
    sections = [
        f"## {path}\n\n{described(model)[0]}\n\n{fields(model, names, nothing='absent')}"
        for model, path in names.items()
    ]
    kinds = [kinds_of_values(vendorkit.records.fleet), kinds_of_values(words)]
    return page(
        "Fleet list",
        head,
        "## Top level",
        fields(Fleet, names, nothing="absent"),
        *sections,
        "## Kinds of values",
        *kinds,
    )


def records() -> str:
    """`reference/records.md`, from the record classes."""
    for module in pkgutil.iter_modules(vendorkit.records.__path__, "vendorkit.records."):
        importlib.import_module(module.name)
    head = """A record is a frozen JSON document. Its name is the SHA-256 of its canonical form (RFC 8785), written
`sha256:` and 64 hexadecimal digits, and it names its parents by such digests. Besides its own fields each
carries `schema`. Unknown fields are errors. Where each record lies is told in
[Where records lie](../explanation/where-records-lie.md); the digest of a table in
[Content digest](content-digest.md)."""
    ours = [kind for kind in Record.__subclasses__() if kind.__module__.startswith("vendorkit.")]
    every = sorted(ours, key=lambda kind: (ORDER.find(kind.__name__), kind.__name__))
    parts = list(dict.fromkeys(part for kind in every for _, part in parts_of(kind)))
    names: Names = {kind: kind.__name__ for kind in [*every, *parts]}
    overview = [
        [f"[{kind.__name__}](#{anchor(kind.__name__)})", f"`{kind.schema_name}`", described(kind)[0].split("\n")[0]]
        for kind in every
    ]
    return page(
        "Records",
        head,
        table(["record", "schema", "what it says"], overview),
        *(_section(kind, names, 2) for kind in every),
        "## Parts of records",
        *(_section(kind, names, 3) for kind in parts if kind not in every),
        "## Kinds of values",
        kinds_of_values(base),
    )


def _section(kind: type[BaseModel], names: Names, level: int) -> str:
    return f"{'#' * level} {kind.__name__}\n\n{described(kind)[0]}\n\n{fields(kind, names, nothing='null')}"


# --- checks ---


def checks() -> str:
    """`reference/checks.md`, from the checks and the policy pack."""
    pack = packaged_policy()
    head = f"""`vendorkit check` asks each of these of a repository. It runs nothing of the repository, follows no
link and needs no network. A finding has a verdict (`pass`, `fail`, `waived`, `not-yet`, `not-applicable`), and the
policy pack says how severe a `fail` is at the engagement's stage and risk tier. The command ends with 1 when a
finding of severity error fails. Missing evidence is `not-yet`, never a pass.

This is pack `{pack.name}` {pack.version}; repositories on standards older than {pack.minimum} fail MAN-03."""
    waivers = f"""## Waivers

An exception is declared under `waivers` in `engagement.yaml` with a reason, an internal approver, a ticket and
a last day at most {LONGEST_DAYS} days away. It covers one check, or one target of it. {", ".join(NEVER_WAIVED)} cannot
be waived: without them no waiver could be believed."""
    told = (_check(check, pack.line(check.id)) for check in CHECKS.values())
    return page("Checks", head, *told, waivers, _platform_gates(pack))


def _platform_gates(pack: Policy) -> str:
    rows = [
        [f"`{PREFIX}{asking.gate.id}`", asking.gate.kind, f"`{asking.gate.metric}`", asking.benchmark_kind or "none",
         ", ".join(asking.tiers), asking.gate.says]
        for asking in pack.asks
    ]  # fmt: skip
    return f"""## Gates of the platform

Gates that the pack itself asks, on top of those of the manifest. See
[ask a gate of every engagement](../how-to/ask-a-gate-of-every-engagement.md).

{table(["gate", "kind", "metric", "benchmarks of kind", "tiers", "asks"], rows)}"""


def _check(check: Any, line: Line) -> str:
    rows = [[f"{tier} tier", *(_severity(line, stage, tier) for stage in STAGES)] for tier in TIERS]
    if len({tuple(row[1:]) for row in rows}) == 1:
        rows = [["every tier", *rows[0][1:]]]
    skipped = f"\n\nDoes not apply to: {', '.join(line.not_for)}." if line.not_for else ""
    ramp = f"\n\nWarning from {line.ramp.warning}, error from {line.ramp.error}." if line.ramp else ""
    looks = inspect.cleandoc(check.look.__doc__ or "")
    return f"""## {check.id}

**{check.title}.** {check.why}

Answers: {looks}

{table(["severity of a fail", *STAGES], rows)}{skipped}{ramp}"""


def _severity(line: Line, stage: words.Stage, tier: words.Tier) -> str:
    given = line.severity.get(stage, "error")
    return str(given.get(tier, "error") if isinstance(given, dict) else given)


# --- questions of the template ---


def questions() -> str:
    """`reference/questions.md`, from `copier.yml`."""
    head = """What the template asks at kick-off. Each question has a default and a rule, so it can be answered
unattended: with `--data NAME=VALUE`, a file of `--answers`, or
[the platform's own answers](../how-to/set-your-platforms-answers.md). Answers that do not go together are refused with
the reason. They are recorded in `.copier-answers.yml`."""
    entries = yaml.safe_load((REFERENCE.parents[1] / "copier.yml").read_text("utf-8"))
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


# --- OpenLineage ---


def openlineage() -> str:
    """`reference/openlineage.md`, from the facets that are written and the schema of our own."""
    head = """`vendorkit trace ID --format openlineage` prints the events of a release, one a line; the steps send them
as [Send lineage to your catalogue](../how-to/send-lineage.md) tells. They keep specification 2-0-2 of
[OpenLineage](https://openlineage.io). Column lineage is not written: which columns a feature was made from is known
to the vendor's code alone."""
    jobs = [
        ["`MODEL.delivery`", "one candidate's way from training to registration; the parent of all others", "", ""],
        ["`MODEL.train`", "training", "each dataset, version: its content digest", "`MODEL.candidate`"],
        ["`MODEL.gate`", "the gates; ends with FAIL where they fail", "`MODEL.candidate`, the benchmarks", ""],
        ["`MODEL.publish`", "registration", "`MODEL.candidate`", "`MODEL`, version: the release's digest"],
        ["`MODEL.KIND`", "a decision of that kind", "`MODEL`", "`MODEL@ALIAS` where an alias moved"],
    ]
    naming = """The namespace of jobs is the engagement's id; of models `systems.models`, else `vendorkit://ENGAGEMENT/models`;
of datasets the scheme and host of their URL, else `systems.code`. Users, passwords and queries of URLs are left out.
A run id is the run record's own, else UUID version 5 of the record's digest in the URL namespace."""
    official = [[f"`{name}`", version] for name, version in sorted(FACETS.items())]
    schema = json.loads(training_facet_schema())
    return page(
        "OpenLineage events",
        head,
        "## Jobs",
        table(["job", "what", "inputs", "outputs"], jobs),
        naming,
        "## Official facets",
        table(["facet", "version"], official),
        "## vendorkit_training, a run facet of our own",
        f"{schema['description']}\n\nIts `_schemaURL` is `{TRAINING}`: the `$id` of "
        "`vendorkit/schemas/training-run-facet.schema.json` in the package, which tests hold every event against.",
        table(["key", "value", "required", "meaning"], list(_schema_rows(schema, "", schema["$defs"]))),
    )


def _schema_rows(schema: dict[str, Any], path: str, parts: dict[str, Any]) -> Iterator[list[str]]:
    for name, given in schema["properties"].items():
        part = {**parts.get(str(given.get("$ref", "")).rpartition("/")[2], {}), **given}
        inner = part.get("items", part)
        kind = inner.get("type") or ("one of " + ", ".join(inner["enum"]) if "enum" in inner else "text")
        kind = {"string": "text", "object": "mapping"}.get(kind, kind)
        listed = f"list of {kind}s" if part.get("type") == "array" else kind
        needed = "yes" if name in schema.get("required", ()) else ""
        yield [f"`{path}{name}`", listed, needed, part.get("description", "")]
        if "properties" in inner:
            yield from _schema_rows(inner, f"{path}{name}.", parts)


def glossary_words() -> str:
    """The words of the glossary for `vendorkit explain`, without the page's marks; of two meanings the first stays."""
    found: dict[str, str] = {}
    for line in (REFERENCE.parent / "explanation/glossary.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")] if line.startswith("| ") else []
        if len(cells) == 2 and cells[0] != "word":
            for word in cells[0].split(", "):
                plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cells[1])
                found.setdefault(word.strip("`*"), re.sub(r"[*`]", "", plain))
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "manifest.md": manifest,
    "fleet.md": fleet,
    "records.md": records,
    "checks.md": checks,
    "openlineage.md": openlineage,
    "questions.md": questions,
    "../../sdk/src/vendorkit/documents/words.json": glossary_words,
    "gates.md": lambda: gates_reference(GATES, METRICS),
}
"""File name below docs/reference/ to what writes it."""


def main() -> None:
    """Write every page."""
    for name, write in PAGES.items():
        (REFERENCE / name).write_text(write(), encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")


if __name__ == "__main__":
    main()
