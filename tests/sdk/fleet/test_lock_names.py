"""The name of a project in its declarations and its lock: changed and changed back, or left alone."""

from __future__ import annotations

import pytest
from vendorkit.fleet.lock_names import name_in, renamed_declarations, renamed_lock

from tests.support.fleet import REPOSITORY

LOCK = """version = 1

[manifest]
members = [
    "b-project",
    "model",
]

[[package]]
name = "b-project"
version = "0"
source = { virtual = "." }

[[package]]
name = "c"
version = "1"

[[package]]
name = "model"
version = "0"
source = { virtual = "models/one" }
"""


def test_a_lock_is_renamed_in_the_order_of_uv_and_back() -> None:
    renamed = renamed_lock(LOCK.encode(), "b-project", "n-project")
    assert renamed is not None
    heads = [line for line in renamed.decode().splitlines() if line.startswith("name = ")]
    assert heads == ['name = "c"', 'name = "model"', 'name = "n-project"']
    assert renamed.decode().index('"model",') < renamed.decode().index('"n-project",')
    assert renamed_lock(renamed, "n-project", "b-project") == LOCK.encode()


def test_a_real_lock_of_a_thousand_packages_comes_back_byte_for_byte() -> None:
    lock = (REPOSITORY / "uv.lock").read_bytes()
    renamed = renamed_lock(lock, "vendorkit-repository", "aaa")
    assert renamed not in (None, lock)
    assert renamed_lock(renamed or b"", "aaa", "vendorkit-repository") == lock


@pytest.mark.parametrize(
    ("old", "new"),
    [("b-project", "c"), ("nobody", "x"), ("c", "b-project")],
    ids=["the new name is a package", "there is no such", "another project has it"],
)
def test_a_lock_that_is_not_for_sure_is_left_alone(old: str, new: str) -> None:
    assert renamed_lock(LOCK.encode(), old, new) is None


def test_a_project_that_others_need_is_left_alone() -> None:
    needed = LOCK.replace('name = "c"\nversion = "1"', 'name = "c"\ndependencies = [\n    { name = "b-project" },\n]')
    assert renamed_lock(needed.encode(), "b-project", "x") is None


@pytest.mark.parametrize(
    "declared",
    [
        '[project]\nname = "My_Bank.Credit"\ndependencies = ["name = x"]\n',
        "[tool.x]\nname = 'other'\n\n[project]\nversion = '0'\nname = 'My_Bank.Credit' # ours\n",
    ],
)
def test_declarations_change_in_their_name_alone(declared: str) -> None:
    assert name_in(declared.encode()) == "my-bank-credit"
    renamed = renamed_declarations(declared.encode(), "shared")
    assert renamed is not None
    assert name_in(renamed) == "shared"
    assert renamed.decode().replace("shared", "").replace('"', "'") == declared.replace("My_Bank.Credit", "").replace(
        '"', "'"
    )


@pytest.mark.parametrize(
    "declared", ["", 'project.name = "x"\n', '[project]\nversion = "0"\n', "[project]\nname = 5\n"]
)
def test_declarations_that_are_written_otherwise_are_left_alone(declared: str) -> None:
    assert renamed_declarations(declared.encode(), "shared") is None
