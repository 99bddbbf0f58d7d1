"""Renders the template of this repository for tests, each set of answers once."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from vendorkit.adapters import template

REPOSITORY = Path(__file__).parents[2]
STARTS = "2026-09-01"
EVERY = ["model", "features", "dataset", "report", "batch"]

COMBINATIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "gitlab, medium": {"forge": "gitlab", "tier": "medium", "operating_model": "internal-only"},
    "azure, low": {"forge": "azure", "tier": "low", "deliverables": ["model", "batch"]},
    "names": {"title": "Zins & Tilgung (2026): A/B", "client": "Bank für Ö+U", "vendor": "Hof, L. & Co."},
    "demand": {"starter": "demand-forecasting"},
    "demand, high": {"starter": "demand-forecasting", "tier": "high", "forge": "gitlab"},
    "credit, all": {"deliverables": ["model", "features", "dataset", "report", "batch"], "forge": "azure"},
    "demand, tables": {"starter": "demand-forecasting", "deliverables": ["features", "dataset", "report", "batch"]},
    "blank": {"starter": "blank"},
    "blank regression": {"starter": "blank", "task": "regression", "forge": "gitlab", "tier": "low"},
    "blank multiclass": {"starter": "blank", "task": "multiclass", "forge": "azure", "tier": "medium"},
    "blank forecasting": {"starter": "blank", "task": "forecasting", "deliverables": ["model", "report"]},
    "everything": {
        "starter": "blank",
        "deliverables": EVERY,
        "operating_model": "embedded-pod",
    },
    "images, github": {"container_registry": "ghcr", "client": "Bank"},
    "images, gitlab": {"container_registry": "gitlab", "forge": "gitlab", "starter": "blank", "tier": "low"},
    "images, azure": {
        "container_registry": "acr",
        "forge": "azure",
        "mlflow_address": "http://mlflow:5000",
        "image_source": "mirror.bank.example/docker-hub",
    },
    "images elsewhere": {"container_registry": "other", "image_address": "localhost:5000/a/b", "deliverables": EVERY},
    "no model": {"starter": "blank", "deliverables": ["dataset", "report"], "operating_model": "vendor-only"},
}


@cache
def plain_template() -> Path:
    """A copy of the template outside of git."""
    home = Path(tempfile.mkdtemp(prefix="vendorkit-template-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    shutil.copyfile(REPOSITORY / "copier.yml", home / "copier.yml")
    shutil.copytree(REPOSITORY / "template", home / "template")
    return home


def rendered(**answers: Any) -> Path:
    """A folder with what the template makes of these answers; not to be changed."""
    return _rendered(json.dumps({"starts": STARTS} | answers))


@cache
def _rendered(answers: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="vendorkit-rendered-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    template.render(str(plain_template()), None, folder, json.loads(answers))
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Path below the folder to the file's bytes."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
