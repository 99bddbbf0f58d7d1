"""The prediction log: every answered prediction in a folder, first in a journal, then in Parquet by time.

`journal` writes it, `find` looks one prediction up, `count` counts them by version, `last_use` tells when the last one
was; `rows` says what a row is. Ids are UUIDv7: their text order is time order, and one id is found in a few row groups.
"""

from vendorkit.adapters.predictions.count import Answered, count
from vendorkit.adapters.predictions.find import find, find_deployment
from vendorkit.adapters.predictions.journal import PredictionLog
from vendorkit.adapters.predictions.last_use import last_use
from vendorkit.adapters.predictions.rows import SCHEMA, LoggedPrediction, parse_id, write_rows

__all__ = [
    "SCHEMA",
    "Answered",
    "LoggedPrediction",
    "PredictionLog",
    "count",
    "find",
    "find_deployment",
    "last_use",
    "parse_id",
    "write_rows",
]
