"""The prediction log: what was answered is found, whoever wrote it and however its process ended."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
import uuid_utils
from vendorkit.adapters.predictions import LoggedPrediction, PredictionLog, find, find_deployment, last_use
from vendorkit.adapters.predictions import rows as log_rows
from vendorkit.errors import BadInput, Unavailable
from vendorkit.records.deployment import Deployment

DEPLOYMENT = "sha256:" + "a" * 64


def row(score: float | str = 0.5, **values: object) -> LoggedPrediction:
    raw = msgspec.json.encode
    return LoggedPrediction(
        id=str(uuid_utils.uuid7()),
        at="2026-11-22T10:00:00.123Z",
        model="credit",
        version=3,
        deployment=DEPLOYMENT,
        as_of=None,
        row=msgspec.Raw(raw(values or {"age": 30})),
        score=score,
        output=msgspec.Raw(raw({"score": score})),
        warnings=msgspec.Raw(b"[]"),
    )


def rolled(folder: Path) -> list[Path]:
    return sorted(folder.glob("date=*/*.parquet"))


def journals(folder: Path) -> list[Path]:
    return sorted((folder / "journal").iterdir())


def test_a_row_is_found_in_the_journal_and_after_rolling_alike(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    rows = [row(i / 10, age=i) for i in range(10)]
    log.append(rows)
    from_journal = find(tmp_path, rows[4].id)
    log.close()
    assert from_journal == find(tmp_path, rows[4].id)
    assert from_journal == {
        "id": rows[4].id,
        "at": "2026-11-22T10:00:00.123Z",
        "model": "credit",
        "version": 3,
        "deployment": DEPLOYMENT,
        "as_of": None,
        "row": '{"age":4}',
        "score": 0.4,
        "output": '{"score":0.4}',
        "warnings": "[]",
    }
    assert journals(tmp_path) == []
    assert len(rolled(tmp_path)) == 1


def test_an_unknown_id_is_none_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    with PredictionLogOf(tmp_path, [row()]):
        assert find(tmp_path, str(uuid_utils.uuid7())) is None
    assert find(tmp_path, str(uuid_utils.uuid7())) is None
    assert find(tmp_path, "ffffffff-ffff-7fff-bfff-ffffffffffff") is None
    for wrong in ("", "abc", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "../../etc/passwd", "0" * 36):
        with pytest.raises(BadInput, match="no such prediction"):
            find(tmp_path, wrong)


class PredictionLogOf:
    """A log with rows, open inside the `with`."""

    def __init__(self, folder: Path, rows: list[LoggedPrediction]) -> None:
        self.log = PredictionLog(folder)
        self.log.append(rows)

    def __enter__(self) -> PredictionLog:
        return self.log

    def __exit__(self, *_: object) -> None:
        self.log.close()


def test_a_row_that_holds_the_text_of_an_id_is_not_taken_for_it(tmp_path: Path) -> None:
    wanted = row()
    decoy = row(0.1, id=wanted.id)
    with PredictionLogOf(tmp_path, [decoy, wanted]):
        found = find(tmp_path, wanted.id)
        assert found is not None
        assert found["score"] == 0.5
        assert find(tmp_path, decoy.id)["score"] == 0.1  # type: ignore[index]


def test_text_scores_are_kept_in_the_output(tmp_path: Path) -> None:
    told = row("good")
    with PredictionLogOf(tmp_path, [told]):
        assert find(tmp_path, told.id)["score"] is None  # type: ignore[index]
    found = find(tmp_path, told.id)
    assert found is not None
    assert (found["score"], json.loads(found["output"])) == (None, {"score": "good"})


def test_a_full_journal_is_rolled_while_the_log_goes_on(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, max_bytes=2_000)
    rows = []
    for _ in range(60):
        rows.append(row())
        log.append(rows[-1:])
    assert all(find(tmp_path, one.id) for one in rows)
    log.close()
    assert len(rolled(tmp_path)) > 3
    assert [find(tmp_path, one.id)["id"] for one in rows] == [one.id for one in rows]  # type: ignore[index]
    assert sum(pq.read_metadata(path).num_rows for path in rolled(tmp_path)) == 60


def test_an_old_journal_is_rolled(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, max_seconds=0)
    log.append([row()])
    log.append([row()])
    log.close()
    assert len(rolled(tmp_path)) == 2


def test_only_what_can_hold_the_id_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_rows, "ROWS_PER_GROUP", 10)
    files = []
    for _ in range(3):
        rows = [row() for _ in range(50)]
        with PredictionLogOf(tmp_path, rows):
            pass
        files.append(rows)
    paths = rolled(tmp_path)
    for other in (paths[0], paths[2]):
        other.write_bytes(b"not parquet any more")
    overwrite_row_groups(paths[1], but=2)
    assert find(tmp_path, files[1][25].id)["id"] == files[1][25].id  # type: ignore[index]
    with pytest.raises(Unavailable, match="damaged"):
        find(tmp_path, files[0][25].id)


def overwrite_row_groups(path: Path, but: int) -> None:
    metadata = pq.read_metadata(path)
    data = bytearray(path.read_bytes())
    for group in range(metadata.num_row_groups):
        columns = [metadata.row_group(group).column(i) for i in range(metadata.num_columns)]
        for column in columns if group != but else ():
            start = column.dictionary_page_offset or column.data_page_offset
            data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(data)


def test_files_lie_in_time_order_by_day(tmp_path: Path) -> None:
    with PredictionLogOf(tmp_path, [row() for _ in range(5)]):
        pass
    (path,) = rolled(tmp_path)
    ids = pq.read_table(path, partitioning=None).column("id").to_pylist()
    assert ids == sorted(ids)
    assert path.stem == f"{ids[0]}_{ids[-1]}"
    milliseconds = uuid_utils.UUID(ids[0]).timestamp
    assert path.parent.name == time.strftime("date=%Y-%m-%d", time.gmtime(milliseconds / 1000))


WRITER = """
import sys, threading
from pathlib import Path
sys.path.insert(0, {here!r})
from tests.sdk.adapters.test_predictions import row
from vendorkit.adapters.predictions import PredictionLog
log = PredictionLog(Path(sys.argv[1]), max_bytes=20_000)
print("open", flush=True)
for _ in range(int(sys.argv[2])):
    rows = [row(), row()]
    log.append(rows)
    print(*[one.id for one in rows], flush=True)
