"""The end of a release in the service: warnings, headers by RFC 9745 and RFC 8594, 410; 503 where it was refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from vendorkit.adapters.predictions import PredictionLog
from vendorkit.errors import Unavailable
from vendorkit.records.decision import Ending, Leave
from vendorkit.service.app import create_app
from vendorkit.service.lifetime import Lifetime
from vendorkit.service.problems import Problem
from vendorkit.service.servable import Servable

from tests.support.service import contract, deployment, is_problem, predict

BEFORE, WARNED, BLOCKED = (datetime(2027, month, 15, tzinfo=UTC) for month in (1, 2, 4))
ENDING = Ending(warn_from="2027-02-01", block_from="2027-03-31", replacement="credit/3")
ENDED = Leave(ending=ENDING)


def test_nothing_is_said_before_the_warning_day() -> None:
    for lifetime in (Lifetime("credit/2"), Lifetime("credit/2", ENDED)):
        lifetime.refuse(BEFORE)
        assert (lifetime.warnings(BEFORE), lifetime.headers(BEFORE)) == ((), {})


def test_warnings_and_headers_from_the_warning_day() -> None:
    lifetime = Lifetime("credit/2", ENDED)
    lifetime.refuse(WARNED)
    (warning,) = lifetime.warnings(WARNED)
    assert warning["kind"] == "deprecated"
    assert warning["says"] == "credit/2 is deprecated and answers until 2027-03-31; use credit/3."
    # RFC 9745, section 2.1: a structured field of type Date; RFC 8594, section 3: an HTTP date.
    assert lifetime.headers(WARNED) == {"Deprecation": "@1801440000", "Sunset": "Wed, 31 Mar 2027 00:00:00 GMT"}


@pytest.mark.parametrize("last", [datetime(2027, 3, 30, 23, 59, 59, tzinfo=UTC)])
def test_the_day_begins_at_midnight_utc(last: datetime) -> None:
    lifetime = Lifetime("credit/2", ENDED)
    lifetime.refuse(last)
    with pytest.raises(Problem, match=r"retired since 2027-03-31\. Use credit/3\."):
        lifetime.refuse(datetime(2027, 3, 31, tzinfo=UTC))


def test_a_decision_made_while_it_runs_is_kept_and_a_registry_that_is_away_changes_nothing() -> None:
    answers: list[Leave | Exception] = [ENDED, Unavailable("away"), Leave()]

    def look() -> Leave:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lifetime = Lifetime("credit/2", None, look)
    for blocks in (True, True, False):
        lifetime.renew()
        if blocks:
            with pytest.raises(Problem):
                lifetime.refuse(BLOCKED)
        else:
            lifetime.refuse(BLOCKED)


def test_a_refusal_holds_at_once_until_it_is_taken_back(caplog: pytest.LogCaptureFixture) -> None:
    answers = [Leave(refused=("refusal by model-risk: stands: leak found",)), Leave()]
    lifetime = Lifetime("credit/2", None, lambda: answers.pop(0))
    lifetime.refuse(BEFORE)
    lifetime.renew()
    with pytest.raises(Problem, match="not any more") as told:
        lifetime.refuse(BEFORE)
    assert (told.value.status, "leak" in told.value.detail) == (503, False)
    assert "leak found" in caplog.messages[-1]  # why is for its operators
    lifetime.renew()
    lifetime.refuse(BEFORE)


def ask(folder: Path, ending: Ending) -> httpx.Response:
    """One request to the application itself."""
    app = create_app(Servable(contract(), deployment(), predict, leave=Leave(ending=ending)), PredictionLog(folder))

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://service") as client,
        ):
            example = (await client.get("/openapi.json")).json()["paths"]["/v1/predict"]["post"]["requestBody"]
            return await client.post("/v1/predict", json=example["content"]["application/json"]["example"])

    return asyncio.run(once())


def test_a_deprecated_release_answers_with_a_warning_on_each_prediction(tmp_path: Path) -> None:
    answer = ask(tmp_path, Ending(warn_from="2026-01-01", replacement="credit/3"))
    assert answer.status_code == 200
    (prediction,) = answer.json()["predictions"]
    assert [warning["kind"] for warning in prediction["warnings"]] == ["deprecated"]
    assert answer.headers["deprecation"].startswith("@")
    assert "sunset" not in answer.headers


def test_a_retired_release_is_gone_and_names_its_replacement(tmp_path: Path) -> None:
    answer = ask(tmp_path, Ending(warn_from="2026-01-01", block_from="2026-01-02", replacement="credit/3"))
    problem = is_problem(answer, 410)
    assert "Use credit/3." in problem["detail"]
    assert answer.headers["sunset"] == "Fri, 02 Jan 2026 00:00:00 GMT"
