"""What the service is given to serve, and the limits it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from vendorkit.records.contract import Contract
from vendorkit.records.decision import Leave
from vendorkit.records.deployment import Deployment


@dataclass(frozen=True)
class Servable:
    """A verified release, loaded.

    Args:
        contract: What a caller sends and what happens to input that is not fit.
        deployment: The record of this start of the service; every prediction names it.
        predict: The vendor's `predict` with the model bound. Takes a DataFrame of shape `(n_rows, n_fields)` with
            the contract's fields in order; gives an array of shape `(n_rows,)` or a DataFrame of `n_rows` rows.
        leave: Whether it may be used, as was decided before it was started.
        look: Gives whether it may by now; asked again and again while it is served.
    """

    contract: Contract
    deployment: Deployment
    predict: Callable[[pd.DataFrame], Any]
    leave: Leave = field(default_factory=Leave)
    look: Callable[[], Leave] | None = None


@dataclass(frozen=True)
class Limits:
    """What one request may cost.

    Args:
        max_rows: Rows in one request; more is a 413.
        max_body_bytes: Bytes of one body; more is a 413.
        body_seconds: A body that takes longer to arrive is a 408.
        predict_seconds: A prediction that takes longer, waiting included, is a 503.
        max_waiting: Requests that may wait for the model; more are a 503 at once.
    """

    max_rows: int = 1_000
    max_body_bytes: int = 8 * 2**20
    body_seconds: float = 30
    predict_seconds: float = 30
    max_waiting: int = 256
