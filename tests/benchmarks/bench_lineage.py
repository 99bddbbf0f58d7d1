"""Lineage over 10,000 releases, against MLflow's own search by a tag, which knows no decisions and no predictions.

`python tests/benchmarks/bench_lineage.py [--releases 10000] [--pairs 7]`. Goal: under 1 s. The releases are copies of
one real release, put into the database of the embedded registry in bulk, with two decisions each.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from vendorkit.adapters.registry import EMBEDDED, Registry
from vendorkit.steps.lineage import lineage

from tests.benchmarks.pairs import pair, table
from tests.support.world import World, make_world

DATASETS = 100
"""Different datasets that the releases were made from, each by the same number of releases."""


def measure(releases: int = 10_000, pairs: int = 7) -> list[dict[str, Any]]:
    """Make the registry, fill the index once, then ask in turn.

    Args:
        releases: How many.
        pairs: Number of pairs.
    """
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder) / "world")
        world.train_and_gate()
        world.live()
        multiply(world, releases)
        registry = Registry.open(world.repo)
        start = time.perf_counter()
        every = lineage(world.repo, registry=registry)
        first = time.perf_counter() - start
        assert len(every.releases) == releases
        digest = content(7)

        def ours() -> None:
            assert len(lineage(world.repo, dataset=digest, registry=registry).releases) == releases // DATASETS

        def peer() -> None:
            words = f"name = 'credit' and tags.`vendorkit.datasets` LIKE '%{digest}%'"
            assert len(registry._client.search_model_versions(words)) == releases // DATASETS

        def all_of_them() -> None:
            assert len(lineage(world.repo, registry=registry).releases) == releases

        def all_by_tag() -> None:
            assert len(registry.versions("credit")) == releases

        note = f"the first call fills the index: {first:.1f} s"
        by_dataset = pair(ours, peer, pairs)
        whole = pair(all_of_them, all_by_tag, max(1, pairs // 2))
        return [
            by_dataset.row(f"lineage of a dataset over {releases:,} releases", "MLflow's search by tag", note),
            whole.row(f"lineage of all {releases:,} releases", "MLflow hands out all versions"),
        ]


def content(number: int) -> str:
    """The digest of one of the datasets."""
    return f"sha256:{number % DATASETS:064x}"


def multiply(world: World, releases: int) -> None:
    """Copy the one release and its decisions in the registry's database."""
    with closing(sqlite3.connect(world.repo / EMBEDDED / "mlflow.db")) as database, database:
        last = database.execute("SELECT max(version) FROM model_versions WHERE name = 'credit.decisions'").fetchone()[0]
        versions, decisions = Copies(database, "credit", 1), Copies(database, "credit.decisions", last)
        moved = json.loads(decisions.tags["vendorkit.decision"])
        for number in range(2, releases + 1):
            versions.add(number, {"vendorkit.datasets": f"applications {content(number)}"})
            for half in (1, 2):
                at = f"2026-12-{1 + number % 28:02d}T12:00:00.000Z"
                moved["decision"] |= {"version": number, "at": at, "alias": "champion" if half == 2 else None}
                place = last + (number - 2) * 2 + half
                decisions.add(place, {"vendorkit.decision": json.dumps(moved)})
        database.execute(
            "UPDATE model_version_tags SET value = ? WHERE name = 'credit' AND version = 1 AND key = ?",
            (f"applications {content(1)}", "vendorkit.datasets"),
        )


class Copies:
    """Copies of one registered version, each under another number and with some other tags."""

    def __init__(self, database: sqlite3.Connection, name: str, version: int) -> None:
        self._database = database
        database.row_factory = sqlite3.Row
        found = {
            table: database.execute(f"SELECT * FROM {table} WHERE name = ? AND version = ?", (name, version)).fetchall()
            for table in ("model_versions", "model_version_tags")
        }
        self._rows = {table: [dict(row) for row in rows] for table, rows in found.items()}
        self.tags = {row["key"]: row["value"] for row in self._rows["model_version_tags"]}
        database.row_factory = None

    def add(self, version: int, tags: dict[str, str]) -> None:
        """Insert one."""
        for kind, rows in self._rows.items():
            for row in rows:
                changed = {**row, "version": version}
                if row.get("key") in tags:
                    changed["value"] = tags[row["key"]]
                columns, marks = ", ".join(changed), ", ".join("?" for _ in changed)
                self._database.execute(f"INSERT INTO {kind} ({columns}) VALUES ({marks})", tuple(changed.values()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=7)
    given = parser.parse_args()
    print(table(measure(given.releases, given.pairs)))


if __name__ == "__main__":
    main()
