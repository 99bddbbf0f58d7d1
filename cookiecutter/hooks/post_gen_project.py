"""Hands the answers to Copier, which renders the template of this repository into the folder that Cookiecutter made.

The scaffold is the same as `copier copy` gives, its recorded answers too, so that updates find it. Empty answers are
left to the template.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ANSWERS = Path("cookiecutter-answers.json")


def copier():
    """How Copier is started: beside this interpreter, from the path, or fetched by uv."""
    if find_spec("copier"):
        return [sys.executable, "-m", "copier"]
    for words in (["copier"], ["uvx", "copier"]):
        if shutil.which(words[0]):
            return words
    sys.exit("The template is rendered by Copier. Install it with `pip install copier`, and try again.")


def source(told):
    """Where the template lies: a folder becomes absolute, so that later updates find it."""
    template = told["_template"]
    for base in (os.environ.get("PWD", ""), told.get("_output_dir", "")):
        place = Path(base, Path(template).expanduser())
        if place.is_dir():
            return str(place.resolve())
    return template


def main():
    """Render."""
    told = json.loads(ANSWERS.read_text(encoding="utf-8"))
    ANSWERS.unlink()
    answers = {key: value for key, value in told.items() if key[:1] != "_" and value}
    if "deliverables" in answers:
        answers["deliverables"] = [each.strip() for each in answers["deliverables"].split(",")]
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "answers.yml")
        written.write_text(json.dumps(answers), encoding="utf-8")
        version = ["--vcs-ref", told["_checkout"]] if told.get("_checkout") else []
        options = ["--defaults", "--quiet", *version, "--data-file", str(written)]
        code = subprocess.call([*copier(), "copy", *options, source(told), "."])
    if code:
        sys.exit(code)
    print("Next: git init --initial-branch=main, uv lock, and commit; `vendorkit new` does these by itself.")


if __name__ == "__main__":
    main()
