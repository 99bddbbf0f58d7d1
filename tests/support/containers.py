"""Images without a daemon: buildah builds, podman and runc run, on a base image made from Debian's packages.

The base image stands in for the published Python image, which no test may depend on fetching: the interpreter that
runs the tests on a minimal Debian. It proves the Dockerfile, not the image that is published.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("buildah", "podman", "runc", "mmdebstrap")
LIBRARIES = "ca-certificates,git,libbz2-1.0,libffi8,liblzma5,libreadline8,libsqlite3-0,libssl3,zlib1g"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
STANDIN = "localhost/python:standin"


@dataclass(frozen=True)
class Containers:
    """An own store of images and containers, empty but for the stand-in."""

    folder: Path

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """Standard output of a program of the family that must succeed."""
        done = subprocess.run(
            command, cwd=cwd, env=self.environment(), capture_output=True, text=True, timeout=550, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Variables by which the programs find this store."""
        return {**os.environ, "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf")}

    def close(self) -> None:
        """Unmount what the programs leave mounted below the store, so that its folder can be removed."""
        places = [line.split()[1] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
        for place in reversed(places):
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", place], check=True)

    def build(self, context: Path, tag: str, *mounts: Path, packages: Path) -> None:
        """Build a Dockerfile as it is; the stand-in is taken for each published image that it names.

        Args:
            context: Folder with the Dockerfile.
            tag: Name of the image.
            mounts: Folders that the build may read besides, under their own paths.
            packages: Cache of uv, so that what is there is not fetched again.
        """
        bases = set(re.findall(r"^FROM (\S+)", (context / "Dockerfile").read_text("utf-8"), re.MULTILINE))
        more = [argument for base in bases for argument in ("--build-context", f"{base}=docker-image://{STANDIN}")]
        more += [argument for mount in mounts for argument in ("--volume", f"{mount}:{mount}:ro")]
        more += ["--volume", f"{packages}:/root/.cache/uv"]
        command = ["buildah", "bud", "--isolation", "chroot", "--network", "host", "--pull-never", "--format", "docker"]
        self.run(*command, *more, "--tag", tag, ".", cwd=context)

    def command(self, *arguments: str) -> list[str]:
        """A command line of podman that works without a daemon and without systemd."""
        return ["podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs", *arguments]


def containers(folder: Path) -> Containers:
    """A new store with the stand-in in it; the test skips where a program is missing or the user is not root."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent or os.geteuid():
        pytest.skip(f"needs root and {', '.join(PROGRAMS)}: `apt-get install {' '.join(absent or PROGRAMS)}`")
    store = Containers(folder)
    settings = f'[storage]\ndriver = "overlay"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
    (folder / "storage.conf").write_text(settings)
    store.run("podman", "import", "--quiet", str(_debian()), "localhost/debian:minimal")
    _install_python(store)
    return store


def _debian() -> Path:
    """A minimal Debian as an archive; made once for each user, as it takes a minute."""
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vendorkit-tests" / "debian-bookworm.tar"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        making = kept.with_suffix(f".{os.getpid()}.tar")
        command = ["mmdebstrap", "--variant=minbase", f"--include={LIBRARIES}", "bookworm", str(making)]
        subprocess.run(command, check=True, capture_output=True)
        making.rename(kept)
    return kept


def _install_python(store: Containers) -> None:
    """Put the interpreter of the tests below /usr/local, where the published image has its own."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    container = store.run("buildah", "from", "--pull-never", "localhost/debian:minimal").strip()
    top = Path(store.run("buildah", "mount", container).strip())
    target = top / "usr/local"
    shutil.copytree(base / "lib" / name, target / "lib" / name, ignore=shutil.ignore_patterns("test", "site-packages"))
    for library in (base / "lib").glob("libpython*"):
        shutil.copy2(library, target / "lib", follow_symlinks=False)
    shutil.copy2((base / "bin" / name).resolve(), target / "bin" / name)
    for link in ("python", "python3"):
        (target / "bin" / link).symlink_to(name)
    shutil.copyfile(CERTIFICATES, top / str(CERTIFICATES).lstrip("/"))
    store.run("buildah", "umount", container)
    setup = "ldconfig && python -m ensurepip && ln -s pip3 /usr/local/bin/pip"
    store.run("buildah", "run", "--isolation", "chroot", container, "--", "sh", "-c", setup)
    for name in ("SSL_CERT_FILE", "PIP_CERT"):
        store.run("buildah", "config", "--env", f"{name}={CERTIFICATES}", container)
    store.run("buildah", "commit", "--quiet", "--rm", container, STANDIN)
