"""Verifying a release: every file of it, every record, every link; nothing of it is run or loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import list_files, read_record
from vendorkit.errors import BadInput, Refused
from vendorkit.records.gate_report import GateReport
from vendorkit.records.release import Release
from vendorkit.trust.releases import find_version, verify_release

from tests.support.registry import files_of, flip, registry_of, write
from tests.support.world import World


def verify(world: World, folder: Path) -> None:
    registry = registry_of(world)
    verify_release(registry, find_version(registry, "credit", 1), folder)


def why_not(world: World, folder: Path) -> list[str]:
    with pytest.raises(Refused) as told:
        verify(world, folder)
    return [fault.where for fault in told.value.faults]


def test_a_release_is_whole(live: World, tmp_path: Path) -> None:
    registry = registry_of(live)
    found = verify_release(registry, find_version(registry, "credit", 1), tmp_path / "fetched")
    assert found.release.digest == found.version.tags["release"]
    assert found.subject.authors == {"ml@acme.example"}
    assert {artifact.path for artifact in found.release.files} >= {
        "model/model.skops",
        "model/code/pipeline.py",
        "records/run.json",
        "engagement/uv.lock",
    }


def test_one_changed_byte_in_any_file_is_found_and_the_file_named(live: World, tmp_path: Path) -> None:
    folder = files_of(live)
    paths = [artifact.path for artifact in list_files(folder)]
    assert len(paths) > 12
    for number, path in enumerate(paths):
        flip(folder / path)
        assert any(path in where for where in why_not(live, tmp_path / str(number))), path
        flip(folder / path)
    verify(live, tmp_path / "mended")


def test_every_missing_file_is_named(live: World, tmp_path: Path) -> None:
    folder = files_of(live)
    for path in ("model/model.skops", "records/contract.json", "engagement/engagement.yaml"):
        (folder / path).unlink()
    gone = why_not(live, tmp_path / "fetched")
    assert gone == ["engagement/engagement.yaml", "model/model.skops", "records/contract.json"]


@pytest.mark.parametrize(
    "path", ["model/code/numpy.py", "model/.hidden", "model/code/__pycache__/pipeline.cpython-311.pyc"]
)
def test_every_added_file_is_named(live: World, tmp_path: Path, path: str) -> None:
    added = files_of(live) / path
    added.parent.mkdir(exist_ok=True)
    added.write_text("raise SystemExit")
    assert why_not(live, tmp_path / "fetched") == [path]


def test_files_that_are_gone_are_a_refusal(live: World, tmp_path: Path) -> None:
    shutil.rmtree(files_of(live))
    assert why_not(live, tmp_path / "fetched") == ["credit/1"]


def test_a_folder_in_place_of_a_record_is_a_refusal(live: World, tmp_path: Path) -> None:
    record = files_of(live) / "records/snapshots/applications.json"
    record.unlink()
    record.mkdir()
    (record / "x").write_text("x")
    assert set(why_not(live, tmp_path / "fetched")) == {
        "records/snapshots/applications.json",
        "records/snapshots/applications.json/x",
    }


def rewrite_release(world: World, **changes: object) -> None:
    """Change the release record and let the registry's tag say so too: only the records' links are left to tell."""
    folder = files_of(world)
    release = read_record(Release, folder / "release.json").model_copy(update=changes)
    files = tuple(artifact for artifact in list_files(folder) if artifact.path != "release.json")
    release = release.model_copy(update={"files": files})
    (folder / "release.json").write_bytes(release.to_bytes())
    statement = "UPDATE model_version_tags SET value = ? WHERE name = 'credit' AND key = 'vendorkit.release'"
    write(world, statement, release.digest)


@pytest.mark.parametrize("link", ["candidate", "gate_report", "features", "contract"])
def test_a_record_that_is_not_the_one_named_is_found(live: World, tmp_path: Path, link: str) -> None:
    rewrite_release(live, **{link: "sha256:" + "0" * 64})
    assert any(link.replace("_", " ") in where for where in why_not(live, tmp_path / "fetched"))


def test_a_release_of_another_model_is_found(live: World, tmp_path: Path) -> None:
    rewrite_release(live, model="other")
    assert why_not(live, tmp_path / "fetched") == ["model", "run's model"]


def test_code_that_was_not_there_at_training_is_found(live: World, tmp_path: Path) -> None:
    (files_of(live) / "model/code/json.py").write_text("loads = None\n")
    rewrite_release(live)
    assert why_not(live, tmp_path / "fetched") == ["model/code/json.py"]


def test_a_model_that_is_not_the_trained_one_is_found(live: World, tmp_path: Path) -> None:
    flip(files_of(live) / "model/model.skops")
    rewrite_release(live)
    assert why_not(live, tmp_path / "fetched") == ["model/model.skops"]


def test_snapshots_that_are_not_those_of_the_run_are_found(live: World, tmp_path: Path) -> None:
    rewrite_release(live, snapshots=("sha256:" + "0" * 64,))
    assert why_not(live, tmp_path / "fetched") == ["snapshots", "run's inputs"]


def test_a_gate_report_that_is_no_pass_is_found(live: World, tmp_path: Path) -> None:
    path = files_of(live) / "records/gate-report.json"
    report = read_record(GateReport, path).model_copy(update={"passed": False})
    path.write_bytes(report.to_bytes())
    rewrite_release(live, gate_report=report.digest)
    assert why_not(live, tmp_path / "fetched") == ["gate report tag", "gate report"]


def test_a_version_made_by_hand_is_none_of_ours(live: World, tmp_path: Path) -> None:
    client = registry_of(live)._client
    client.create_model_version("credit", "file:///nowhere/model")
    registry = registry_of(live)
    with pytest.raises(Refused, match="was not published by vendorkit"):
        verify_release(registry, find_version(registry, "credit", 2), tmp_path)


def test_an_unknown_version_says_which_there_are(live: World) -> None:
    with pytest.raises(BadInput, match=r"credit/7: is not registered; there is: 1\."):
        find_version(registry_of(live), "credit", 7)
    with pytest.raises(BadInput, match=r"there is: none"):
        find_version(registry_of(live), "cre'dit", 10**30)


def test_a_record_of_another_kind_is_a_refusal(live: World, tmp_path: Path) -> None:
    folder = files_of(live)
    value = json.loads((folder / "release.json").read_text())
    (folder / "release.json").write_text(json.dumps({**value, "schema": "vendorkit/other/1", "more": 1}))
    where = why_not(live, tmp_path / "fetched")
    assert where == ["release.json: schema", "release.json: more"]


class Counting(Registry):
    """A registry that counts its downloads."""

    downloads = 0

    def download(self, version: Version, folder: Path) -> Path:
        self.downloads += 1
        return super().download(version, folder)


def test_verifying_fetches_once(live: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Counting.open(live.repo)
    assert isinstance(registry, Counting)
    monkeypatch.setattr(registry, "folder", lambda _: None)  # as if it lay at a server
    verify_release(registry, find_version(registry, "credit", 1), tmp_path / "fetched")
    assert registry.downloads == 1


def test_what_lies_here_is_copied_only_where_it_is_used(live: World, tmp_path: Path) -> None:
    registry, place = registry_of(live), files_of(live)
    version = find_version(registry, "credit", 1)
    looked_at = verify_release(registry, version, tmp_path / "fetched", used=False)
    assert (looked_at.folder, (tmp_path / "fetched").exists()) == (place, False)
    copied = verify_release(registry, version, tmp_path / "fetched")
    assert (copied.folder, copied.release) == (tmp_path / "fetched", looked_at.release)
    flip(place / "model/model.skops")
    for used in (True, False):
        with pytest.raises(Refused, match=r"model/model\.skops"):
            verify_release(registry, version, tmp_path / f"again-{used}", used=used)
