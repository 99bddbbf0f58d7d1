"""Writes the log of a bug: the one thing that shows a stack trace, and only in a file."""

from __future__ import annotations

import platform
import shlex
import tempfile
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from vendorkit.errors import VendorkitError


def report_bug(command: str, arguments: Sequence[str], error: Exception) -> VendorkitError:
    """Write a log file about an unexpected error; gives the error to show instead."""
    says = f"This is a bug in vendorkit: {type(error).__name__}: {error}"
    head = f"vendorkit {version('vendorkit')}, Python {platform.python_version()}, {platform.platform()}\n"
    trace = "".join(traceback.format_exception(error))
    try:
        log = Path(tempfile.mkdtemp(prefix="vendorkit-bug-")) / "log.txt"
        log.write_text(f"{head}vendorkit {command} {shlex.join(arguments)}\n\n{trace}", "utf-8", "backslashreplace")
    except OSError as full:
        return VendorkitError(says, fix=f"Please report it. No log could be written: {full}.")
    return VendorkitError(says, fix=f"Please report it and attach {log}")
