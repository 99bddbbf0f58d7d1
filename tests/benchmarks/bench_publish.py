"""Publishing the small credit model against MLflow's own way to log and register it, in turn, on equal databases.

`python tests/benchmarks/bench_publish.py [--pairs 7]`. Goals: at most 1.3 times `mlflow.sklearn.log_model` with a
register, explicit requirements and signature; at least 10 times faster than the same call as it comes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import mlflow
import pandas as pd
from vendorkit.adapters.models import load_model
from vendorkit.adapters.registry import EMBEDDED, Registry
from vendorkit.adapters.store import Store
from vendorkit.steps.publish import publish

from tests.benchmarks.pairs import Pair, table
from tests.support.registry import counted
from tests.support.world import World, make_world

PINS = ["scikit-learn", "pandas", "numpy"]
PEER = "mlflow.sklearn.log_model and register"


def measure(pairs: int = 7) -> list[dict[str, Any]]:
    """Publish and log the same model in turn, each time into a registry that is made, but has none of it yet.

    Args:
        pairs: Number of pairs of the first figure; the call as it comes is made twice, the second counts.
    """
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder) / "world")
        world.train_and_gate()
        with world.as_person("vendor-ml"):
            bench = _Bench(world, Path(folder))
            taken = [(bench.publish(), bench.log(given=True)) for _ in range(pairs + 1)][1:]
            default = [bench.log(given=False) for _ in range(2)][-1]
            with counted() as ours:
                bench.publish()
            with counted() as bare:
                bench.log(given=True)
        os.chdir(here)
    timed = Pair(tuple(pair[0] for pair in taken), tuple(pair[1] for pair in taken))
    statements = f"SQL statements and commits: {ours['statements']} and {ours['commits']}, MLflow "
    statements += f"{bare['statements']} and {bare['commits']} (with those that open an empty registry)"
    middle = statistics.median(timed.ours)
    faster = f"made once; publish is {default / middle:.0f} times faster"
    return [
        timed.row("publish", f"{PEER}, requirements and signature given", statements),
        Pair((middle,), (default,)).row("publish", f"{PEER}, as it comes", faster),
    ]


class _Bench:
    """Publishes or logs one model, into a new registry each time; gives the seconds without what comes before."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._number = 0
        candidate = Store(world.repo).candidate(None)
        self._model = load_model(candidate.model_folder, candidate.run.model_format)
        table = pd.read_csv(world.repo / "data/applications.csv")
        self._rows = table[[feature.name for feature in candidate.features.features]]
        self._signature = mlflow.models.infer_signature(self._rows, self._model.predict(self._rows))

    def publish(self) -> float:
        copy = self._world.copy(self._next())
        registry = Registry.open(copy.repo)
        registry.versions("credit")
        return _seconds(lambda: publish(copy.repo, registry=registry))

    def log(self, *, given: bool) -> float:
        """Log and register; what has to be inferred is given, or there is an example of the input."""
        folder = self._next()
        Registry.open(folder).versions("credit")
        mlflow.set_tracking_uri(f"sqlite:///{folder / EMBEDDED / 'mlflow.db'}")
        os.chdir(folder)
        example = {"input_example": self._rows.head(5)}
        more = {"signature": self._signature, "pip_requirements": PINS} if given else example
        try:
            return _seconds(lambda: self._log(folder, more))
        finally:
            mlflow.set_tracking_uri(None)

    def _log(self, folder: Path, more: dict[str, Any]) -> None:
        mlflow.set_experiment(experiment_id=mlflow.create_experiment("e", (folder / "artifacts").as_uri()))
        with mlflow.start_run():
            mlflow.sklearn.log_model(
                self._model, name="model", registered_model_name="credit", serialization_format="cloudpickle", **more
            )

    def _next(self) -> Path:
        self._number += 1
        return self._folder / str(self._number)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    print(table(measure(parser.parse_args().pairs)))


if __name__ == "__main__":
    main()
