"""How MLflow is talked to: its errors become ours, without passwords; what stood in another's way is tried again."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlflow.store.db.utils
from mlflow.exceptions import MlflowException

from vendorkit.errors import Fault, Unavailable

mlflow.store.db.utils.MAX_RETRY_COUNT = 4  # ten, as it comes, let a missing database keep people waiting for 102 s
for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)

ASK = "Is it up, and is MLFLOW_TRACKING_URI (unset: the embedded one) right? Then try again."
LOG_IN = (
    "Log in again (a new MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD), then run "
    "the same command: it goes on where it stopped."
)
MAKE_ROOM = "Make room there, then run the same command: it goes on where it stopped."
_NOT_LET_IN = re.compile(
    r"\b40[13] (?:!= 200|Client Error)|\b(?:UNAUTHENTICATED|PERMISSION_DENIED|invalid_token|insufficient_scope)\b"
)
"""MLflow's client keeps the status of an answer only where its body is no JSON; else the body's own words are left
(MLflow's, or those of RFC 6750 where a gateway asks who it is)."""
_UNREACHED = re.compile(r"Max retries exceeded with url: \S+ \(Caused by (.+)\)")
"""What `requests` says at length when nobody answers; the cause at its end is what helps."""
_ATTEMPTS = 8


@contextmanager
def talking(uri: str) -> Iterator[None]:
    """Turn whatever MLflow and what lies under it raise into `Unavailable`."""
    try:
        yield
    except ImportError as error:
        fix = "Install it in the environment that runs vendorkit."
        raise _unavailable(uri, "needs a driver that is not installed", fix, error) from error
    except (MlflowException, OSError) as error:
        raise _unavailable(uri, *_kind_of(error), error) from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("sqlalchemy", "requests", "urllib3", "sqlite3"):
            raise
        raise _unavailable(uri, *_kind_of(error), error) from error


def _kind_of(error: Exception) -> tuple[str, str]:
    """What failed, and what to do about it, as far as the error's own words tell."""
    says = str(error)
    if _NOT_LET_IN.search(says):
        return "does not accept your login", LOG_IN
    if _UNREACHED.search(says):
        return "does not answer", ASK
    full = ("No space left on device", "database or disk is full", "File too large", "Disk quota exceeded")
    if any(words in says for words in full):
        return "has no room left", MAKE_ROOM
    return "does not do what it should", ASK


def _unavailable(uri: str, what: str, fix: str, error: Exception) -> Unavailable:
    return Unavailable(f"The registry at {shown(uri)} {what}.", [Fault("mlflow", own_words(error))], fix=fix)


def own_words(error: Exception) -> str:
    """An error's own words on one line, without passwords."""
    text = " ".join(str(error).split()) or type(error).__name__
    unreached = _UNREACHED.search(text)
    return shown(unreached[1] if unreached else text)[:400]


def shown(text: str) -> str:
    """A text without the passwords and tokens of the addresses in it."""
    return re.sub(r"(password=)[^&\s]+", r"\1***", re.sub(r"://[^/\s]*@", "://***@", text))


def insist(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call MLflow, and again where another process was in the way: it locked the database, or took the number."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return call(*arguments, **named)
        except MlflowException as error:
            if not any(words in str(error) for words in ("database is locked", "Giving up after", "IntegrityError")):
                raise
            time.sleep(random.uniform(0.5, 1.5) * 0.05 * attempt)  # noqa: S311  (not the same moment for all)
    return call(*arguments, **named)
