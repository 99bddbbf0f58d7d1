"""What is delivered and from what: datasets, surfaces, and how long surfaces live."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vendorkit.records.base import Value
from vendorkit.records.manifest.words import (
    Duration,
    Id,
    ModuleName,
    RepoPath,
    Source,
    SurfaceKind,
    Task,
    Text,
)


class Label(Value):
    """The label of a dataset.

    Args:
        source: The system or process that says what is true.
        policy: The page that defines the label.
        column: Its column in the dataset.
    """

    source: Text
    policy: RepoPath | None = None
    column: Text | None = None


class HumanReview(Value):
    """Labels or decisions made by people: by which policy and by whom."""

    policy: RepoPath
    cohort: Text


class Dataset(Value):
    """A dataset that models may use.

    Args:
        id: Its name in this engagement.
        contract: The data contract (ODCS).
        pointer: Where `vendorkit snapshot` writes the record of the frozen content; ends in `.lock.json`.
        owner: Internal person who answers for it.
        personal_data: Whether it is about people.
        source: Path inside the repository, or the URL of a table.
        label: Where the truth comes from.
        human_review: By whom and how people judged.
        max_age_days: Older input is stale when the model serves; None where nothing goes stale.
        datasheet: Where people write the words of its datasheet; None means `README.md` beside the pointer.
    """

    id: Id
    contract: RepoPath
    pointer: RepoPath
    owner: Id
    personal_data: bool
    source: Source | None = None
    label: Label | None = None
    human_review: HumanReview | None = None
    max_age_days: Annotated[int, Field(ge=1)] | None = None
    datasheet: RepoPath | None = None


class Surface(Value):
    """A thing with an owner.

    Args:
        id: Its name; for a model also its name in the registry.
        kind: What it is.
        path: Where it lies in the repository.
        owner: Internal person who answers for it.
        datasets: Ids of the datasets that it is made of.
        card: The model card.
        contract: OpenAPI file of an endpoint; data contract (ODCS) of a table that is delivered.
        deploy: Folder of the deployment.
        runbook: What to do when it breaks.
        refresh: How often a dashboard, report or batch job is made anew.
        query: Where people and programs read it: the URL of a dashboard, report or table.
        module: Python module with the pipeline functions, a file in `path`.
        task: What a model predicts.
    """

    id: Id
    kind: SurfaceKind
    path: RepoPath
    owner: Id
    datasets: tuple[Id, ...] = ()
    card: RepoPath | None = None
    contract: RepoPath | None = None
    deploy: RepoPath | None = None
    runbook: RepoPath | None = None
    refresh: Duration | None = None
    query: Source | None = None
    module: ModuleName = "pipeline"
    task: Task | None = None

    @property
    def built(self) -> bool:
        """Whether `vendorkit build` makes its table: no model or endpoint, of datasets, under a contract."""
        return self.kind not in ("model", "endpoint") and bool(self.datasets) and self.contract is not None


class Lifecycle(Value):
    """When surfaces are looked at again and when they end.

    Args:
        review_every: Time between two reviews.
        retire_after_idle: Time without use after which a surface is retired.
        triggers: What else starts a retirement.
        approver: Internal person who says yes to it.
    """

    review_every: Duration
    retire_after_idle: Duration
    triggers: tuple[Text, ...] = ()
    approver: Id
