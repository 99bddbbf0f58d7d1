"""`vendorkit check` as it is called: exit codes, the JSON envelope, formats, what it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from vendorkit.cli.main import main
from vendorkit.standards.ask import CHECKS

from tests.support.engagement import write_engagement


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["check", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_envelope(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = write_engagement(tmp_path)
    code, out, _ = run(capsys, "--repo", str(repo), "--json", "--as-of", "2026-11-22")
    answer: dict[str, Any] = json.loads(out)
    assert (code, answer["schema"], answer["ok"], answer["exit_code"]) == (0, "vendorkit/check/1", True, 0)
    assert set(answer["result"]) >= {"policy", "as_of", "stage", "counts"}
    assert set(answer["result"]["policy"]) == {"pack", "version", "digest"}
    assert set(answer["result"]["counts"]) == {"pass", "fail", "waived", "not_yet", "not_applicable"}
    assert (answer["result"]["as_of"], answer["result"]["stage"]) == ("2026-11-22", "kickoff")
    for finding in answer["findings"]:
        assert set(finding) >= {"id", "verdict", "severity", "says", "where", "why", "fix"}
    assert {finding["id"] for finding in answer["findings"]} == set(CHECKS)


def test_a_failure_ends_with_1_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = write_engagement(tmp_path, accountable="vendor-ml")
    code, out, _ = run(capsys, "--repo", str(repo))
    assert code == 1
    assert out.startswith("No: ")
    assert "vendor-ml is accountable but works for the vendor" in out
    assert "Fix: Internal: model-ops-lead, ml-sre, model-risk." in out


@pytest.mark.parametrize("data", [None, b"\x00\x01", b"a" * 5_000_000, b"\xff\xfe"])
def test_no_manifest_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "engagement.yaml").write_bytes(data)
    code, out, err = run(capsys, "--repo", str(tmp_path))
    assert (code, out) == (2, "")
    assert "engagement" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("data", [b"", b"a: 1\na: 2\n", b"[" * 20_000, b"a: &a [*a, *a]\n", b"- 1\n"])
def test_a_manifest_with_faults_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes) -> None:
    (tmp_path / "engagement.yaml").write_bytes(data)
    code, out, _ = run(capsys, "--repo", str(tmp_path), "--json")
    assert code == 1
    assert any(finding["id"] == "MAN-01" for finding in json.loads(out)["findings"])


def test_unknown_checks_and_dates_end_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = str(write_engagement(tmp_path))
    code, _, err = run(capsys, "XYZ-01", "--repo", repo)
    assert code == 2
    assert "XYZ-01" in err
    for day in ("yesterday", "2026-13-01"):
        assert run(capsys, "--repo", repo, "--as-of", day)[0] == 2


def test_every_format_goes_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = str(write_engagement(tmp_path))
    written = {name: run(capsys, "MAN-01", "--repo", repo, "--format", name)[1] for name in
               ("text", "json", "junit", "sarif", "markdown")}  # fmt: skip
    assert written["text"].startswith("Yes: ")
    assert json.loads(written["json"])[0]["id"] == "MAN-01"
    assert json.loads(written["sarif"])["version"] == "2.1.0"
    assert ET.fromstring(written["junit"]).tag == "testsuites"  # noqa: S314  (our own output)
    assert written["markdown"].startswith("# ")


def test_reports_go_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = write_engagement(tmp_path / "repo")
    run(capsys, "MAN-01", "--repo", str(repo), "--report", str(tmp_path / "reports" / "new"))
    assert len(list((tmp_path / "reports" / "new").iterdir())) == 5


def test_a_waiver_is_judged_by_the_date_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waiver = {"check": "REP-07", "why": "No deterministic kernel", "approved_by": "model-risk",
              "ticket": "ACME-1", "expires": "2027-01-31"}  # fmt: skip
    repo = str(write_engagement(tmp_path, waivers=[waiver]))
    assert run(capsys, "MAN-05", "--repo", repo, "--as-of", "2027-01-31")[0] == 0
    assert run(capsys, "MAN-05", "--repo", repo, "--as-of", "2027-02-01")[0] == 1


def test_it_imports_nothing_heavy_and_nothing_of_the_repository(tmp_path: Path) -> None:
    repo = write_engagement(tmp_path / "repo")
    (repo / "yaml.py").write_text("raise SystemExit('the repository was run')\n")
    code = (
        "import sys; from vendorkit.cli.main import main; main(['check', '--quiet']);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repo, env=environment, capture_output=True, text=True, check=True
    )
    loaded = done.stderr.strip().splitlines()[-1]
    for heavy in ("mlflow", "pandas", "numpy", "pyarrow", "ibis", "duckdb", "sklearn", "skops", "starlette"):
        assert f"'{heavy}'" not in loaded
    assert "'vendorkit'" in loaded
