"""The vendor's code: loaded from source only, called on copies, blamed by file and line."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from vendorkit.adapters import pipeline as adapter
from vendorkit.adapters.pipeline import Pipeline, is_loading, load_pipeline, outliving
from vendorkit.errors import BadInput, Unavailable

GOOD = """\
def prepare(frames):
    return frames["loans"]


def train(frame, seed):
    return {"seed": seed}


def predict(model, frame):
    return [0.5] * len(frame)
"""
LOANS = pd.DataFrame({"amount": [1.0, 2.0, 3.0], "bad": [0, 1, 0]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "models" / "credit"
    made.mkdir(parents=True)
    return made


def write(folder: Path, code: str, name: str = "pipeline") -> None:
    (folder / f"{name}.py").write_text(textwrap.dedent(code), encoding="utf-8")


def load(folder: Path, code: str = GOOD) -> Pipeline:
    write(folder, code)
    return load_pipeline(folder, "pipeline", shown="models/credit")


def refused(folder: Path, code: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        load(folder, code)
    return caught.value


def test_a_pipeline_that_keeps_its_contract(folder: Path) -> None:
    pipeline = load(folder)
    prepared = pipeline.prepare({"loans": LOANS})
    model = pipeline.train(prepared, 7)
    assert model == {"seed": 7}
    assert list(pipeline.predict(model, prepared)) == [0.5, 0.5, 0.5]


# Loading


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"models/credit/pipeline\.py: no such file"):
        load_pipeline(folder, "pipeline", shown="models/credit")


def test_a_syntax_error_has_its_line(folder: Path) -> None:
    error = refused(folder, "x = 1\ndef prepare(:\n    pass\n")
    assert [fault.where for fault in error.faults] == ["models/credit/pipeline.py:2"]
    assert error.faults[0].says.startswith("SyntaxError:")


def test_a_syntax_error_in_a_module_beside_it(folder: Path) -> None:
    write(folder, "a = (\n", "features")
    error = refused(folder, "import features\n")
    assert error.faults[0].where == "models/credit/features.py:1"


def test_bytes_that_are_no_text(folder: Path) -> None:
    (folder / "pipeline.py").write_bytes(b"x = '\xff'\n")
    with pytest.raises(BadInput, match=r"models/credit/pipeline\.py"):
        load_pipeline(folder, "pipeline", shown="models/credit")


def test_an_unknown_package_has_its_line_and_a_mend(folder: Path) -> None:
    error = refused(folder, "import os\n\nimport lightgbmm\n")
    assert error.faults[0].where == "models/credit/pipeline.py:3"
    assert error.faults[0].says == "ModuleNotFoundError: No module named 'lightgbmm'"
    assert "vendorkit lock" in error.faults[0].fix


@pytest.mark.parametrize(
    "line", ["1 / 0", "raise SystemExit(0)", "raise KeyError('x')", "import sys; sys.exit()", "assert False"]
)
def test_whatever_importing_raises_has_its_line(folder: Path, line: str) -> None:
    error = refused(folder, f"x = 1\n{line}\n")
    assert error.says == "The pipeline cannot be imported."
    assert error.faults[0].where == "models/credit/pipeline.py:2"


def test_ctrl_c_while_importing_is_ctrl_c(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(folder, "raise KeyboardInterrupt\n")


def test_all_faults_of_the_contract_at_once(folder: Path) -> None:
    error = refused(folder, "prepare = 5\n\n\ndef predict(model, frame, threshold):\n    pass\n")
    assert [str(fault) for fault in error.faults] == [
        "models/credit/pipeline.py prepare(): is not a function.",
        "models/credit/pipeline.py train(): is missing; it takes (frame, seed).",
        "models/credit/pipeline.py:4 predict(): must take (model, frame).",
    ]


def test_only_what_is_needed_must_be_there(folder: Path) -> None:
    write(folder, "def predict(model, frame, *, threshold=0.5):\n    return [threshold] * len(frame)\n")
    pipeline = load_pipeline(folder, "pipeline", needs=("predict",))
    assert set(pipeline.functions) == {"predict"}
    with pytest.raises(BadInput, match="does not exist"):
        pipeline.prepare({})


def test_a_name_that_is_taken_is_refused(folder: Path) -> None:
    write(folder, GOOD, "json")
    with pytest.raises(BadInput, match="loaded already"):
        load_pipeline(folder, "json")


def test_edited_code_is_read_anew_with_what_lies_beside_it(folder: Path) -> None:
    write(folder, "SHARE = 0.25\n", "settings")
    code = GOOD.replace("[0.5]", "[settings.SHARE]")
    first = load(folder, f"import settings\n{code}")
    assert first.predict(None, LOANS)[0] == 0.25
    write(folder, "SHARE = 0.75\n", "settings")
    assert load_pipeline(folder, "pipeline").predict(None, LOANS)[0] == 0.75
    assert first.predict(None, LOANS)[0] == 0.25


def test_two_models_do_not_meet(tmp_path: Path) -> None:
    found = []
    for name, share in (("one", 0.1), ("two", 0.2)):
        folder = tmp_path / name
        folder.mkdir()
        write(folder, f"SHARE = {share}\n", "settings")
        write(folder, f"from settings import SHARE\n{GOOD}".replace("[0.5]", "[SHARE]"))
        found.append(load_pipeline(folder, "pipeline"))
    assert [pipeline.predict(None, LOANS)[0] for pipeline in found] == [0.1, 0.2]
    assert str(tmp_path / "one") not in sys.path


def test_packages_beside_it_work(folder: Path) -> None:
    (folder / "parts" / "deep").mkdir(parents=True)
    write(folder / "parts", "", "__init__")
    write(folder / "parts" / "deep", "SHARE = 0.125\n", "settings")
    pipeline = load(folder, f"from parts.deep.settings import SHARE\n{GOOD}".replace("[0.5]", "[SHARE]"))
    assert pipeline.predict(None, LOANS)[0] == 0.125


def test_bytecode_beside_it_is_neither_run_nor_written(folder: Path) -> None:
    write(folder, GOOD.replace("0.5", "0.9"))
    planted = py_compile.compile(
        str(folder / "pipeline.py"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    assert load(folder).predict(None, LOANS)[0] == 0.5
    Path(str(planted)).unlink()
    write(folder, "SHARE = 0.5\n", "settings")
    late = GOOD.replace("    return [0.5]", "    import settings\n\n    return [settings.SHARE]")
    load(folder, late).predict(None, LOANS)
    assert sorted(path.name for path in folder.rglob("*.py*")) == ["pipeline.py", "settings.py"]


def test_an_environment_below_the_folder_is_not_taken_for_vendor_code(tmp_path: Path) -> None:
    assert not adapter._is_beside(str(tmp_path / ".venv/lib/pandas/__init__.py"), tmp_path)
    assert not adapter._is_beside(np.__file__, Path(sys.prefix).parent)
    assert adapter._is_beside(str(tmp_path / "parts/settings.py"), tmp_path)


def test_loading_is_known_only_while_it_lasts(folder: Path) -> None:
    code = f"from vendorkit.adapters.pipeline import is_loading\nLOADING = is_loading()\n{GOOD}"
    load(folder, code)
    assert sys.modules["pipeline"].LOADING is True
    assert not is_loading()


# Calling


def failing(folder: Path, function: str, body: str) -> Pipeline:
    """A pipeline whose one function has this body from line 2 on."""
    arguments = ", ".join(adapter.ARGUMENTS[function])
    other = GOOD.replace(f"def {function}(", f"def unused_{function}(")
    return load(folder, f"def {function}({arguments}):\n{textwrap.indent(body, '    ')}\n\n\n{other}")


def call(pipeline: Pipeline, function: str) -> object:
    if function == "prepare":
        return pipeline.prepare({"loans": LOANS})
    return pipeline.train(LOANS, 1) if function == "train" else pipeline.predict(None, LOANS)


RAISING = {
    "an error": ("1 / 0", "ZeroDivisionError: division by zero"),
    "sys.exit": ("import sys; sys.exit(0)", "SystemExit: 0"),
    "a missing column": ("frames = {}; frames['no']", "KeyError: 'no'"),
    "an error with a note": ("e = ValueError('odd'); e.add_note('note'); raise e", "ValueError: odd"),
    "an error without words": ("raise RuntimeError", "RuntimeError"),
    "no end": ("f = lambda: f()\nf()", "RecursionError"),
    "an error that cannot be shown": (
        "class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E",
        "E: <exception str() failed>",
    ),
}


@pytest.mark.parametrize("function", ["prepare", "train", "predict"])
@pytest.mark.parametrize(("body", "says"), RAISING.values(), ids=RAISING.keys())
def test_what_it_raises_has_file_and_line(folder: Path, function: str, body: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        call(failing(folder, function, body), function)
    assert caught.value.says == f"{function}() of the pipeline failed."
    assert caught.value.faults[0].where.startswith("models/credit/pipeline.py:")
    assert says in caught.value.faults[0].says


def test_the_line_is_the_deepest_of_the_vendors_own(folder: Path) -> None:
    write(folder, "import json\n\n\ndef broken():\n    return json.loads('{')\n", "beside")
    with pytest.raises(BadInput) as caught:
        call(failing(folder, "train", "import beside\n\nbeside.broken()"), "train")
    assert caught.value.faults[0].where == "models/credit/beside.py:5"


def test_a_long_message_is_cut(folder: Path) -> None:
    with pytest.raises(BadInput) as caught:
        call(failing(folder, "train", "raise ValueError('x' * 1_000_000)"), "train")
    assert len(caught.value.faults[0].says) < 3_000


def test_memory_that_runs_out_may_help_to_retry(folder: Path) -> None:
    with pytest.raises(Unavailable, match=r"train\(\) ran out of memory") as caught:
        call(failing(folder, "train", "x = 1\nraise MemoryError"), "train")
    assert caught.value.faults[0].where == "models/credit/pipeline.py:3"


def test_ctrl_c_is_ctrl_c(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        call(failing(folder, "train", "raise KeyboardInterrupt"), "train")


def test_os_exit_does_not_end_this_process(folder: Path) -> None:
    before = os._exit
    with outliving(), pytest.raises(BadInput, match=r"pipeline\.py:2: SystemExit: os\._exit\(0\)"):
        call(failing(folder, "train", "import os; os._exit(0)"), "train")
    assert os._exit is before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_still_ends(folder: Path) -> None:
    body = "import os\npid = os.fork()\nif not pid:\n    os._exit(7)\nreturn os.waitpid(pid, 0)[1] >> 8"
    with outliving():
        assert call(failing(folder, "train", body), "train") == 7


CONTRACT = {
    "no table": ("prepare", "return [1, 2]", "returned a list"),
    "nothing": ("prepare", "pass", "returned nothing, expected one pandas DataFrame"),
    "a column": ("prepare", "return frames['loans']['amount']", "returned a Series"),
    "columns twice": (
        "prepare", "import pandas as pd\nreturn pd.concat([frames['loans'], frames['loans']], axis=1)", "amount, bad"
    ),
    "numbered columns": ("prepare", "return frames['loans'].set_axis([0, 1], axis=1)", "not unique text: 0, 1"),
    "no rows": ("prepare", "return frames['loans'].head(0)", "without rows"),
    "no columns": ("prepare", "return frames['loans'][[]]", "without rows or columns"),
    "a stream": ("prepare", "yield frames", "returned a generator"),
    "no model": ("train", "pass", "returned nothing, expected a fitted model"),
    "too few": ("predict", "return [0.5]", "returned shape (1,) for 3 rows"),
    "too many columns": ("predict", "import numpy\nreturn numpy.zeros((3, 2))", "one column named as each class"),
    "one number": ("predict", "return 0.5", "returned a float for 3 rows"),
    "no scores": ("predict", "pass", "returned nothing for 3 rows"),
    "ragged": ("predict", "return [[1], [1, 2], [3]]", "no array"),
    "words": ("predict", "return ['good'] * 3", "one column named as each class"),
    "gaps": ("predict", "return [0.5, None, 0.5]", "values of type object, expected numbers"),
    "complex": ("predict", "return [1j] * 3", "expected numbers"),
    "a short table": ("predict", "return frame.head(2)", "returned 2 rows for 3 rows"),
}  # fmt: skip


@pytest.mark.parametrize(("function", "body", "says"), CONTRACT.values(), ids=CONTRACT.keys())
def test_what_it_returns_must_keep_the_contract(folder: Path, function: str, body: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        call(failing(folder, function, body), function)
    fault = caught.value.faults[0]
    assert fault.where == f"models/credit/pipeline.py:1 {function}()"
    assert says in fault.says


def test_scores_may_be_a_table_a_column_or_an_array(folder: Path) -> None:
    for body in ("frame[['amount']]", "frame['amount']", "frame['amount'].to_numpy()", "list(frame['bad'] == 1)"):
        assert len(failing(folder, "predict", f"return {body}").predict(None, LOANS)) == 3


@pytest.mark.parametrize("function", ["prepare", "train", "predict"])
def test_it_works_on_copies(folder: Path, function: str) -> None:
    table = "frames['loans']" if function == "prepare" else "frame"
    body = f"table = {table}\ntable['amount'] = 0.0\ndel table['bad']\n"
    last = "return table" if function != "predict" else "return [0.0] * len(table)"
    before = LOANS.copy()
    call(failing(folder, function, body + last), function)
    pd.testing.assert_frame_equal(before, LOANS)


def test_the_index_of_the_prepared_table_is_plain(folder: Path) -> None:
    prepared = failing(folder, "prepare", "return frames['loans'].iloc[[2, 0]]").prepare({"loans": LOANS})
    assert list(prepared.index) == [0, 1]
    assert list(prepared["amount"]) == [3.0, 1.0]


def test_what_it_prints_goes_to_standard_error(folder: Path) -> None:
    talk = "import os, subprocess, sys\nprint('one')\nsys.stdout.write('two')\nos.write(1, b'three')\n"
    talk += "subprocess.run(['echo', 'four'])\n"
    write(folder, talk + GOOD.replace("    return {", textwrap.indent(talk, "    ") + "    return {"))
    code = (
        "import sys; from pathlib import Path; import pandas as pd\n"
        "from vendorkit.adapters.pipeline import load_pipeline\n"
        "load_pipeline(Path(sys.argv[1]), 'pipeline').train(pd.DataFrame({'a': [1]}), 1)\nprint('mine')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == "mine\n"
    assert [done.stderr.count(word) for word in ("one", "two", "three", "four")] == [2, 2, 2, 2]


def test_a_process_without_standard_output_works(folder: Path) -> None:
    write(folder, GOOD)
    code = (
        "import os, sys; from pathlib import Path\nfrom vendorkit.adapters.pipeline import load_pipeline\n"
        "os.close(1); load_pipeline(Path(sys.argv[1]), 'pipeline').train(__import__('pandas').DataFrame(), 1)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" not in done.stderr
