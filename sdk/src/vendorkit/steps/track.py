"""Track: record a training run of the vendor's own script or notebook, under the platform's policy."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from vendorkit.standards.policy import code_formats
from vendorkit.tracking import recorder
from vendorkit.tracking.recorder import Recorder


def track(
    name: str = "train", *, model: str | None = None, repo: Path | None = None
) -> AbstractContextManager[Recorder]:
    """Record a training run.

    Args:
        name: The stage that is tracked.
        model: Id of the model surface; needed where the engagement has several.
        repo: The engagement; by default the nearest folder upwards with `engagement.yaml`.

    Raises:
        BadInput: There is no engagement or no such model, git does not know who trains, another run is being
            recorded, or a model's module trains while it is imported.
    """
    return recorder.track(name, model=model, repo=repo, allows=code_formats)
