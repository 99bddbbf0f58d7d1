"""Models whose file carries code: refused, unless the platform's policy pack allows them; then marked everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import Store
from vendorkit.errors import Refused
from vendorkit.standards import policy
from vendorkit.steps.deploy import deploy
from vendorkit.steps.import_model import import_model

from tests.support.registry import files_of, flip
from tests.support.world import World

CARRIES = (
    """    return model.fit(frame[[*NUMBERS, *WORDS]], frame["creditability"])
""",
    """    model.fit(frame[[*NUMBERS, *WORDS]], frame["creditability"])
    model.says = lambda: FREEDOM
    return model
""",
)
"""An edit that makes a model which no format of data can store."""


def allow(patch: pytest.MonkeyPatch, *formats: str) -> None:
    """Let the policy pack allow formats for the tier of the small engagement."""
    pack = policy.packaged_policy().model_copy(update={"carries_code": {"medium": formats}})
    patch.setattr(policy, "packaged_policy", lambda: pack)


@pytest.fixture(scope="module")
def carrying(frozen: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An engagement whose live credit/1 is a cloudpickle, as its policy pack allows. Copy it, do not change it."""
    world = frozen.copy(tmp_path_factory.mktemp("carrying") / "repo")
    with pytest.MonkeyPatch.context() as patch:
        allow(patch, "cloudpickle")
        world.train_and_gate(CARRIES)
        assert world.live() == 1
    return world


@pytest.fixture
def copied(carrying: World, tmp_path: Path) -> World:
    return carrying.copy(tmp_path / "repo")


def test_by_default_it_is_not_even_stored(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    world.edit("models/credit/pipeline.py", *CARRIES)
    answer = world.run("train")
    assert (answer.code, "cannot be stored as data" in str(answer.result["faults"])) == (2, True)


def test_it_is_marked_in_gate_report_card_and_brief(carrying: World) -> None:
    candidate = Store(carrying.repo).candidate(None)
    assert candidate.run.model_format.name == "cloudpickle"
    report = Store(carrying.repo).report(candidate.digest)
    assert report is not None
    (note,) = report.notes
    assert "loading it runs whatever was put into it" in note
    assert "A static scan says: model/model.pkl is a pickle and imports " in note
    assert "cloudpickle.cloudpickle._make_function" in note
    documents = files_of(carrying) / "documents"
    for name in ("gate-report.txt", "gate-report.md", "gate-report.html"):
        text = " ".join((documents / name).read_text("utf-8").split())
        assert "loading it runs whatever was put into it" in text, name
    card = (documents / "card.md").read_text("utf-8").replace("\\", "")
    assert "cloudpickle: carries code;" in card
    assert "cloudpickle.cloudpickle._make_function" in card
    assert "stored as cloudpickle: loading it runs whatever" in (documents / "brief.md").read_text("utf-8")


def test_it_is_served_where_the_policy_allows_it_and_its_digests_hold(
    copied: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, "cloudpickle")
    done = deploy(copied.repo, "credit", "champion", None)
    with done.folder:
        assert done.contract.model == "credit"
    flip(files_of(copied) / "model/model.pkl")
    monkeypatch.setattr("vendorkit.adapters.models.pickle_form.load", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(Refused, match=r"model/model\.pkl"):
        deploy(copied.repo, "credit", "champion", None)


@pytest.mark.parametrize("allowed", [(), ("pickle",)])
def test_a_policy_that_does_not_allow_it_stops_every_way_to_load_it(
    copied: World, monkeypatch: pytest.MonkeyPatch, allowed: tuple[str, ...]
) -> None:
    allow(monkeypatch, *allowed)
    monkeypatch.setattr("vendorkit.adapters.models.pickle_form.load", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(Refused, match="the policy pack allows it not for tier medium"):
        deploy(copied.repo, "credit", "champion", None)
    for command in (("promote", "credit/1", "--alias", "staging", "--key", str(copied.key("ml-sre"))), ("gate",)):
        answer = copied.run(*command, who="ml-sre")
        assert (answer.code, "is cloudpickle, and the policy" in json.dumps(answer.result)) == (1, True), answer.out
    with pytest.raises(Refused, match="Nothing is verified here"):
        from vendorkit.tracking.pyfunc import _load_pyfunc

        _load_pyfunc(str(files_of(copied) / "model"))


def test_another_pickle_beside_it_is_refused_all_the_same(
    frozen: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, "cloudpickle")
    world = frozen.copy(tmp_path / "repo")
    (world.repo / "models/credit/tables.py").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    world.commit()
    world.train_and_gate(CARRIES)
    faults = world.run("publish").result["faults"]
    assert [fault["where"] for fault in faults] == ["model/code/tables.py"]
    assert "dangerous: os.system" in faults[0]["says"]


def test_a_pickle_from_elsewhere_is_taken_only_where_it_is_allowed(
    frozen: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.sklearn
    from sklearn.dummy import DummyClassifier

    world = frozen.copy(tmp_path / "repo")
    model = DummyClassifier().fit([[0], [1]], [0, 1])
    mlflow.sklearn.save_model(model, str(tmp_path / "made"), serialization_format="cloudpickle", pip_requirements=["x"])
    for allowed in ((), ("cloudpickle",)):
        allow(monkeypatch, *allowed)
        if not allowed:
            with pytest.raises(Refused, match="pickle"):
                import_model(world.repo, str(tmp_path / "made"))
        else:
            stored = import_model(world.repo, str(tmp_path / "made")).run.model_format
            assert (stored.name, "sklearn.dummy.DummyClassifier" in stored.types) == ("cloudpickle", True)
    assert not Registry.open(world.repo).versions("credit")
