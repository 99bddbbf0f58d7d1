"""Completion in the shell: commands, options and files, through argcomplete.

The shell starts `vendorkit` with the line typed so far; only the command that stands there is imported.
"""

from __future__ import annotations

import argparse
import os

import argcomplete

from vendorkit.cli.main import COMMANDS, build_command_parser


def complete() -> None:
    """Answer the shell that asks, and end the process."""
    typed = os.environ.get("COMP_LINE", "").split()[1:]
    parser = argparse.ArgumentParser("vendorkit")
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers(parser_class=argparse.ArgumentParser)
    families: dict[str, argparse._SubParsersAction[argparse.ArgumentParser]] = {}
    for name, says in COMMANDS.items():
        first, _, second = name.partition(" ")
        if second and first not in families:
            families[first] = commands.add_parser(first).add_subparsers(parser_class=argparse.ArgumentParser)
        parents = [build_command_parser(name, add_help=False)] if typed[: name.count(" ") + 1] == name.split() else []
        (families[first] if second else commands).add_parser(second or name, help=says, parents=parents)
    argcomplete.autocomplete(parser, always_complete_options="long")
