"""The command line: finds the command, runs it, catches everything once, and exits.

Nothing heavy is imported here: each command's module is imported only when it is called, so that
`vendorkit --help` answers at once.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from vendorkit.errors import VendorkitError

COMMANDS: dict[str, str] = {
    "new": "kick off an engagement: scaffold, lock, first commit",
    "adopt": "bring a repository that was made otherwise under the template",
    "check": "hold the repository against the platform's standards",
    "lock": "bring uv.lock up to the declarations, and say what changed",
    "licences": "the licences of all dependencies, and what the platform makes of them",
    "explain": "what a check, gate, metric, error or word means; or the engagement",
    "snapshot": "freeze a declared dataset and write its pointer",
    "build": "make the tables that are delivered besides models",
    "train": "run the vendor's pipeline under lineage; gives a candidate",
    "gate": "ask every declared gate of a candidate",
    "compare": "two versions or candidates side by side on the same benchmarks",
    "reproduce": "rebuild a release in a clean checkout and compare",
    "documents": "model card, datasheet, release notes and brief, from the records",
    "publish": "register a candidate with its whole release record",
    "approve": "sign a yes to a release",
    "refuse": "sign a no to a release",
    "promote": "point an alias to an approved release",
    "rollback": "point an alias back to the release before",
    "retire": "warn of the end of a release, and block it from a day",
    "releases": "what is registered, approved and live",
    "trace": "from a prediction or a release down to data and code",
    "export": "everything about a release in one folder, in standard formats",
    "import": "register what was exported, after every digest was verified",
    "pack": "a milestone's whole delivery as one reproducible archive",
    "accept": "verify a milestone's package and sign for it",
    "lineage": "what was made from a dataset, what a release is made of",
    "serve": "start the inference service",
    "fleet add": "put repositories on the list of the fleet",
    "fleet status": "every repository: version, how far behind, drift, checks, request",
    "fleet diff": "what repositories changed of the files that their template owns",
    "fleet check": "hold every repository against the platform's standards",
    "fleet history": "every update of a repository: version, people, answers, outcome",
    "fleet reset": "bring files back to what the template gives, by a request",
    "fleet update": "bring repositories to a version of their template",
    "fleet adopt": "bring repositories that were made otherwise under the template",
}
"""Command and its one line of help. The module is `vendorkit.cli.commands.NAME`; a space is `_` there."""


class Parser(argparse.ArgumentParser):
    """Takes no abbreviated options (they would change their meaning with the next release), and raises."""

    def __init__(self, prog: str, description: str | None, epilog: str, *, add_help: bool = True) -> None:
        as_written = argparse.RawDescriptionHelpFormatter
        super().__init__(
            prog, None, description, epilog, formatter_class=as_written, allow_abbrev=False, add_help=add_help
        )

    def error(self, message: str) -> NoReturn:
        from vendorkit.errors import BadInput  # noqa: PLC0415  (the bare --help does without)

        raise BadInput(f"{message}.", fix=f"{self.format_usage().strip()}\nSee `{self.prog} --help`.")


def build_parser(commands: Mapping[str, str] = COMMANDS, word: str = "") -> Parser:
    """The parser of the bare command, or of the first word of some, which only lists the commands."""
    listed = "\n".join(f"  {name:<13} {says}" for name, says in commands.items())
    parser = Parser(
        f"vendorkit {word}".strip(),
        "Kick off, publish, approve, serve and trace models that vendors build on your platform.",
        f"commands:\n{listed}\n\n`vendorkit COMMAND --help` shows two worked examples of each.",
    )
    parser.add_argument("--version", action="store_true", help="show the version and end")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="one of the commands below")
    return parser


def build_command_parser(name: str, *, add_help: bool = True) -> Parser:
    """The parser of one command: its own arguments and those that every command takes."""
    module = importlib.import_module(f"vendorkit.cli.commands.{name.replace(' ', '_')}")
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES)
    parser = Parser(f"vendorkit {name}", module.__doc__, f"examples:\n{examples}", add_help=add_help)
    module.add_arguments(parser)
    common = parser.add_argument_group("arguments of every command")
    common.add_argument("--repo", metavar="DIR", help="the engagement (default: nearest folder upwards)")
    common.add_argument("--json", action="store_true", help="one JSON document on standard output")
    common.add_argument("--quiet", action="store_true", help="no progress on standard error")
    common.add_argument("--verbose", action="store_true", help="log on standard error what libraries say")
    parser.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one command line; gives the exit code."""
    if not arguments or arguments[0].startswith("-"):
        return run_bare(arguments)
    name, rest = split_name(arguments)
    if name not in COMMANDS and rest in ([], ["-h"], ["--help"]) and family(name):
        build_parser(family(name), name).print_help()
        return 0 if rest else 2
    return run_command(name, rest)


