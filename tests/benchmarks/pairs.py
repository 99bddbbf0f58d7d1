"""Pairs: ours and the peer in turn, in one process run, so that a busy machine is unfair to both alike.

What is compared is the ratio within each pair; the median and the spread over the pairs are reported.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pair:
    """What a number of pairs gave.

    Args:
        ours: Our seconds, one for each pair.
        peer: The peer's seconds, one for each pair.
    """

    ours: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours divided by the peer's, pair for pair, sorted."""
        return tuple(sorted(a / b for a, b in zip(self.ours, self.peer, strict=True)))

    @property
    def ratio_median(self) -> float:
        """The middle ratio."""
        return statistics.median(self.ratios)

    @property
    def ratio_spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio."""
        return self.ratios[0], self.ratios[-1]

    def row(self, figure: str, peer_name: str, note: str = "") -> dict[str, Any]:
        """The figure as all benchmarks report it; seconds are medians."""
        return {
            "figure": figure,
            "ours": round(statistics.median(self.ours), 4),
            "peer": round(statistics.median(self.peer), 4),
            "peer_name": peer_name,
            "ratio_median": round(self.ratio_median, 2),
            "ratio_spread": [round(ratio, 2) for ratio in self.ratio_spread],
            "unit": "s",
            "note": note,
        }


def pair(ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> Pair:
    """Run both in turn, after one run of each that does not count.

    Args:
        ours: What is measured.
        peer: What it is held against.
        repeats: Number of pairs, 1 or more. Who begins changes from pair to pair.
    """
    ours()
    peer()
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    for turn in range(repeats):
        for name, run in (("ours", ours), ("peer", peer))[:: -1 if turn % 2 else 1]:
            start = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - start)
    return Pair(tuple(taken["ours"]), tuple(taken["peer"]))


def table(rows: list[dict[str, Any]]) -> str:
    """Rows of figures as lines for people."""
    lines = []
    for row in rows:
        low, high = row["ratio_spread"]
        lines.append(
            f"{row['figure']}: {row['ours']:.3f} {row['unit']} against {row['peer']:.3f} {row['unit']} "
            f"({row['peer_name']}): {row['ratio_median']:.2f} times ({low:.2f} to {high:.2f})"
        )
        lines += [f"    {row['note']}"] if row["note"] else []
    return "\n".join(lines)
