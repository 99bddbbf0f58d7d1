"""The reference page of gates and metrics, written from their own words so that it cannot fall behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class DescribedGate(Protocol):
    """What a gate says about itself; `vendorkit.gates.GATES` holds such gates."""

    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def figures(self) -> tuple[tuple[str, str, str], ...]: ...
    @property
    def example(self) -> str: ...


class DescribedMetric(Protocol):
    """What a metric says about itself; `vendorkit.gates.metrics.METRICS` holds such metrics."""

    @property
    def better(self) -> Any: ...
    @property
    def tasks(self) -> frozenset[str]: ...
    @property
    def formula(self) -> str: ...
    @property
    def source(self) -> str: ...


_HEAD = """# Gates

<!-- Written by vendorkit.documents.gate_reference; edit the gates, not this page. -->

A gate is a pass/fail question asked of a candidate, with a limit set beforehand in `engagement.yaml`, or by
the platform [in its policy pack](checks.md#gates-of-the-platform). `vendorkit gate` asks all of them;
`vendorkit publish` refuses a candidate that did not pass every one.

| verdict | meaning |
|---|---|
| pass | the limit is kept |
| fail | the limit is broken; the candidate may not ship |
| error | the question could not be answered; that is never a pass, and the candidate may not ship |

A candidate that no gate was asked of may not ship either. A key that a gate would not look at, such as
`slice` on a performance gate, is an error: a limit that nobody holds must not look like one.
"""

_METRICS = """## Metrics

`y` is the label, `p` the score: for a binary task the probability of class 1, from 0 to 1. A score of 0.5 or
more counts as a yes. Intervals are two-sided 95 %; they inform the reader and do not decide. Where a formula
gives no variance (a class with one row, a perfect or a constant ranking) no interval is shown.

| metric | tasks | better | formula | source |
|---|---|---|---|---|
"""


def gates_reference(gates: Mapping[str, DescribedGate], metrics: Mapping[str, DescribedMetric]) -> str:
    """The Markdown of `docs/reference/gates.md`.

    Args:
        gates: Every gate by its kind: `vendorkit.gates.GATES`.
        metrics: Every metric by its name: `vendorkit.gates.metrics.METRICS`.
    """
    parts = [_HEAD, *(_gate(gate) for _, gate in sorted(gates.items()))]
    lines = [_metric(name, metric) for name, metric in sorted(metrics.items())]
    return "\n".join([*parts, _METRICS + "\n".join(lines)]) + "\n"


def _gate(gate: DescribedGate) -> str:
    return f"""## {gate.kind}

**{gate.title}.** {gate.why}

- How it is judged: {gate.formula}
- Source: {gate.source}

```yaml
gates:
  {gate.example}
```
{_figures(gate)}"""


def _figures(gate: DescribedGate) -> str:
    """What only this kind measures; a source stands there where it is not the gate's."""
    if not gate.figures:
        return ""
    lines = [
        f"| `{name}` | {meaning}{'' if source == gate.source else f' ({source})'} |"
        for name, meaning, source in gate.figures
    ]
    return "\n".join(["", "| metric | what it measures |", "|---|---|", *lines, ""])


def _metric(name: str, metric: DescribedMetric) -> str:
    formula = metric.formula.replace("|", "\\|")
    return f"| `{name}` | {', '.join(sorted(metric.tasks))} | {metric.better} | {formula} | {metric.source} |"
