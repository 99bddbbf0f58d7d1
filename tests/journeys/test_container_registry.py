"""A release through a real container registry: out with skopeo, back with skopeo, imported with the same bytes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from vendorkit.steps.export import export
from vendorkit.steps.import_ import import_bundle

from tests.support.ports import free_port
from tests.support.world import World

NEEDED = {"skopeo": "skopeo", "docker-registry": "docker-registry"}


@pytest.fixture
def container_registry(tmp_path: Path) -> Iterator[str]:
    """The address of an empty container registry on loopback."""
    absent = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}; `apt-get install {' '.join(absent)}` brings it")
    address = f"127.0.0.1:{free_port()}"
    settings = tmp_path / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{address}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{tmp_path / 'blobs'}'}}}}\n"
    )
    with (tmp_path / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(settings)], stdout=log, stderr=log)
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://{address}/v2/", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def copy(source: str, target: str) -> None:
    """`skopeo copy` without TLS, which loopback has not."""
    insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    command = ["skopeo", "copy", "--insecure-policy", *insecure, source, target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_a_release_goes_through_a_container_registry(promoted: World, container_registry: str, tmp_path: Path) -> None:
    first = export(promoted.repo, "credit", 1, tmp_path / "out", ("oci",))
    place = f"docker://{container_registry}/models/credit:1"
    copy(f"oci:{tmp_path / 'out'}:1", place)
    inspect = ["skopeo", "inspect", "--tls-verify=false", "--raw", place]
    shown = subprocess.run(inspect, capture_output=True, timeout=60, check=True).stdout
    assert f"sha256:{hashlib.sha256(shown).hexdigest()}" == first.manifest
    copy(place, f"oci:{tmp_path / 'back'}:1")
    shutil.copytree(promoted.repo, tmp_path / "target", symlinks=True, ignore=shutil.ignore_patterns(".vendorkit"))
    target = World(tmp_path / "target", promoted.keys)
    done = import_bundle(target.repo, tmp_path / "back")
    assert (done.version.name, done.bundle, done.decisions) == ("credit/1", first.bundle.digest, 2)
    assert export(target.repo, "credit", 1, tmp_path / "again", ("oci",)).manifest == first.manifest
