"""Run the benchmarks: all, or those named (`nox -s bench -- start publish`); `--json FILE` keeps the figures.

Each figure stands beside a peer or a floor, measured in turn with it in the same minute. The machine is named,
because only the ratios travel.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.benchmarks.pairs import table  # noqa: E402


def main() -> None:
    """Measure and print."""
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in names]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; choose from: {', '.join(names)}")
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.platform()}"
    print(f"Machine: {machine}")
    rows = []
    for name in given.names or names:
        print(f"\n{name}", flush=True)
        for row in importlib.import_module(f"tests.benchmarks.bench_{name}").measure():
            print(table([row]), flush=True)
            rows.append(row)
    if given.json:
        given.json.write_text(json.dumps({"machine": machine, "figures": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
