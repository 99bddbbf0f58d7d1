"""Data that git does not hold comes from the engagement's folder, and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from vendorkit.adapters.local_data import bring, local_path


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    repo, checkout = tmp_path / "repo", tmp_path / "checkout"
    (repo / "data/parts").mkdir(parents=True)
    checkout.mkdir()
    (repo / "data/a.csv").write_text("x\n1\n")
    (repo / "data/parts/1.parquet").write_bytes(b"1")
    (tmp_path / "secret.csv").write_text("x\n2\n")
    return repo, checkout


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("data/a.csv", "data/a.csv"),
        ("duckdb://data/bank.duckdb#loans", "data/bank.duckdb"),
        ("sqlite://data/b%20c.db#t", "data/b c.db"),
        ("snowflake://bank/risk#loans", None),
    ],
)
def test_which_file_a_source_reads(source: str, path: str | None) -> None:
    assert local_path(source) == path


def test_a_file_and_a_folder_are_brought(places: tuple[Path, Path]) -> None:
    repo, checkout = places
    assert bring("data/a.csv", repo, checkout)
    assert (checkout / "data/a.csv").read_text() == "x\n1\n"
    (checkout / "data/parts").mkdir()
    (checkout / "data/parts/old.parquet").write_bytes(b"old")
    assert bring("data/parts", repo, checkout)
    assert [path.name for path in (checkout / "data/parts").iterdir()] == ["1.parquet"]


def test_nothing_outside_is_brought(places: tuple[Path, Path]) -> None:
    repo, checkout = places
    (repo / "data/link.csv").symlink_to(repo.parent / "secret.csv")
    (repo / "data/parts/link.parquet").symlink_to(repo.parent / "secret.csv")
    assert not bring("data/link.csv", repo, checkout)
    assert not bring("../secret.csv", repo, checkout)
    assert not bring("data/absent.csv", repo, checkout)
    assert not bring("postgres://host/db#t", repo, checkout)
    assert bring("data/parts", repo, checkout)
    assert [path.name for path in checkout.rglob("*") if path.is_file()] == ["1.parquet"]
