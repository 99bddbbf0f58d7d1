"""How a step that takes long says how far it is. Only the command line shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Takes how far something is, from any thread, as often as it likes."""

    def __call__(self, says: str, done: int, of: int | None = None) -> None:
        """Say it.

        Args:
            says: What is being done; the same words as long as it is the same thing.
            done: How much is done: rows, bytes, repositories.
            of: How much there is in all; None where nobody knows yet.
        """


def silent(says: str, done: int, of: int | None = None) -> None:
    """Say nothing."""
