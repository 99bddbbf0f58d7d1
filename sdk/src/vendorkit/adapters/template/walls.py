"""Walls around a child process, of Linux's namespaces: no network, one folder to write into.

It sees no home folder and no temporary files of others, and nothing of other processes but that they are there. Python,
the programs of the path and what it is shown stay visible where they are. What runs behind the walls is decided
elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import copier

from vendorkit.errors import Unavailable

_NEW_USER = ("--user", "--map-root-user", "--mount")
_WALLS = (*_NEW_USER, "--net", "--ipc", "--pid", "--fork", "--kill-child")
_BUILDER = """
set -e
place=$1 needed=$2 hidden=$3
shift 3
IFS='
'
mount -t tmpfs none /sys
number=0
for path in "$place" $needed; do
    number=$((number + 1))
    mkdir "/sys/$number"
    mount --rbind "$path" "/sys/$number"
done
for path in $hidden; do mount -t tmpfs -o mode=755 none "$path"; done
number=0
for path in "$place" $needed; do
    number=$((number + 1))
    mkdir -p "$path"
    mount --rbind "/sys/$number" "$path"
    umount -l "/sys/$number"
done
umount -l /sys
unset IFS
while read -r _ _ _ _ point options _; do
    point=$(printf '%b' "$point")
    case "$point" in "$place" | "$place"/* | /proc | /proc/*) continue ;; esac
    [ -e "$point" ] || continue
    case "$options" in ro | ro,*) ;; *) mount -o remount,bind,ro "$point" ;; esac
done < /proc/self/mountinfo
cd "$place"
exec "$@"
"""
"""Hides folders, brings back what is needed of them, and makes every mount but the place read-only. What runs inside
has a user namespace of its own and cannot undo it.
"""


def behind_walls(place: Path, shown: Sequence[str], *command: str) -> list[str]:
    """A command that starts another one behind walls.

    Args:
        place: The only folder that it may write into; it begins there.
        shown: Folders that it may read although they lie in a hidden one.
        command: The other command.

    Raises:
        Unavailable: This system has no walls, or forbids them.
    """
    return _built(program_for_walls(), place, shown, command)


@cache
def program_for_walls() -> str:
    """The program that builds walls, tried out.

    Raises:
        Unavailable: This system has none, or forbids it.
    """
    program = shutil.which("unshare")
    if program is not None:
        with tempfile.TemporaryDirectory(prefix="vendorkit-") as place:
            command = _built(program, Path(place), (), ("true",))
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return program
    raise Unavailable(
        "The template runs programs, and there is no sandbox for them here.",
        fix="Run this on Linux where `unshare --user --net --mount` works for you.",
    )


def _built(program: str, place: Path, shown: Sequence[str], command: Sequence[str]) -> list[str]:
    homes = {Path(name).resolve() for name in (Path.home(), tempfile.gettempdir(), "/tmp", "/var/tmp", "/run")}  # noqa: S108
    hidden = _outermost(home for home in homes if home.is_dir() and home != Path("/"))
    used = {sys.prefix, sys.base_prefix, str(Path(copier.__file__).parents[1]), *shown}
    used |= set(os.environ.get("PATH", os.defpath).split(os.pathsep))
    folders = {Path(name).resolve() for name in used if name and Path(name).is_dir()}
    needed = _outermost(each for each in folders if any(home in each.parents for home in hidden))
    lists = ("\n".join(map(str, each)) for each in (needed, hidden))
    builder = (program, *_NEW_USER, "sh", "-c", _BUILDER, "sh", str(place.resolve()), *lists)
    return [*builder, program, *_WALLS, *command]


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """Those that do not lie in another of them."""
    every = sorted(folders)
    return [each for each in every if not any(other in each.parents for other in every)]
