"""A reproduction for people: first what differed, then the metrics side by side."""

from __future__ import annotations

from vendorkit.records.reproduction import Difference, Reproduction


def reproduction_text(record: Reproduction) -> str:
    """A reproduction in plain lines."""
    where = "its locked environment" if record.locked else "the environment that runs vendorkit"
    made = f"from commit {record.commit[:12]} in {where}"
    if record.reproduced:
        lines = [f"{record.name} was rebuilt {made}: every metric lies within its tolerance."]
        if record.same_model:
            lines.append("  The files of the model are the same, byte for byte.")
        lines += [f"  Noted: {_line(difference)}" for difference in record.differences]
    else:
        lines = [f"{record.name} was NOT reproduced {made}. Look first at: {record.differs_first}."]
        lines += [f"  {_line(difference)}" for difference in record.differences]
        if record.rebuilt is None:
            lines.append("  It was not compared further: a rebuild would be of something else, or failed.")
    width = max((len(metric.name) for metric in record.metrics), default=0)
    for metric in record.metrics:
        rebuilt = "not measured" if metric.rebuilt is None else f"{metric.rebuilt:.6g}"
        verdict = "ok" if metric.ok else "DIFFERS"
        lines.append(
            f"  {metric.name:<{width}}  recorded {metric.recorded:.6g}, rebuilt {rebuilt}, "
            f"allowed difference {metric.tolerance:g}: {verdict}"
        )
    return "\n".join(lines)


def _line(difference: Difference) -> str:
    return f"{difference.part}: {difference.where} {difference.says}"
