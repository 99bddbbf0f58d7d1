"""Beside the real `copier update`: what templates can be told to do, one small template for each group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sdk.fleet.test_equivalence import both
from tests.support.fleet import ANSWERS_TEXT, commit_all, make_project, make_template, own_template, write

QUESTIONS_1 = """
_exclude: [copier.yml, .git, "*.secret", "{% if not docs %}docs/{% endif %}"]
name: {type: str, default: World}
low: {type: str, default: "{{ name|lower }}"}
docs: {type: bool, default: true}
kind: {type: str, choices: [a, b, c], default: a}
many: {type: str, multiselect: true, choices: [x, y, z], default: "[x, y]"}
only_b: {type: str, default: "for b", when: "{{ kind == 'b' }}"}
computed: {type: str, default: "{{ name }}-{{ kind }}", when: false}
old: {type: int, default: 3}
token: {type: str, secret: true, default: "s3"}
nothing: {type: yaml, default: null}
"""
QUESTIONS_2 = (
    QUESTIONS_1.replace("choices: [a, b, c]", "choices: [a, b, d]")
    .replace(
        "old: {type: int, default: 3}",
        (
            "old: {type: int, default: 4}\nfresh: {type: str, default: '{{ low }}!'}\n"
            "checked: {type: str, default: ok, validator: '{% if checked == \"bad\" %}no{% endif %}'}"
        ),
    )
    .replace('"*.secret"', '"*.secret", "dropped.txt", "lib/"')
)

SHOW = """\
{% import 'parts/macros.jinja' as macros %}
{{ macros.shout(name) }}
{% include 'parts/' ~ kind ~ '.txt' ignore missing %}
{% include 'parts/fixed.txt' %}
{% for each in many %}{{ each }} {% endfor %}
{{ low }} {{ computed }} {{ only_b|default('none') }} {{ nothing }} {{ _copier_answers.name }} {{ token }}
{{ _copier_conf.answers_file }} {{ _copier_operation|default('-') }} {{ now is defined }}
"""

QUESTIONS = (
    {
        "copier.yml": QUESTIONS_1,
        "show.txt.jinja": SHOW + "".join(f"{number}\n" for number in range(20)),
        "parts/macros.jinja": "{% macro shout(x) %}{{ x|upper }}{% endmacro %}",
        "parts/a.txt": "part a\n",
        "parts/fixed.txt": "fixed {{ name }}\n",
        "docs/{{ low }}/index.md.jinja": "# {{ name }}\n",
        "{% if kind == 'b' %}b.txt{% endif %}": "b\n",
        "{{ kind }}/{{ name }}.txt.jinja": "{{ old }}\n",
        "dropped.txt": "leave me\n",
        "lib/one.txt": "one\n",
        "raw.txt": "{{ not rendered }}\n",
        "raw.txt.jinja": "{{ name }} is rendered\n",
        "x.secret": "no\n",
    },
    {
        "copier.yml": QUESTIONS_2,
        "show.txt.jinja": SHOW + "{{ fresh }} {{ checked }}\n" + "".join(f"{number}\n" for number in range(20)),
        "parts/macros.jinja": "{% macro shout(x) %}{{ x|upper }}!!{% endmacro %}",
        "parts/fixed.txt": "mended {{ name }}\n",
        "{% if kind == 'b' %}b.txt{% endif %}": "b2\n",
        "lib/one.txt": "two\n",
        "raw.txt.jinja": None,
    },
)

LOOPS = (
    {
        "copier.yml": (
            "_envops: {variable_start_string: '[[', variable_end_string: ']]', keep_trailing_newline: false}\n"
            "_templates_suffix: ''\n_subdirectory: '[[ root ]]'\nroot: {type: str, default: one}\n"
            "names: {type: yaml, default: [p, q]}\nplain: {type: str, default: '{{ kept }}'}\n"
        ),
        "one/[[ _copier_conf.answers_file ]]": "[[ _copier_answers|to_nice_yaml ]]\n",
        "one/{% yield n from names %}[[ n ]].txt{% endyield %}": "[[ n ]] of [[ names|length ]]\nend\n",
        "one/text.txt": "[[ root ]] {{ left }} [[ plain ]]\n",
        "one/bytes.bin": b"\xff\xfe\x00",
        "two/text.txt": "two\n",
    },
    {
        "one/{% yield n from names %}[[ n ]].txt{% endyield %}": "[[ n ]] among [[ names|length ]]\nend\n",
        "one/text.txt": "[[ root ]] {{ left }} changed\n",
    },
)

FOLDERS = (
    {
        "copier.yml": "_answers_file: .config/answers.yml\nname: {type: str, default: World}\n",
        "{{ _copier_conf.answers_file }}.jinja": ANSWERS_TEXT,
        "a.txt.jinja": "{{ name }}\n1\n2\n3\n4\n5\n",
        ".gitattributes": "*.txt text=auto\nwin.txt text eol=crlf\nraw.bin -text\n",
        "crlf.txt": "a\r\nb\r\n",
        "win.txt": "a\r\nb\r\n",
        "raw.bin": "a\r\nb\r\n",
        ".gitignore": "build/\n*.log\n!keep.log\n",
        "build/made.txt": "1\n",
        "keep.log": "1\n",
    },
    {
        "a.txt.jinja": "{{ name }}\n1\n2\n3\n4\nFIVE\n",
        "crlf.txt": "a\r\nb\r\nc\r\n",
        "win.txt": "a\r\nb\r\nc\r\n",
        "raw.bin": "a\r\nb\r\nc\r\n",
        "build/made.txt": "2\n",
        "build/new.txt": "2\n",
        "keep.log": "2\n",
        "some.log": "2\n",
    },
)


def test_answers_questions_defaults_includes_and_exclusions(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template", *QUESTIONS)
    project = make_project(template, tmp_path / "project", {"name": "Ann", "kind": "c", "many": ["z"], "old": 9})
    answers = project / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("many:\n- z", "many:\n- z\n- x"))
    write(project, {"dropped.txt": "mine now\n", "show.txt": (project / "show.txt").read_text() + "mine\n"})
    commit_all(project)
    found, given, copiers = both(tmp_path, template, project)
    assert given == copiers
    assert [conflict.path for conflict in found.conflicts] == ["show.txt"]
    assert b"fresh: ann!" in given[".copier-answers.yml"][1]


def test_loops_in_names_other_delimiters_no_suffix_and_a_computed_subdirectory(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template", *LOOPS)
    project = make_project(template, tmp_path / "project", {"names": ["p", "q", "r"], "plain": "[[ 7 * 7 ]]"})
    write(project, {"q.txt": "q of 3\nend\nmine\n"})
    commit_all(project)
    _, given, copiers = both(tmp_path, template, project)
    assert given == copiers
    assert given["r.txt"][1] == b"r among 3\nend"
    assert b"49" not in given["text.txt"][1], "an answer is no template"


@pytest.mark.parametrize("folder", ["", "engagements/one/"])
def test_another_answers_file_line_ends_ignored_files_and_a_subfolder(folder: str, tmp_path: Path) -> None:
    template = make_template(tmp_path / "template", *FOLDERS)
    repository = tmp_path / "repository"
    if folder:
        write(repository, {"README.md": "ours\n", "a.txt": "ours\n"})
        commit_all(repository)
    make_project(template, repository / folder, {"name": "Ann"})
    write(repository / folder, {"a.txt": "Ann\nONE\n2\n3\n4\n5\n"})
    commit_all(repository)
    _, given, copiers = both(tmp_path, template, repository, folder=folder, answers=".config/answers.yml")
    assert given == copiers
    assert given[f"{folder}a.txt"][1] == b"Ann\nONE\n2\n3\n4\nFIVE\n"


def test_two_templates_in_one_repository(tmp_path: Path) -> None:
    first = make_template(
        tmp_path / "first", {"copier.yml": "a: 1\n", "a.txt.jinja": "{{ a }}\n"}, {"a.txt.jinja": "a{{ a }}\n"}
    )
    second = make_template(
        tmp_path / "second", {"copier.yml": "b: 2\n", "b.txt.jinja": "{{ b }}\n"}, {"b.txt.jinja": "b{{ b }}\n"}
    )
    project = make_project(first, tmp_path / "project")
    make_project(second, project, answers_file=".copier-answers.second.yml")
    found, given, copiers = both(tmp_path, second, project, answers=".copier-answers.second.yml")
    assert given == copiers
    assert found.changed == (".copier-answers.second.yml", "b.txt")


@pytest.mark.parametrize("answers", [{}, {"starter": "blank", "forge": "gitlab", "tier": "low", "title": "Größe"}])
def test_the_template_of_this_repository(answers: dict[str, Any], tmp_path: Path) -> None:
    template = own_template(tmp_path / "template")
    project = make_project(template, tmp_path / "project", {"starts": "2026-09-01", **answers})
    noxfile = (project / "noxfile.py").read_text("utf-8")
    write(project, {"noxfile.py": noxfile + "\n# ours\n", "README.md": "Ours.\n"})
    commit_all(project)
    found, given, copiers = both(tmp_path, template, project)
    assert given == copiers
    assert {"SECURITY.md", ".copier-answers.yml", "noxfile.py"} <= set(found.changed)
    assert ".gitignore" in found.deleted
    assert given["README.md"][1] == b"Ours.\n"
