"""The web application: which path does what, and that every answer that is not a yes is a problem document."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vendorkit.adapters import predictions
from vendorkit.adapters.predictions import PredictionLog
from vendorkit.errors import BadInput, Unavailable, VendorkitError
from vendorkit.service import metrics, problems
from vendorkit.service.body import read_body
from vendorkit.service.frame import synthetic_row
from vendorkit.service.lifetime import Lifetime
from vendorkit.service.metrics import Metrics
from vendorkit.service.openapi import build_openapi
from vendorkit.service.problems import Faults, Problem
from vendorkit.service.requests import RequestReader
from vendorkit.service.scoring import ModelFailed, Scorer
from vendorkit.service.servable import Limits, Servable
from vendorkit.service.worker import Worker

LOG = logging.getLogger("vendorkit.service")
JSON = "application/json"
PREDICTION_PATH = "/v1/predictions/{id}"
CALLER_LEFT = 499
TRACE_SECONDS = 20
TRACES_WAITING = 16
RENEW_SECONDS = 60
"""How soon a running service knows that its release was retired or refused."""

Trace = Callable[[str], dict[str, Any]]


def create_app(
    servable: Servable, log: PredictionLog, trace: Trace | None = None, limits: Limits | None = None
) -> Starlette:
    """The service of one release, as an ASGI application.

    Args:
        servable: The verified release, loaded.
        log: Where predictions are written; closed when the application ends.
        trace: Gives the chain below a prediction id as JSON values; without it, what the log knows is answered.
        limits: What one request may cost.

    Raises:
        Unavailable: The deployment record cannot be written into the log.
    """
    log.record_deployment(servable.deployment)
    service = Service(servable, log, trace, limits or Limits())
    routes = [
        Route("/v1/predict", service.predict, methods=["POST"]),
        Route(PREDICTION_PATH, service.prediction, methods=["GET"]),
        Route("/health/live", service.live, methods=["GET"]),
        Route("/health/ready", service.ready, methods=["GET"]),
        Route("/metrics", service.show_metrics, methods=["GET"]),
        Route("/openapi.json", service.show_openapi, methods=["GET"]),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Watch, metrics=service.metrics, paths={route.path for route in routes})],
        exception_handlers={HTTPException: _answer_http, Problem: _answer_problem},
        lifespan=service.lifespan,
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app


class Service:
    """What the paths share. `warm` is set once requests are welcome, `stopping` when they no longer are."""

    def __init__(self, servable: Servable, log: PredictionLog, trace: Trace | None, limits: Limits) -> None:
        self.limits = limits
        self.metrics = Metrics(servable.deployment)
        self.warm = asyncio.Event()
        self.stopping = False
        self._log = log
        self._trace = trace
        self._reader = RequestReader(servable.contract, limits.max_rows)
        self._scorer = Scorer(servable, log)
        name = f"{servable.deployment.model}/{servable.deployment.version}"
        self._lifetime = Lifetime(name, servable.leave, servable.look)
        self._worker = Worker("model", limits.max_waiting, limits.predict_seconds)
        self._tracer = Worker("trace", TRACES_WAITING, TRACE_SECONDS)
        document = build_openapi(servable.contract, servable.deployment, limits)
        self._openapi = msgspec.json.encode(document)
        self._first_row = msgspec.json.encode({"rows": [synthetic_row(servable.contract)]})

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Warm up beside the first requests; at the end flush the log."""
        self._worker.start()
        self._tracer.start()
        beside = [asyncio.create_task(self._warm_up()), asyncio.create_task(self._renew())]
        yield
        self.stopping = True
        for task in beside:
            task.cancel()
        self._worker.stop()
        self._tracer.stop()
        self._log.close()

    async def predict(self, request: Request) -> Response:
        """`POST /v1/predict`."""
        body = await read_body(request.scope, request.receive, self.limits)
        present = datetime.now(UTC)
        self._lifetime.refuse(present)
        asked = self._reader.read(body, present)
        asked = replace(asked, common_warnings=asked.common_warnings + self._lifetime.warnings(present))
        try:
            answer = await self._worker.run(lambda wanted: self._scorer.answer(asked, wanted))
        except ModelFailed as error:
            raise _logged("failed", "The model failed on this input.", error) from error
        except Unavailable as error:
            raise _logged("unavailable", "The prediction could not be logged, so it is not given.", error) from error
        self.metrics.predictions(asked)
        return Response(answer, media_type=JSON, headers=self._lifetime.headers(present))

    async def prediction(self, request: Request) -> Response:
        """`GET /v1/predictions/{id}`."""
        try:
            value = await self._tracer.run(lambda _: self._look_up(request.path_params["id"]))
        except (Unavailable, OSError) as error:
            raise _logged("unavailable", "The trace cannot be read now.", error) from error
        except VendorkitError as error:
            raise _logged("failed", "The trace cannot be read.", error) from error
        return Response(msgspec.json.encode(value), media_type=JSON)

    async def live(self, _: Request) -> Response:
        """`GET /health/live`."""
        return Response(b'{"status":"live"}', media_type=JSON)

    async def ready(self, _: Request) -> Response:
        """`GET /health/ready`."""
        if self.stopping:
            raise Problem("unavailable", "The service is stopping.")
        if not self.warm.is_set():
            raise Problem("unavailable", "The service is warming up.")
        if self._worker.stuck:
            raise Problem("unavailable", "The model does not answer.")
        return Response(b'{"status":"ready"}', media_type=JSON)

    async def show_metrics(self, _: Request) -> Response:
        """`GET /metrics`."""
        ready = self.warm.is_set() and not self.stopping and not self._worker.stuck
        return Response(self.metrics.to_bytes(ready), media_type=metrics.MEDIA_TYPE)

    async def show_openapi(self, _: Request) -> Response:
        """`GET /openapi.json`."""
        return Response(self._openapi, media_type=JSON)

    def _look_up(self, given: str) -> dict[str, Any]:
        try:
            found = predictions.find(self._log.folder, given)
        except BadInput as error:
            faults = Faults()
            for fault in error.faults:
                faults.add(fault.where, fault.says)
            raise problems.invalid(faults) from error
        if found is None:
            raise Problem("not-found", "The log has no prediction of this id.")
        deployment = predictions.find_deployment(self._log.folder, found["deployment"])
        parsed = {name: json.loads(found[name]) for name in ("row", "output", "warnings")}
        return {
            **(self._trace(found["id"]) if self._trace else {}),
            "id": found["id"],
            "prediction": {**found, **parsed},
            "deployment": deployment.to_value() if deployment else None,
        }

    async def _renew(self) -> None:
        """Look again and again how long the release may be used."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(Problem):  # traces take long today: the next time
                await self._tracer.run(lambda _: self._lifetime.renew())

    async def _warm_up(self) -> None:
        """One answer that is not logged, so that the first caller does not wait for lazy imports of the model."""
        asked = self._reader.read(self._first_row, datetime.now(UTC))
        try:
            await self._worker.run(lambda _: self._scorer.outputs(asked.rows))
        except (ModelFailed, Problem) as error:
            # A made-up row may be odd to a model that is fit for real ones: told, not held against it.
            LOG.warning("the model failed on a made-up row of its own contract: %s", error)
        self.warm.set()


class Watch:
    """Counts and times every request, and turns a bug of the service into a problem document."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: set[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if status:  # half an answer is out: nothing can be mended
                raise
            problem = _logged("failed", "The service failed.", error)
            await to_response(problem)(scope, receive, watched)
        finally:
            self._metrics.request(self._label(scope["path"]), status or CALLER_LEFT, time.perf_counter() - started)

    def _label(self, path: str) -> str:
        if path in self._paths:
            return path
        return PREDICTION_PATH if path.startswith(PREDICTION_PATH.removesuffix("{id}")) else "other"


def to_response(problem: Problem) -> Response:
    """A problem as an HTTP response."""
    headers = dict(problem.headers)
    return Response(problem.to_bytes(), problem.status, headers=headers, media_type=problems.MEDIA_TYPE)


async def _answer_problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return to_response(error)


async def _answer_http(request: Request, error: Exception) -> Response:
    """Starlette's own errors: a path that is not there, a method that a path does not take."""
    if not isinstance(error, HTTPException):
        raise error
    headers = tuple((error.headers or {}).items())
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return to_response(Problem("wrong-method", f"It takes {allowed}.", headers=headers))
    return to_response(Problem("not-found", "The service has /openapi.json, which lists its paths."))


def _logged(kind: str, says: str, error: Exception) -> Problem:
    """A problem whose cause goes to the service's log, under an id that the caller can name."""
    log_id = secrets.token_hex(8)
    LOG.error("%s [log id %s]", says, log_id, exc_info=error)
    headers = (("Retry-After", "5"),) if kind == "unavailable" else ()
    return Problem(kind, f"{says} Tell its operators the log id {log_id}.", log_id=log_id, headers=headers)