log.close()
"""


def start_writer(folder: Path, rounds: int) -> subprocess.Popen[str]:
    top = Path(__file__).parents[3]
    command = [sys.executable, "-c", WRITER.format(here=str(top)), str(folder), str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_every_row_of_a_killed_process_is_found(tmp_path: Path) -> None:
    process = start_writer(tmp_path, 1_000_000)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(500)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    ids = [one for line in told[1:] if line.endswith("\n") for one in line.split()]
    assert len(ids) > 900
    assert all(find(tmp_path, one) for one in ids)
    PredictionLog(tmp_path).close()
    assert journals(tmp_path) == []
    assert all(find(tmp_path, one) for one in ids)


def test_two_processes_and_a_restart_share_a_folder(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, 300) for _ in range(2)]
    told: list[str] = []

    def drain(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            told.extend(process.stdout.readlines()[1:])

    readers = [threading.Thread(target=drain, args=(process,)) for process in writers]
    for reader in readers:
        reader.start()
    while any(process.poll() is None for process in writers):
        PredictionLog(tmp_path).close()  # must not roll what a living process writes to
    for reader in readers:
        reader.join()
    ids = [one for line in told for one in line.split()]
    assert [process.returncode for process in writers] == [0, 0]
    assert len(set(ids)) == 1200
    assert all(find(tmp_path, one) for one in ids)
    assert sum(pq.read_metadata(path).num_rows for path in rolled(tmp_path)) == 1200


def test_a_living_journal_is_left_alone_and_a_dead_one_rolled(tmp_path: Path) -> None:
    first = row()
    with PredictionLogOf(tmp_path, [first]):
        (mine,) = journals(tmp_path)
        PredictionLog(tmp_path).close()
        assert journals(tmp_path) == [mine]
        assert rolled(tmp_path) == []
    assert len(rolled(tmp_path)) == 1


def leave_journal(folder: Path, text: bytes) -> Path:
    (folder / "journal").mkdir(parents=True, exist_ok=True)
    path = folder / "journal" / "0000000000001-1-dead.jsonl"
    path.write_bytes(text)
    return path


def test_a_cut_off_last_line_is_tolerated_and_said(tmp_path: Path) -> None:
    whole, cut = row(), row()
    lines = msgspec.json.Encoder().encode_lines([whole, cut])
    leave_journal(tmp_path, lines[:-30])
    assert find(tmp_path, cut.id) is None
    log = PredictionLog(tmp_path)
    assert len(log.notes) == 1
    assert "cut off" in log.notes[0]
    assert "1 rows kept" in log.notes[0]
    log.close()
    assert find(tmp_path, whole.id)
    assert find(tmp_path, cut.id) is None


def test_unreadable_lines_are_kept_aside_and_said(tmp_path: Path) -> None:
    whole = row()
    text = b"\x00\xff garbage\n" + msgspec.json.encode(whole) + b'\n{"id": 5}\n'
    path = leave_journal(tmp_path, text)
    log = PredictionLog(tmp_path)
    log.close()
    assert "2 unreadable lines" in log.notes[0]
    assert (tmp_path / "damaged" / path.name).read_bytes() == b'\x00\xff garbage\n{"id": 5}\n'
    assert find(tmp_path, whole.id)


def test_the_last_use_is_told_by_days_and_journals_and_by_nothing_else(tmp_path: Path) -> None:
    assert last_use(tmp_path) is None
    (tmp_path / "date=2026-01-31").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "1.jsonl").write_text("garbage\n")  # kept aside long after it was written
    assert last_use(tmp_path) == date(2026, 1, 31)
    path = leave_journal(tmp_path, msgspec.json.encode(row()) + b"\n")
    os.utime(path, (1_790_000_000, 1_790_000_000))
    assert last_use(tmp_path) == date(2026, 9, 21)


def test_a_journal_that_is_rolled_while_the_last_use_is_asked_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "date=2026-01-31").mkdir()
    found = Path.glob

    def late(folder: Path, pattern: str) -> list[Path]:
        return [*found(folder, pattern), *([folder / "gone.jsonl"] if pattern == "*.jsonl" else [])]

    monkeypatch.setattr(Path, "glob", late)
    assert last_use(tmp_path) == date(2026, 1, 31)


def test_rolling_again_after_a_kill_between_file_and_journal_gives_no_row_twice(tmp_path: Path) -> None:
    rows = [row() for _ in range(3)]
    text = msgspec.json.Encoder().encode_lines(rows)
    for _ in range(2):
        leave_journal(tmp_path, text)
        PredictionLog(tmp_path).close()
    assert [pq.read_metadata(path).num_rows for path in rolled(tmp_path)] == [3]


def test_a_log_without_rows_leaves_no_file(tmp_path: Path) -> None:
    PredictionLog(tmp_path).close()
    assert (rolled(tmp_path), journals(tmp_path)) == ([], [])


FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from tests.sdk.adapters.test_predictions import row
from vendorkit.adapters.predictions import PredictionLog, find
from vendorkit.errors import Unavailable
folder = Path(sys.argv[1])
log = PredictionLog(folder)
log.append([row()])
(journal,) = (folder / "journal").iterdir()
size = journal.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
refused = [row(), row()]
try:
    log.append(refused)
except Unavailable as error:
    print(error)
assert journal.stat().st_size == size
assert not any(find(folder, one.id) for one in refused)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
later = row()
log.append([later])
log.close()
assert find(folder, later.id)
assert PredictionLog(folder).notes == ()
"""


