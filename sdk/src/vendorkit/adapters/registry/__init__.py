"""The model registry: MLflow, embedded (a SQLite file and a folder) or a server. Only this package imports it.

What lies in it for a model `credit`: the registered model `credit`, whose versions point to the files of a
release and carry its digests as tags; and the registered model `credit.decisions`, whose versions are the
signed decisions about `credit`, one each, in the order in which the database accepted them. Version numbers of
MLflow are given by one transaction, so that this log is the compare-and-set that MLflow's aliases lack.
"""

from __future__ import annotations

import os

os.environ |= {  # MLflow reads these when it is imported
    "MLFLOW_DISABLE_TELEMETRY": "true",  # a registry entry is nobody else's business
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output is ours
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # a log is no terminal
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a person waits: say soon that it does not answer
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    **os.environ,
}

from vendorkit.adapters.registry.client import Registry, Version
from vendorkit.adapters.registry.connection import ASK
from vendorkit.adapters.registry.description import describe_model
from vendorkit.adapters.registry.embedded import EMBEDDED

__all__ = ["ASK", "EMBEDDED", "Registry", "Version", "describe_model"]
