"""Export and import of a release with a large model, against `cp` out and back of the same files, in turn.

`python tests/benchmarks/bench_export.py [--pairs 5] [--gigabytes 1]`. Goal: at most 2 times `cp`. Both ways hash every
byte once, while the kernel copies it; `cp` hashes none. Files are in the page cache, and nobody waits for the disk.

SHA-256 of one file cannot be split over processors. So the floor is two passes of it, one out and one back: where `cp`
copies in memory it alone takes about 2 times as long, and the goal is met only where the disk slows `cp` down.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from vendorkit.adapters.bundle import HASHED_BYTES
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import Store, list_files
from vendorkit.steps.export import export
from vendorkit.steps.import_ import import_bundle
from vendorkit.steps.publish import publish

from tests.benchmarks.pairs import Pair, table
from tests.support.world import World, make_world

BLOCK = 1 << 20


def measure(pairs: int = 5, gigabytes: float = 1.0) -> list[dict[str, Any]]:
    """Export and import a release whose model has a file of random bytes.

    Args:
        pairs: Number of pairs.
        gigabytes: Size of the file, 10**9 bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), round(gigabytes * 1e9))
        taken = [(bench.ours(), bench.peer(), bench.floor()) for _ in range(pairs + 1)][1:]
    ours, peer, floor = (tuple(times) for times in zip(*taken, strict=True))
    figure = f"export and import of {gigabytes:g} GB"
    return [
        Pair(ours, peer).row(figure, "cp out and back"),
        Pair(ours, floor).row(figure, "the floor: the model file read and hashed twice"),
        Pair(floor, peer).row("the floor alone", "cp out and back"),
    ]


class _Bench:
    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        world = make_world(folder / "world")
        world.train_and_gate()
        self._large(world, size)
        with world.as_person("vendor-ml"):
            publish(world.repo)
        self._world = world
        self._target = World(folder / "target", world.keys)
        shutil.copytree(world.repo, self._target.repo, ignore=shutil.ignore_patterns(".vendorkit"))

    def _large(self, world: World, size: int) -> None:
        """Make a candidate of the newest one and a large file."""
        store = Store(world.repo)
        small = store.candidate(None)
        report = store.report(small.digest)
        assert report is not None
        model = Path(shutil.copytree(small.model_folder, self._folder / "model"))
        with (model / "weights.bin").open("wb") as file:
            for start in range(0, size, BLOCK):
                file.write(os.urandom(min(BLOCK, size - start)))
        run = small.run.model_copy(update={"artifacts": list_files(model)})
        large = store.add_candidate(run, small.features, small.snapshots, model)
        store.add_report(report.model_copy(update={"candidate": large.digest}), {})

    def ours(self) -> float:
        """Seconds of an export and an import into an empty registry, which is made before."""
        shutil.rmtree(self._target.repo / ".vendorkit", ignore_errors=True)
        registry = Registry.open(self._target.repo)

        def work() -> None:
            export(self._world.repo, "credit", 1, self._folder / "out")
            import_bundle(self._target.repo, self._folder / "out", registry=registry)

        return self._timed(work)

    def peer(self) -> float:
        """Seconds of `cp` of the same folder, out and back."""
        place = next((self._world.repo / ".vendorkit/registry/artifacts").glob("*/*/artifacts"))

        def work() -> None:
            for source, target in ((place, "out"), (self._folder / "out", "back")):
                subprocess.run(["cp", "-r", str(source), str(self._folder / target)], check=True)

        return self._timed(work)

    def _timed(self, work: Callable[[], None]) -> float:
        for name in ("out", "back"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def floor(self) -> float:
        """Seconds of reading and hashing the large file twice, and nothing else."""
        (path,) = (self._world.repo / ".vendorkit/registry/artifacts").rglob("weights.bin")
        buffer = memoryview(bytearray(HASHED_BYTES))
        start = time.perf_counter()
        for _ in range(2):
            hashed = hashlib.sha256()
            with path.open("rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    hashed.update(buffer[:count])
        return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    given = parser.parse_args()
    print(table(measure(given.pairs, given.gigabytes)))
