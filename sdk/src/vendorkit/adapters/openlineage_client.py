"""Sends OpenLineage events with the maintained client, to wherever its own configuration says.

The client is imported only where it is configured: `OPENLINEAGE_*` variables, or `openlineage.yml` in the current
folder, the engagement or `~/.openlineage`. What cannot be sent is said and never ends a step.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOG = logging.getLogger("vendorkit.lineage")
CONFIGURATION = "openlineage.yml"
SWITCHES = ("OPENLINEAGE_CONFIG", "OPENLINEAGE_URL")
"""Variables that configure the client, besides those that begin with `OPENLINEAGE__`."""


def send(repo: Path, events: Callable[[], Sequence[Mapping[str, Any]]]) -> int:
    """Send events where the client is configured. Never raises for what does not work: it is logged as an error.

    Args:
        repo: The engagement, which may hold `openlineage.yml`.
        events: Makes the events; called only where somebody is to get them.

    Returns:
        How many were sent.
    """
    if not is_configured(repo):
        return 0
    sent = 0
    try:
        with _environment(repo):
            # Imported where it is used: it takes half a second, which nobody pays who has no catalogue.
            from openlineage.client import OpenLineageClient  # noqa: PLC0415

            client = OpenLineageClient()
            try:
                for event in events():
                    client.emit(_event(event))
                    sent += 1
            finally:
                client.close(timeout=10)
    except Exception as error:  # noqa: BLE001  (a catalogue that does not answer must not stop a release)
        why = _without_secrets(" ".join(str(error).split()))[:300] or type(error).__name__
        LOG.error("lineage was not sent: %s. The step itself is done; send it later with `vendorkit trace`.", why)  # noqa: TRY400
    return sent


def is_configured(repo: Path) -> bool:
    """Whether OpenLineage's own configuration names a place to send to."""
    if os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    if any(name in SWITCHES or name.startswith("OPENLINEAGE__") for name, value in os.environ.items() if value):
        return True
    return _file(repo) is not None


def _file(repo: Path) -> Path | None:
    places = (Path.cwd(), repo, Path.home() / ".openlineage")
    return next((place / CONFIGURATION for place in places if (place / CONFIGURATION).is_file()), None)


@contextmanager
def _environment(repo: Path) -> Iterator[None]:
    """Let the client find the engagement's file, and take back what it writes into the environment itself."""
    before = dict(os.environ)
    found = _file(repo)
    if found and "OPENLINEAGE_CONFIG" not in os.environ:
        os.environ["OPENLINEAGE_CONFIG"] = str(found)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]


def _event(value: Mapping[str, Any]) -> Any:
    """An event as the client takes it; facets stay plain values, but for the tags, which the client adds to."""
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState  # noqa: PLC0415
    from openlineage.client.facet_v2 import tags_run  # noqa: PLC0415

    facets = dict(value["run"]["facets"])
    if "tags" in facets:
        tags = [tags_run.TagsRunFacetFields(**tag) for tag in facets["tags"]["tags"]]
        facets["tags"] = tags_run.TagsRunFacet(tags=tags, producer=facets["tags"]["_producer"])
    return RunEvent(
        eventType=RunState[value["eventType"]],
        eventTime=value["eventTime"],
        producer=value["producer"],
        run=Run(value["run"]["runId"], facets),
        job=Job(**value["job"]),
        inputs=[InputDataset(**dataset) for dataset in value["inputs"]],
        outputs=[OutputDataset(**dataset) for dataset in value["outputs"]],
    )


def _without_secrets(text: str) -> str:
    return re.sub(r"://[^/\s@]*@", "://***@", text)
