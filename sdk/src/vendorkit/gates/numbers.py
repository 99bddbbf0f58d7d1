"""Numbers in the sentences of gates."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """A number of the manifest as people write it: `0.76`, `900`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def shown(value: float, *beside: float) -> str:
    """A measured number as people read it: four digits, or more until it differs from what it stands beside.

    So 81.8534 ms are `81.85`, and `0.75998` beside the limit `0.76` is not shown as `0.76`.
    """
    if value == 0.0 or not math.isfinite(value):
        return "0" if value == 0.0 else str(value)
    whole = len(str(int(abs(value)))) if abs(value) >= 1.0 else 0
    for decimals in range(max(0, 4 - whole), 13):
        text = f"{value:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if decimals else text
        if float(text) != 0.0 and all(value == other or float(text) != other for other in beside):
            return text
    return f"{value:.4g}" if abs(value) < 1e-4 else repr(value)