def split_name(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The command that a line begins with, of one word or two, and what follows it."""
    words = 2 if " ".join(arguments[:2]) in COMMANDS else 1
    return " ".join(arguments[:words]), list(arguments[words:])


def family(word: str) -> dict[str, str]:
    """The commands of two words that begin with this one."""
    return {name: says for name, says in COMMANDS.items() if name.startswith(f"{word} ")}


def run_bare(arguments: Sequence[str]) -> int:
    """`vendorkit` without a command: the help or the version."""
    parser = build_parser()
    if "--help" in arguments or "-h" in arguments or not arguments:
        parser.print_help()
        return 0 if arguments else 2
    if list(arguments) == ["--version"]:
        from importlib.metadata import version  # noqa: PLC0415  (30 ms that --help need not pay)

        print(f"vendorkit {version('vendorkit')}")
        return 0
    return run_command("", arguments)


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Parse and run one command. Errors become exit codes here and nowhere else."""
    import logging  # noqa: PLC0415  (the bare --help does without)

    from vendorkit.cli.output import Console  # noqa: PLC0415
    from vendorkit.errors import Unavailable, VendorkitError  # noqa: PLC0415

    console = Console(name, as_json="--json" in arguments)
    try:
        given = command_parser(name).parse_args(arguments)
        as_text = getattr(given, "format", "text") == "text"
        console = Console(name, as_json=given.json, quiet=given.quiet, as_text=as_text)
        logging.basicConfig(level=logging.INFO if given.verbose else logging.ERROR, format="%(name)s: %(message)s")
        if name.startswith("fleet "):
            from vendorkit.cli.fleet import need_fleet_extra  # noqa: PLC0415  (the other commands do without)

            need_fleet_extra()
        return console.outcome(given.run(given, console))
    except VendorkitError as error:
        return console.error(error)
    except KeyboardInterrupt:
        return console.interrupted()
    except MemoryError:
        return console.error(Unavailable("Memory ran out.", fix="Run it where there is more."))
    except OSError as error:
        return console.error(refused_by_system(error))
    except Exception as error:  # noqa: BLE001  (the one place: a bug never looks like a finding)
        from vendorkit.cli.bug import report_bug  # noqa: PLC0415

        return console.error(report_bug(name, arguments, error))


def refused_by_system(error: OSError) -> VendorkitError:
    """What the system refused: bad input where the path is of the wrong kind, which no retry makes right."""
    from vendorkit.errors import BadInput, Fault, Unavailable  # noqa: PLC0415

    expected: dict[type[OSError], str] = {
        FileExistsError: "a folder, or nothing there yet",
        NotADirectoryError: "only folders above it",
        IsADirectoryError: "a file",
    }
    if type(error) not in expected:
        return Unavailable(f"The system refused: {error}.", fix="Mend that and run it again.")
    says = f"{error.strerror}: expected {expected[type(error)]}."
    return BadInput("A path cannot be used.", [Fault(str(error.filename), says)])


def command_parser(name: str) -> Parser:
    """The parser of a command.

    Raises:
        BadInput: There is no such command; names the nearest.
    """
    if name not in COMMANDS:
        if more := family(name):
            build_parser(more, name).error(f"expected one of {', '.join(more)}")
        from difflib import get_close_matches  # noqa: PLC0415  (only for those who mistype)

        near = get_close_matches(name, COMMANDS, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        what = f"there is no command {name!r}" if name else "options stand behind the command"
        build_parser().error(f"{what}.{meant} Commands: {', '.join(COMMANDS)}")
    return build_command_parser(name)


def console() -> NoReturn:
    """The entry point of `vendorkit` and `python -m vendorkit`."""
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what could stand here
        from vendorkit.cli.completion import complete  # noqa: PLC0415

        complete()
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # the kernel keeps process 1 of a container from its default
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    gc.set_threshold(100_000, 20, 50)  # importing mlflow makes no garbage: looking for it costs a sixth of the time
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # its descriptor is closed: no file of ours may get that number
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = main(sys.argv[1:])
    if code:
        from vendorkit.cli.output import INTERRUPTED  # noqa: PLC0415  (the bare --help does without)

        if code == INTERRUPTED:  # all is undone by now; threads that wait for a server must not hold the process
            os._exit(code)
    sys.exit(code)
