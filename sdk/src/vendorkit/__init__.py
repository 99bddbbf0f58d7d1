"""vendorkit: vendor deliverables that start life as a primitive of the client's own platform.

The public face, loaded at first use so that importing the package costs nothing:

    with vendorkit.track("train") as run: ...    record a training run
    vendorkit.filter(...)                        leave rows out inside `prepare`, with the reason
    vendorkit.train()                            run the pipeline of the engagement under lineage
    vendorkit.gate(candidate)                    ask its gates
    vendorkit.publish(candidate)                 register it
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vendorkit.errors import BadInput, Fault, Refused, Unavailable, VendorkitError

if TYPE_CHECKING:
    from vendorkit.face import filter, gate, publish, track, train  # noqa: A004

__all__ = [
    "BadInput",
    "Fault",
    "Refused",
    "Unavailable",
    "VendorkitError",
    "filter",
    "gate",
    "publish",
    "track",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("vendorkit.face"), name)
    raise AttributeError(f"module 'vendorkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
