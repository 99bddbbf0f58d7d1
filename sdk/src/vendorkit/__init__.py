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
    from vendorkit.face import gate, publish
    from vendorkit.steps.track import track
    from vendorkit.steps.train import train
    from vendorkit.tracking.recorder import record_filter as filter  # noqa: A004

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


_PLACES = {
    "filter": ("vendorkit.tracking.recorder", "record_filter"),
    "gate": ("vendorkit.face", "gate"),
    "publish": ("vendorkit.face", "publish"),
    "track": ("vendorkit.steps.track", "track"),
    "train": ("vendorkit.steps.train", "train"),
}
"""Where each name is loaded from at first use. `filter`, which `prepare` calls wherever it runs, loads no registry."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'vendorkit' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
