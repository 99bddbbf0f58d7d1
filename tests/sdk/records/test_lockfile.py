"""Lock files: what they lock, what one system installs of it, how two differ."""

from __future__ import annotations

import pytest
from vendorkit.errors import BadInput
from vendorkit.records.lockfile import Lock, changes, parse_lock

SINGLE = (b"windows", b"large", b"tool", b"unasked")
LOCK = b"""\
version = 1
[manifest]
members = ["engagement", "models-credit"]

[[package]]
name = "engagement"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "models-credit" }, { name = "kit", extra = ["big"] }]
[package.optional-dependencies]
never = [{ name = "unasked" }]
[package.dev-dependencies]
dev = [{ name = "tool" }]
docs = [{ name = "unasked" }]

[[package]]
name = "models-credit"
version = "0"
source = { editable = "models/credit" }
dependencies = [
    { name = "forked", version = "1.0", marker = "python_full_version < '3.12'" },
    { name = "forked", version = "2.0", marker = "python_full_version >= '3.12'" },
    { name = "windows", marker = "sys_platform == 'win32'" },
]

[[package]]
name = "kit"
version = "0.1.0"
source = { git = "https://git.bank.example/kit?rev=abc#abc" }
dependencies = [{ name = "kit" }, { name = "round" }]
[package.optional-dependencies]
big = [{ name = "large" }]
small = [{ name = "unasked" }]

[[package]]
name = "round"
version = "3"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "kit", extra = ["big"] }]
""" + b"".join(
    b'\n[[package]]\nname = "%s"\nversion = "%s"\nsource = { registry = "https://pypi.org/simple" }\n' % pair
    for pair in [(b"forked", b"1.0"), (b"forked", b"2.0"), *((name, b"1") for name in SINGLE)]
)


def system(python: str = "3.11.7", platform: str = "linux") -> dict[str, str]:
    return {"python_full_version": python, "python_version": python[:4], "sys_platform": platform}


def test_every_package_but_the_members_is_locked() -> None:
    packages = parse_lock(LOCK, system()).packages
    assert packages["forked"] == ("1.0", "2.0")
    assert set(packages) == {"forked", "kit", "large", "round", "tool", "unasked", "windows"}


def test_markers_extras_and_groups_decide_what_a_system_installs() -> None:
    here = {"forked": "1.0", "kit": "0.1.0", "large": "1", "round": "3", "tool": "1"}
    assert parse_lock(LOCK, system()).needed == here
    assert parse_lock(LOCK, system("3.12.1")).needed == {**here, "forked": "2.0"}
    assert parse_lock(LOCK, system(platform="win32")).needed == {**here, "windows": "1"}


def test_a_single_project_is_its_own_member() -> None:
    text = LOCK.replace(b'[manifest]\nmembers = ["engagement", "models-credit"]\n', b"")
    assert "engagement" not in parse_lock(text, system()).packages


def test_changes_by_name() -> None:
    before = Lock({"a": ("1",), "b": ("1",), "c": ("1",)}, {})
    after = Lock({"b": ("1", "2"), "c": ("1",), "d": ("4",)}, {})
    assert [(change.package, change.kind, change.before, change.after) for change in changes(before, after)] == [
        ("a", "removed", ("1",), ()),
        ("b", "changed", ("1",), ("1", "2")),
        ("d", "added", (), ("4",)),
    ]
    assert changes(after, after) == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"package = 1\n",
        b"package = [1]\n",
        b"[[package]]\nname = 1\n",
        b'[[package]]\nname = "a"\nsource = "x"\n',
        b"\xff\xfe",
        b"[" * 100_000,
        LOCK.replace(b"sys_platform == 'win32'", b"sys_platform =="),
        b"manifest = 3\npackage = []\n",
    ],
    ids=["empty", "number", "numbers", "no source", "text as source", "binary", "deep", "marker", "manifest"],
)
def test_what_is_no_lock_file_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        parse_lock(data, system())
    assert caught.value.faults[0].where == "uv.lock"
    assert "no lock file of uv: " in caught.value.faults[0].says