def test_a_full_disk_refuses_the_rows_whole_and_the_log_recovers(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    code = FULL.format(here=str(Path(__file__).parents[3]))
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The prediction log cannot be written." in done.stdout


def test_a_closed_log_takes_nothing(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    log.close()
    log.close()
    with pytest.raises(Unavailable, match="closed"):
        log.append([row()])


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        PredictionLog(tmp_path / "file" / "log")


def deployment(**changes: object) -> Deployment:
    values: dict[str, object] = {
        "model": "credit",
        "version": 3,
        "alias": "champion",
        "release": "sha256:" + "1" * 64,
        "decisions": (),
        "environment": "sha256:" + "2" * 64,
        "sdk_version": "0.1.0",
        "started_at": "2026-11-22T10:00:00Z",
    }
    return Deployment(**{**values, **changes})  # type: ignore[arg-type]


def test_deployments_are_kept_by_digest(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    made = deployment()
    log.record_deployment(made)
    log.record_deployment(made)
    log.close()
    path = tmp_path / "deployments" / f"{made.digest.removeprefix('sha256:')}.json"
    assert path.read_bytes() == made.to_bytes()
    assert find_deployment(tmp_path, made.digest) == made
    assert find_deployment(tmp_path, DEPLOYMENT) is None


def test_a_changed_deployment_record_is_refused(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    made = deployment()
    log.record_deployment(made)
    log.close()
    path = tmp_path / "deployments" / f"{made.digest.removeprefix('sha256:')}.json"
    path.write_bytes(deployment(version=4).to_bytes())
    with pytest.raises(BadInput, match="was changed"):
        find_deployment(tmp_path, made.digest)


def test_the_log_is_not_for_everyone(tmp_path: Path) -> None:
    PredictionLog(tmp_path / "log").close()
    assert (tmp_path / "log").stat().st_mode & 0o007 == 0
