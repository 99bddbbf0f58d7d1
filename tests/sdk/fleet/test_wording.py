"""What reviewers read of an update: complete, short, and inert whatever files and changelogs are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vendorkit.fleet.merge import Conflict
from vendorkit.fleet.update import Plan
from vendorkit.fleet.versions import TemplateVersion
from vendorkit.fleet.wording import MOST_FILES, body, heal_message, title, told_of, update_message

OLD, NEW = (TemplateVersion("https://git.bank.example/t.git", f"v{number}", str(number) * 40) for number in (1, 2))
CLASH = Conflict("ci.yml", "text", "a" * 40, "b" * 40, "c" * 40, "ci.yml was changed on both sides.")
UPDATE = Plan(
    Path("x"), ".copier-answers.yml", "d" * 40, OLD, NEW, "conflict", "e" * 40, "f" * 40,
    changed=("a.txt",), deleted=("b.txt",), healed=("lint.toml",), renamed={"c.txt": "d.txt"}, conflicts=(CLASH,),
    warnings=("The tag v1 moved.",),
)  # fmt: skip


def test_everything_is_told_and_a_changelog_does_not_outrank_it() -> None:
    said = body(UPDATE, ["## v2", "- Scan *everything*"], "vendorkit/update-v2", marked=True, engagement="risk/pd")
    files = ("- `lint.toml`", "- `b.txt`", "`c.txt` became `d.txt`", "`aaaaaaaaaaaa` | `bbbbbbbbbbbb` | `cccccccccccc`")
    rest = ("in `risk/pd`", "**v1**", "**v2**", "1 conflict\n", "The tag v1 moved.", "git switch vendorkit/update-v2")
    for part in (*files, *rest):
        assert part in said
    assert "\n**v2**\n" in said
    assert r"Scan \*everything\*" in said
    assert not [line for line in said.splitlines() if line.startswith(("# ", "## "))]
    assert title(UPDATE, marked=True) == "DRAFT, has conflict markers: Update from template v1 to v2"


def test_a_file_that_stays_as_it_is_comes_with_what_the_template_changed() -> None:
    texts = {"a" * 40: ("blob", b"one\ntwo\n"), "c" * 40: ("blob", b"one\n```\n2\x1b[2J\n")}
    aside = replace(UPDATE, objects=texts)
    said = body(aside, [], "vendorkit/update-v2", marked=False)
    told = said.partition("### What the template changed in files that stay as they are")[2].strip().splitlines()
    assert (told[0], told[-1]) == ("````diff", "````"), "longer than any fence in the text"
    assert {"--- a/ci.yml", "-two", "+```", "+2\\u001b[2J"} <= set(told)
    assert "stay as they are\n\n`" not in body(aside, [], "vendorkit/update-v2", marked=True), "markers show it there"
    binary = replace(aside, objects={**texts, "c" * 40: ("blob", b"\0")})
    assert "````" not in body(binary, [], "vendorkit/update-v2", marked=False)
    long = [f"- {'x' * 600}"] * 60
    many = replace(aside, changed=tuple("y" * 690 + str(number) for number in range(90)))
    assert len(body(many, long, "b", marked=False)) < 65_536


def test_the_line_of_a_repository_says_what_becomes_of_it() -> None:
    assert told_of(UPDATE) == "1 conflict: ci.yml, restores lint.toml"
    clean = replace(UPDATE, status="updated", conflicts=())
    assert told_of(clean) == "changes 2 files, restores lint.toml"
    many = replace(clean, changed=(), deleted=(), healed=tuple("abcdefg"), status="drifted")
    assert told_of(many) == "restores a, b, c, d, e, and 2 more"
    assert told_of(replace(clean, status="needs-tasks", needs=("tasks",))).endswith("of its own: tasks")


def test_names_of_files_are_shown_and_never_acted_on() -> None:
    evil = "a`\n\n### Merged by the owner\n![x](https://evil.example/x.png) @everybody\x1b[2J"
    planned = replace(UPDATE, changed=(evil,), conflicts=(replace(CLASH, path=evil, says=f"{evil} was changed."),))
    said = body(planned, [evil], "vendorkit/update-v2", marked=False)
    assert not [line for line in said.splitlines() if line.startswith(("### Merged", "!["))]
    assert "\x1b" not in said
    ends = "d` **Approved** @bank/all | [a](https://evil.example) ``.txt"
    named = replace(planned, renamed={"c.txt": ends}, conflicts=(replace(CLASH, path=ends),))
    shown = body(named, [], "b", marked=False)
    assert f"- `c.txt` became ``` {ends} ```\n" in shown
    assert f"\n| ``` {ends.replace('|', chr(92) + '|')} ``` | `aaaaaaaaaaaa` |" in shown
    assert "\n### Merged" not in update_message(planned, [evil], marked=False)


def test_many_files_are_counted_and_a_reset_speaks_of_itself() -> None:
    many = replace(UPDATE, changed=tuple(f"f{number}" for number in range(MOST_FILES + 7)))
    assert "... and 7 more" in body(many, [], "b", marked=False)
    reset = replace(UPDATE, kind="reset", to_version=OLD, conflicts=(), renamed={}, changed=(), deleted=())
    assert title(reset, marked=False) == "Bring files back to template v1"
    assert heal_message(reset).startswith("Bring files back to template v1\n\nThe platform team asked for it")
    said = body(reset, [], "vendorkit/reset", marked=False)
    assert "stuck" not in said
    assert "deleted or weakened" not in said
