"""Start the inference service of a promoted release, after everything about it was verified.

Ends on SIGTERM or Ctrl-C: requests in work are finished and the prediction log is flushed.
"""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path
from typing import Any

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome
from vendorkit.errors import BadInput, Fault

EXAMPLES = ("vendorkit serve credit", "vendorkit serve credit@challenger --host 0.0.0.0 --port 8081")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", metavar="MODEL[@ALIAS or /VERSION]", help="what to serve (default alias: champion)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on; 0 picks a free one (default: 8080)")
    parser.add_argument("--predictions", type=Path, metavar="DIR", help="folder of prediction logs by model")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.service.server import listen, serve  # noqa: PLC0415

    model, alias, version = parse_release(args.release)
    repo = repo_of(args)
    listen(args.host, args.port).close()  # a taken port is told before the model is loaded, not after

    from vendorkit.adapters.predictions import PredictionLog  # noqa: PLC0415
    from vendorkit.service.app import create_app  # noqa: PLC0415
    from vendorkit.service.servable import Servable  # noqa: PLC0415
    from vendorkit.steps.deploy import deploy  # noqa: PLC0415

    console.progress(f"verifying and loading {args.release}")
    deployed = deploy(repo, model, alias, version)
    logs = args.predictions or repo / ".vendorkit" / "predictions"
    log = PredictionLog(logs / model)
    for note in log.notes:
        console.progress(note)
    servable = Servable(
        deployed.contract, deployed.deployment, deployed.predict, leave=deployed.leave, look=deployed.look
    )
    name = f"{model}/{deployed.deployment.version}"
    urls: list[str] = []

    def announce(url: str) -> None:
        urls.append(url)
        console.progress(f"{name} is served at {url}; predictions are logged in {logs / model}")

    app = create_app(servable, log, partial(_trace, repo, logs))
    try:
        serve(app, args.host, args.port, announce)
    finally:
        log.close()
    result = {
        "model": model,
        "version": deployed.deployment.version,
        "deployment": deployed.deployment.digest,
        "url": urls[0] if urls else None,
        "predictions": str(logs / model),
    }
    return Outcome(result, f"{name} is no longer served; its predictions are in {logs / model}")


def parse_release(text: str) -> tuple[str, str | None, int | None]:
    """`credit`, `credit@challenger` or `credit/3` as model, alias and version.

    Raises:
        BadInput: It reads like none of them.
    """
    found = re.fullmatch(r"([^/@\s]+)(?:@([^/@\s]+)|/(\d+))?", text)
    if not found:
        says = "expected MODEL, MODEL@ALIAS or MODEL/VERSION, for instance credit@champion."
        raise BadInput("Serve what?", [Fault(text, says)])
    model, alias, version = found.groups()
    if version:
        return model, None, int(version)
    return model, alias or "champion", None


def _trace(repo: Path, logs: Path, prediction_id: str) -> dict[str, Any]:
    from vendorkit.steps.trace import trace  # noqa: PLC0415

    return trace(repo, prediction_id, logs=logs).to_value()
