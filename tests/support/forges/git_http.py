"""Git over HTTP for the fake forge: the bare repositories of a folder, through git's own `http-backend`."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

PATH = re.compile(r"/(.+)\.git/(info/refs|git-upload-pack|git-receive-pack)")


def signed_in(headers: Mapping[str, str], token: str) -> bool:
    """Whether a request carries the token as its password."""
    _, _, encoded = headers.get("authorization", "").partition(" ")
    return base64.b64decode(encoded).decode().partition(":")[2] == token


def answer(
    root: Path, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and bytes that git answers with."""
    environment = {
        **os.environ,
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "REMOTE_USER": "somebody",
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
    }
    done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False)
    head, _, data = done.stdout.partition(b"\r\n\r\n")
    told = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    return int(told.pop("Status", "200").split()[0]), told, data
