"""The manifest, `engagement.yaml`: its sections as frozen values, its rules, and how it is read.

It declares; evidence proves. Nothing that a step could measure stands in it.
"""

from __future__ import annotations

from vendorkit.records.manifest.cautions import warnings
from vendorkit.records.manifest.delivery import Engagement, Handoff, Milestone, Waiver
from vendorkit.records.manifest.judging import GATE_KINDS, Benchmark, Gate, Reproduce
from vendorkit.records.manifest.load import Examined, examine, load_manifest
from vendorkit.records.manifest.model import Manifest
from vendorkit.records.manifest.operations import FailureModes, Operations
from vendorkit.records.manifest.people import Person
from vendorkit.records.manifest.surfaces import Dataset, Surface

__all__ = [
    "GATE_KINDS",
    "Benchmark",
    "Dataset",
    "Engagement",
    "Examined",
    "FailureModes",
    "Gate",
    "Handoff",
    "Manifest",
    "Milestone",
    "Operations",
    "Person",
    "Reproduce",
    "Surface",
    "Waiver",
    "examine",
    "load_manifest",
    "warnings",
]
