"""What differs between two releases, part by part, as plain sentences: the ground of release notes and brief."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from vendorkit.documents.plain import figure
from vendorkit.records.contract import Behaviour
from vendorkit.records.dossier import Dossier
from vendorkit.records.features import Feature
from vendorkit.records.manifest import Gate


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Args:
        part: `features`, `data`, `packages`, `gates`, `results`, `training`, `contract`.
        what: What of it.
        before: As it was; empty where it is new.
        after: As it is; empty where it is gone.
        risk: Why a reader should look twice; empty where they need not.
    """

    part: str
    what: str
    before: str
    after: str
    risk: str = ""

    @property
    def says(self) -> str:
        """The difference in words."""
        if not self.before:
            return f"{self.what} added: {self.after}"
        return f"{self.what} removed" if not self.after else f"{self.what} {self.after}, before {self.before}"


def differences(before: Dossier, after: Dossier) -> tuple[Difference, ...]:
    """Everything that differs between two releases of a model."""
    makers = (_features, _data, _packages, _gates, _results, _training, _contract)
    return tuple(found for maker in makers for found in maker(before, after))


def _changed(
    part: str,
    before: Mapping[str, str],
    after: Mapping[str, str],
    risk: Callable[[str, str, str], str] = lambda _name, _was, _is: "",
) -> Iterator[Difference]:
    """Entries that came, went or changed, in the order of what is there now."""
    for name in dict.fromkeys([*after, *before]):
        was, is_ = before.get(name, ""), after.get(name, "")
        if was != is_:
            yield Difference(part, name, was, is_, risk(name, was, is_))


def _features(before: Dossier, after: Dossier) -> Iterator[Difference]:
    def told(dossier: Dossier) -> dict[str, str]:
        return {each.name: described(each) for each in dossier.features.features}

    yield from _changed("features", told(before), told(after))
    if before.features.definition != after.features.definition:
        yield Difference(
            "features", "the code that makes them", before.run.code.commit[:12], after.run.code.commit[:12]
        )


def described(feature: Feature) -> str:
    """Type, range and gaps of a feature."""
    seen = ""
    if feature.minimum is not None and feature.maximum is not None:
        seen = f", {figure(feature.minimum)} to {figure(feature.maximum)}"
    elif feature.categories is not None:
        seen = f", {len(feature.categories)} categories"
    return f"{feature.type}{seen}{', may be missing' if feature.nullable else ''}"


def _data(before: Dossier, after: Dossier) -> Iterator[Difference]:
    def told(dossier: Dossier) -> dict[str, str]:
        return {each.dataset: f"{each.rows:,} rows, content {each.content_digest[:19]}" for each in dossier.run.inputs}

    yield from _changed("data", told(before), told(after))


def _packages(before: Dossier, after: Dossier) -> Iterator[Difference]:
    yield from _changed("packages", before.packages, after.packages)
    was, is_ = before.run.environment.python, after.run.environment.python
    yield from _changed("packages", {"Python": was}, {"Python": is_})


def _gates(before: Dossier, after: Dossier) -> Iterator[Difference]:
    old, new = ({gate.id: gate for gate in each.manifest.gates_for(each.run.model)} for each in (before, after))

    def risk(name: str, _was: str, _is: str) -> str:
        if name not in new:
            return "a gate that the live version had to pass is gone"
        return (
            "the limit is looser than for the live version" if name in old and _loosened(old[name], new[name]) else ""
        )

    yield from _changed("gates", {k: limits(v) for k, v in old.items()}, {k: limits(v) for k, v in new.items()}, risk)
    for name in new:
        if name in old and (was := _question(old[name])) != (is_ := _question(new[name])):
            yield Difference("gates", f"what {name} asks", was, is_, "the live version was asked something else")
    yield from _changed("gates", _platform(before), _platform(after))


def _platform(dossier: Dossier) -> dict[str, str]:
    """The gates that the platform itself set, with their limits; they stand in the report only."""
    results = dossier.report.results if dossier.report else ()
    return {each.id: _limits(each.least, each.most, each.most_drop) for each in results if each.origin == "platform"}


def limits(gate: Gate) -> str:
    """The limits of a gate in words."""
    return _limits(gate.min, gate.max, gate.max_drop_vs_current)


def _question(gate: Gate) -> str:
    """What a gate measures of which rows; its limits aside."""
    said = [gate.metric or gate.kind, *([f"for {gate.slice}"] if gate.slice else [])]
    return " ".join([*said, *([f"on {gate.benchmark}"] if gate.benchmark else [])])


def _limits(least: float | None, most: float | None, drop: float | None) -> str:
    said = [f"at least {figure(least)}"] if least is not None else []
    said += [f"at most {figure(most)}"] if most is not None else []
    said += [f"at most {figure(drop)} worse than the live version"] if drop is not None else []
    return " and ".join(said) or "always the same"


def _loosened(old: Gate, new: Gate) -> bool:
    def looser(was: float | None, is_: float | None, sign: int) -> bool:
        return was is not None and (is_ is None or sign * is_ < sign * was)

    return (
        looser(old.min, new.min, 1)
        or looser(old.max, new.max, -1)
        or looser(old.max_drop_vs_current, new.max_drop_vs_current, -1)
    )


def _results(before: Dossier, after: Dossier) -> Iterator[Difference]:
    """Metrics side by side; what the gates measured of the live version now counts before its own report."""
    old = {result.id: result.value for result in (before.report.results if before.report else ())}
    for result in after.report.results if after.report else ():
        was = result.previous if result.previous is not None else old.get(result.id)
        if result.value is not None and was is not None and was != result.value:
            name = f"{result.metric or result.kind} ({result.id})"
            yield Difference("results", name, figure(was), figure(result.value))


def _training(before: Dossier, after: Dossier) -> Iterator[Difference]:
    def told(dossier: Dossier) -> dict[str, str]:
        run = dossier.run
        label = f"{run.label.column} by {run.label.source}" if run.label else ""
        return {
            "code": run.code.commit[:12],
            "seed": str(run.seed),
            "label": label,
            "model format": run.model_format.name,
            **{f"filter {each.name}": each.reason or "no reason given" for each in run.filters},
            **{f"parameter {name}": str(value) for name, value in run.parameters.items()},
        }

    yield from _changed("training", told(before), told(after))


def _contract(before: Dossier, after: Dossier) -> Iterator[Difference]:
    """What callers notice: fields that they must send now or no longer, and what happens to unfit input.

    A field must be there also where it may be null.
    """
    old, new = ({field.name: field for field in each.contract.fields} for each in (before, after))
    refused = after.contract.behaviour.missing == Behaviour().missing
    for name, field in new.items():
        was = old.get(name)
        if was is None:
            risk = "callers that do not send it will be refused" if refused else ""
            yield Difference("contract", f"field {name}", "", field.type, risk)
        elif was.type != field.type:
            yield Difference("contract", f"field {name}", was.type, field.type, "callers send another type today")
        elif was.nullable and not field.nullable:
            risk = "callers that send null will be refused" if refused else ""
            yield Difference("contract", f"field {name}", f"{was.type} or null", field.type, risk)
    for name, field in old.items():
        if name not in new:
            yield Difference("contract", f"field {name}", field.type, "", "callers send it for nothing")
    modes, now = before.contract.behaviour.model_dump(), after.contract.behaviour.model_dump()
    yield from _changed(
        "contract",
        {f"{key.replace('_', ' ')} input": value for key, value in modes.items()},
        {f"{key.replace('_', ' ')} input": value for key, value in now.items()},
    )
