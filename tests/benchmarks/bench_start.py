"""How long a command takes to answer, beside the bare interpreter and beside other command lines.

`python tests/benchmarks/bench_start.py`. Goal: `vendorkit --help` in at most 8 times of `python -c "import json"`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.pairs import pair, table

BIN = Path(sys.executable).parent


def start(*command: str) -> None:
    """Run a command line to its end, its output thrown away."""
    subprocess.run(command, check=True, capture_output=True)


def measure() -> list[dict[str, Any]]:
    """`vendorkit --help` against the bare interpreter, copier and mlflow; and the help of one command."""
    helps = [str(BIN / "vendorkit"), "--help"]
    peers = {
        'python -c "import json"': ([sys.executable, "-c", "import json"], 15),
        "copier --help": ([str(BIN / "copier"), "--help"], 5),
        "mlflow --help": ([str(BIN / "mlflow"), "--help"], 3),
    }
    return [
        pair(lambda: start(*helps), lambda command=command: start(*command), repeats).row("vendorkit --help", name)  # type: ignore[misc]
        for name, (command, repeats) in peers.items()
    ]


if __name__ == "__main__":
    print(table(measure()))
