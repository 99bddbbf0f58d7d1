"""A service to test against: a small contract, a model of a few numpy lines, a real uvicorn server."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import uvicorn
from vendorkit.adapters.predictions import PredictionLog
from vendorkit.records.contract import Behaviour, Contract
from vendorkit.records.deployment import Deployment
from vendorkit.records.features import Feature
from vendorkit.service.app import Trace, create_app
from vendorkit.service.servable import Limits, Servable
from vendorkit.service.server import listen

DIGEST = "sha256:" + "1" * 64
FIELDS = (
    Feature(name="age", type="integer", nullable=False, minimum=18, maximum=75),
    Feature(name="income", type="number", nullable=True, minimum=0.0, maximum=1e6),
    Feature(name="purpose", type="string", nullable=False, categories=("car", "home", "other")),
    Feature(name="owns_home", type="boolean", nullable=False),
)
GOOD = {"age": 40, "income": 1000.5, "purpose": "car", "owns_home": True}
BUILTIN = Behaviour()


def contract(behaviour: Behaviour = BUILTIN, max_age_days: int | None = 30, **changes: Any) -> Contract:
    """The contract of the model `credit`."""
    values: dict[str, Any] = {
        "model": "credit",
        "task": "binary",
        "features": DIGEST,
        "fields": FIELDS,
        "behaviour": behaviour,
        "max_age_days": max_age_days,
    }
    return Contract(**{**values, **changes})


def deployment() -> Deployment:
    """A start of version 3 of `credit`."""
    return Deployment(
        model="credit",
        version=3,
        alias="champion",
        release=DIGEST,
        decisions=(),
        environment=DIGEST,
        sdk_version="0.1.0",
        started_at="2026-11-22T10:00:00Z",
    )


def predict(frame: pd.DataFrame) -> Any:
    """A score between 0 and 1."""
    return 1 / (1 + (-0.01 * frame["age"] + 1e-6 * frame["income"].fillna(0)).to_numpy(dtype=float) ** 2)


def servable(model: Callable[[pd.DataFrame], Any] = predict, of: Contract | None = None) -> Servable:
    """What the service is given."""
    return Servable(of or contract(), deployment(), model)


@contextlib.contextmanager
def running(
    folder: Path,
    model: Callable[[pd.DataFrame], Any] = predict,
    of: Contract | None = None,
    *,
    trace: Trace | None = None,
    limits: Limits | None = None,
    warm: bool = True,
) -> Iterator[httpx.Client]:
    """A real server in a thread, and a client of it. At the end it is stopped as SIGTERM would."""
    app = create_app(servable(model, of), PredictionLog(folder), trace, limits)
    config = uvicorn.Config(app, lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    with contextlib.closing(listen("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=30) as client:
                while warm and client.get("/health/ready").status_code != 200:
                    time.sleep(0.005)
                yield client
        finally:
            server.should_exit = True
            thread.join()


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of a response that must be one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["type"].startswith("urn:vendorkit:problem:")
    assert all(set(fault) == {"path", "says"} for fault in problem["errors"])
    return problem
