"""The commands, from the parsers of the command line."""

from __future__ import annotations

import argparse
import re
import textwrap

from vendorkit.cli.main import COMMANDS, build_command_parser

from generator.form import anchor, page, table


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
