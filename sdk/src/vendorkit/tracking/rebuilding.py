"""Has a checkout train and measure itself, by the command line of the vendorkit that its own environment holds.

The command line is what stays the same between versions of the SDK. The checkout's registry is its own and empty:
nothing reaches the engagement's.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vendorkit.errors import Fault, Refused, Unavailable

FOREIGN = ("MLFLOW_", "OPENLINEAGE_", "PYTHON", "UV_", "VIRTUAL_ENV", "SSH_AUTH_SOCK", "GIT_")
"""Beginnings of variables that the rebuild must not see: other registries, other environments, keys."""

SILENT = {"OPENLINEAGE_DISABLED": "true"}
"""A rebuild is no training that anybody's catalogue should hear of."""

OUTSIDE = 3
"""Exit code by which a command says that something outside failed."""


@dataclass(frozen=True)
class Checkout:
    """A clean checkout that can be trained.

    Args:
        folder: The engagement in it.
        python: Interpreter of its environment.
        person: Name and e-mail address of who rebuilds.
    """

    folder: Path
    python: Path
    person: tuple[str, str]

    def retrain(self, model: str) -> str:
        """Train the model; gives the digest of the candidate.

        Raises:
            Refused: Training failed; with the faults that it named.
            Unavailable: Something outside failed.
        """
        return str(self._ask("train", "--model", model)["candidate"])

    def measure(self, candidate: str) -> None:
        """Ask the gates of the rebuilt candidate; their report lies in the checkout, whatever it says.

        Raises:
            Refused, Unavailable: As for `retrain`.
        """
        self._ask("gate", candidate)

    def _ask(self, command: str, *arguments: str) -> dict[str, Any]:
        done = self._start("-m", "vendorkit", command, *arguments, "--repo", str(self.folder), "--json")
        try:
            result = json.loads(done.stdout)["result"]
        except (ValueError, KeyError, TypeError):
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            says = f"ended with {done.returncode} and no answer: {last}"
            raise Refused("The rebuild failed.", [Fault(command, says)]) from None
        if "error" not in result:
            return dict(result)
        faults = [Fault(str(fault["where"]), str(fault["says"])) for fault in result["faults"]]
        kind = Unavailable if done.returncode == OUTSIDE else Refused
        raise kind(f"The rebuild failed: {result['error']}", faults or [Fault(command, str(result["error"]))])

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)} | SILENT
        name, email = self.person
        for role in ("AUTHOR", "COMMITTER"):
            kept |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env=kept,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
