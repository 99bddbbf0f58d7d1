"""Export and import: identical bytes there and back, and nothing that was changed on the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from vendorkit.errors import BadInput, Refused
from vendorkit.records.bundle import Bundle
from vendorkit.steps.deploy import deploy
from vendorkit.steps.export import export
from vendorkit.steps.import_ import import_bundle

from tests.support.registry import files_of, flip, log, registry_of, rewrite_decision, state
from tests.support.shared import shared_schema
from tests.support.world import World


def empty(world: World, folder: Path) -> World:
    """A clone of an engagement without any registry."""
    shutil.copytree(world.repo, folder, symlinks=True, ignore=shutil.ignore_patterns(".vendorkit"))
    return World(folder, world.keys)


@pytest.fixture(scope="module")
def exported(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """credit/1 in both forms. Copy it, do not change it."""
    target = tmp_path_factory.mktemp("exported") / "both"
    done = promoted.ok("export", "credit/1", "--to", str(target), "--as", "folder,oci")
    assert done["places"] == {"folder": str(target / "folder"), "oci": str(target / "oci")}
    return target


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    """An own bundle as a folder."""
    return Path(shutil.copytree(exported / "folder", tmp_path / "bundle"))


@pytest.fixture
def target(promoted: World, tmp_path: Path) -> World:
    """An own clone of the engagement with an empty registry."""
    return empty(promoted, tmp_path / "target")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reindex(folder: Path, **changes: Any) -> None:
    """Write the index and the sums anew, as somebody would who forges a bundle."""
    from vendorkit.adapters.store import list_files

    value = json.loads((folder / "bundle.json").read_text())
    value.pop("schema")
    listed = [file for file in list_files(folder) if file.path not in ("bundle.json", "SHA256SUMS")]
    value["files"] = [file.model_dump() for file in listed]
    made = Bundle.model_validate_json(json.dumps({**value, **changes}))
    (folder / "bundle.json").write_bytes(made.to_bytes())
    (folder / "SHA256SUMS").write_text(made.sums())


def refused(target: World, folder: Path, kind: type[Exception] = Refused) -> str:
    """Import what must not be; gives the reason. The registry is not even made."""
    with pytest.raises(kind) as caught:
        import_bundle(target.repo, folder)
    assert registry_of(target).versions("credit") == []
    assert not (target.repo / ".vendorkit/importing").exists()
    return str(caught.value)


@pytest.mark.parametrize("form", ["folder", "oci"])
def test_import_and_export_again_give_identical_bytes(exported: Path, target: World, tmp_path: Path, form: str) -> None:
    done = target.ok("import", str(exported / form), who="ml-sre")
    assert (done["version"], done["created"], done["decisions"], done["aliases"]) == (1, True, 2, ["champion"])
    target.ok("export", "credit/1", "--to", str(tmp_path / "again"), "--as", "folder,oci")
    assert files(tmp_path / "again") == files(exported)


def test_another_registry_takes_it_and_gives_identical_bytes(
    exported: Path, target: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry that MLflow's own variables name, with a store of files of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    monkeypatch.chdir(tmp_path)
    done = import_bundle(target.repo, exported / "folder")
    assert (done.version.name, done.created, done.aliases) == ("credit/1", True, ("champion",))
    assert not (target.repo / ".vendorkit/registry").exists()
    export(target.repo, "credit", 1, tmp_path / "again", ("folder", "oci"))
    assert files(tmp_path / "again") == files(exported)


def test_importing_again_changes_nothing(exported: Path, target: World) -> None:
    first = target.ok("import", str(exported / "folder"))
    before = state(target)
    again = target.ok("import", str(exported / "oci"))
    assert (again["created"], again["decisions"], again["aliases"]) == (False, 0, [])
    assert (again["version"], again["bundle"]) == (first["version"], first["bundle"])
    assert state(target) == before


def test_approvals_survive_and_the_release_is_served(exported: Path, target: World) -> None:
    target.ok("import", str(exported / "folder"))
    (line,) = target.ok("releases")["releases"]
    assert (line["status"], line["approvals"]) == ("live", ["model-risk"])
    assert target.ok("trace", "credit/1")["complete"] is True
    deploy(target.repo, "credit", "champion", None).folder.cleanup()


def test_everything_is_in_it_and_other_tools_can_verify_it(exported: Path) -> None:
    folder = exported / "folder"
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(files(folder)) - 1
    training = json.loads((folder / "training.json").read_text())
    assert training["seed"] == 20260901
    assert training["inputs"][0]["dataset"] == "applications"
    deployment = json.loads((folder / "deployment.json").read_text())
    for name in (
        deployment["contract"],
        deployment["predict"],
        deployment["requirements"],
        deployment["model"]["folder"],
    ):
        assert (folder / name).exists()
    events = [json.loads(line) for line in (folder / "lineage/openlineage.ndjson").read_text().splitlines()]
    assert {event["eventType"] for event in events} >= {"COMPLETE"}
    assert json.loads((folder / "lineage/bom.cdx.json").read_text())["bomFormat"] == "CycloneDX"
    modes = {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*") if path.is_file()}
    assert modes == {"0o644"}
    assert len({path.stat().st_mtime for path in exported.rglob("*")}) == 1


def test_a_second_version_keeps_its_number_and_both_come_in_order(promoted: World, tmp_path: Path) -> None:
    world = promoted.copy(tmp_path / "repo")
    world.train_and_gate(("FREEDOM = 1.0", "FREEDOM = 2.0"))
    assert world.live() == 2
    for number in (1, 2):
        world.ok("export", f"credit/{number}", "--to", str(tmp_path / f"credit-{number}"))
    ordered = empty(world, tmp_path / "ordered")
    assert ordered.ok("import", str(tmp_path / "credit-1"))["aliases"] == []  # the log says that 2 is live
    assert ordered.ok("import", str(tmp_path / "credit-2"))["aliases"] == ["champion"]
    assert ordered.ok("releases") == {
        "releases": [
            {**ours, "created_at": theirs["created_at"]}
            for ours, theirs in zip(world.ok("releases")["releases"], ordered.ok("releases")["releases"], strict=True)
        ]
    }
    alone = empty(world, tmp_path / "alone")
    assert alone.ok("import", str(tmp_path / "credit-2"))["version"] == 2
    answer = alone.run("import", str(tmp_path / "credit-1"))
    assert answer.code == 1
    assert "credit/2" in answer.out
    assert "--without-decisions" in answer.out
    bare = alone.ok("import", str(tmp_path / "credit-1"), "--without-decisions")
    assert (bare["version"], bare["decisions"]) == (3, 0)
    assert [line["status"] for line in alone.ok("releases")["releases"]] == ["live", "approved"]  # by digests


def test_a_log_that_went_another_way_is_not_mixed(exported: Path, gated: World, tmp_path: Path) -> None:
    world = gated.copy(tmp_path / "repo")
    world.ok("publish")
    assert world.decide("refuse", "credit/1", "model-risk", "--reason", "too old").code == 0
    before = state(world)
    with pytest.raises(Refused) as caught:
        import_bundle(world.repo, exported / "folder")
    assert "credit" in str(caught.value)
    with pytest.raises(Refused, match="decide about credit/1 anew"):  # the same candidate, published twice
        import_bundle(world.repo, exported / "folder", with_decisions=False)
    assert state(world) == before


def test_a_flipped_bit_in_any_file_is_found_and_named(bundle: Path, target: World) -> None:
    for name in sorted(files(bundle)):
        flip(bundle / name)
        with pytest.raises((Refused, BadInput)) as caught:
            import_bundle(target.repo, bundle)
        assert name in str(caught.value) or name in ("bundle.json", "SHA256SUMS"), name
        assert "bundle.json" in str(caught.value) or name != "bundle.json"
        flip(bundle / name)
    assert not (target.repo / ".vendorkit/registry").exists()
    assert import_bundle(target.repo, bundle).created


def test_each_bit_of_the_sums_and_of_the_index_counts(bundle: Path, target: World) -> None:
    for name in ("bundle.json", "SHA256SUMS"):
        size = (bundle / name).stat().st_size
        for at in range(0, size, max(1, size // 60)):
            flip(bundle / name, at)
            with pytest.raises((Refused, BadInput)):
                import_bundle(target.repo, bundle)
            flip(bundle / name, at)


def test_a_flipped_bit_in_any_blob_is_found(exported: Path, target: World, tmp_path: Path) -> None:
    layout = Path(shutil.copytree(exported / "oci", tmp_path / "layout"))
    for path in sorted(path for path in layout.rglob("*") if path.is_file() and path.name != "oci-layout"):
        flip(path)
        with pytest.raises((Refused, BadInput)):
            import_bundle(target.repo, layout)
        flip(path)
    assert import_bundle(target.repo, layout).created


def test_missing_added_and_linked_files_are_named(bundle: Path, target: World, tmp_path: Path) -> None:
    kept = (bundle / "training.json").read_bytes()
    (bundle / "training.json").unlink()
    (bundle / "more.txt").write_text("hello")
    said = refused(target, bundle)
    assert "training.json: is missing" in said
    assert "more.txt: is not part of the record" in said
    (bundle / "more.txt").unlink()
    (tmp_path / "elsewhere").write_bytes(kept)
    (bundle / "training.json").symlink_to(tmp_path / "elsewhere")
    assert "training.json: is a link" in refused(target, bundle, BadInput)
    (bundle / "training.json").unlink()
    os.mkfifo(bundle / "training.json")
    assert "training.json: is neither a file nor a folder" in refused(target, bundle, BadInput)


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out", "a//b", "./a", "a\\b", "a\nb", "x" * 401, "c:x"])
def test_paths_that_lead_out_are_refused(bundle: Path, target: World, path: str) -> None:
    value = json.loads((bundle / "bundle.json").read_text())
    entry = {**value["files"][0], "path": path}
    made = Bundle.model_validate_json(
        json.dumps({**{k: v for k, v in value.items() if k != "schema"}, "files": [entry]})
    )
    (bundle / "bundle.json").write_bytes(made.to_bytes())
    (bundle / "SHA256SUMS").write_text(made.sums())
    assert "bundle.json is not valid" in refused(target, bundle, BadInput)
    assert not (target.repo / "out").exists()


def test_a_bundle_that_says_other_than_its_records_is_refused(bundle: Path, target: World) -> None:
    tags = json.loads((bundle / "bundle.json").read_text())["tags"]
    reindex(bundle, tags={**tags, "made_by": "nobody@bank.example"})
    assert "tags.made_by" in refused(target, bundle)
    reindex(bundle, tags=tags, version=2)
    assert "is about other bytes than credit/2" in refused(target, bundle)
    reindex(bundle, version=1, engagement="another")
    assert "engagement" in refused(target, bundle)
    reindex(bundle, engagement="acme-credit-2026", model="other")
    assert "other" in refused(target, bundle, BadInput)


def test_decisions_that_do_not_count_here_stay_out(bundle: Path, target: World) -> None:
    first = json.loads((bundle / "decisions/0001.json").read_text())
    first["decision"]["reason"] = "forged"
    (bundle / "decisions/0001.json").write_text(json.dumps(first, separators=(",", ":"), sort_keys=True))
    reindex(bundle)
    assert "decisions/0001.json" in refused(target, bundle)
    shutil.rmtree(bundle / "decisions")
    reindex(bundle)
    assert "are not the chain" in refused(target, bundle)
    reindex(bundle, decisions=(), aliases=())
    assert import_bundle(target.repo, bundle).decisions == 0


def test_decisions_by_people_unknown_here_stay_out(bundle: Path, target: World) -> None:
    (target.repo / "allowed_signers").write_text("")
    assert "no key is known" in refused(target, bundle)
    done = target.ok("import", str(bundle), "--without-decisions")
    assert (done["version"], done["decisions"]) == (1, 0)
    assert [line["status"] for line in target.ok("releases")["releases"]] == ["registered"]


def test_what_is_not_whole_is_not_exported(live: World, tmp_path: Path) -> None:
    flip(files_of(live) / "model/model.skops")
    answer = live.run("export", "credit/1", "--to", str(tmp_path / "out"))
    assert answer.code == 1
    assert "model/model.skops" in answer.out
    rewrite_decision(live, 1, reason="forged")
    assert live.run("export", "credit/1", "--to", str(tmp_path / "out")).code == 1
    assert list(tmp_path.iterdir()) == [live.repo]


def test_nothing_is_overwritten(live: World, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    (tmp_path / "void").mkdir()
    with pytest.raises(BadInput, match="is there already"):
        export(live.repo, "credit", 1, tmp_path / "full")
    with pytest.raises(BadInput, match="not known"):
        export(live.repo, "credit", 1, tmp_path / "other", ("tar",))
    assert export(live.repo, "credit", 1, tmp_path / "void").bundle.version == 1
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    assert log(live).faults == ()


def test_what_is_no_bundle_is_said_so(target: World, tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    assert "bundle.json: is missing" in refused(target, tmp_path / "void", BadInput)
    assert "is no folder" in refused(target, tmp_path / "none", BadInput)


def test_the_layout_is_a_modelpack_artifact(exported: Path) -> None:
    layout = exported / "oci"
    index = json.loads((layout / "index.json").read_text())
    blob = {path.name: path for path in (layout / "blobs/sha256").iterdir()}
    manifest = json.loads(blob[index["manifests"][0]["digest"][7:]].read_text())
    assert manifest["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    schema = json.loads(shared_schema("modelpack/config-schema.json").read_text())
    config = json.loads(blob[manifest["config"]["digest"][7:]].read_text())
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(config)
    assert config["modelfs"]["diffIds"] == [layer["digest"] for layer in manifest["layers"]]
    kinds = {layer["annotations"]["org.cncf.model.filepath"]: layer["mediaType"] for layer in manifest["layers"]}
    assert kinds["release/model/model.skops"] == "application/vnd.cncf.model.weight.v1.raw"
    assert kinds["release/model/code/pipeline.py"] == "application/vnd.cncf.model.code.v1.raw"
    assert kinds["release/records/snapshots/applications.json"] == "application/vnd.cncf.model.dataset.v1.raw"
    release = json.loads((exported / "folder/release/release.json").read_text())
    digests = {layer["digest"] for layer in manifest["layers"]}
    assert {file["digest"] for file in release["files"]} <= digests
    assert manifest["annotations"]["org.vendorkit.candidate"] == release["candidate"]


@pytest.mark.parametrize("place", ["importing", "publishing.lock", "registry", "registry/.making"])
def test_links_that_somebody_committed_lead_nothing_elsewhere(
    place: str, bundle: Path, target: World, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".bashrc").write_text("mine")
    link = target.repo / ".vendorkit" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(outside if place in ("importing", "registry") else outside / ".bashrc")
    answer = target.run("import", str(bundle))
    assert (answer.code, [fault["says"] for fault in answer.result["faults"]]) == (2, ["is a link."])
    assert files(outside) == {".bashrc": b"mine"}
