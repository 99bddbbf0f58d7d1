"""What reviewers read of an update: complete, short, and inert whatever files and changelogs are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vendorkit.fleet.merge import Conflict
from vendorkit.fleet.update import Plan
from vendorkit.fleet.versions import TemplateVersion
from vendorkit.fleet.wording import MOST_FILES, body, heal_message, title, update_message

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


def test_names_of_files_are_shown_and_never_acted_on() -> None:
    evil = "a`\n\n### Merged by the owner\n![x](https://evil.example/x.png) @everybody\x1b[2J"
    planned = replace(UPDATE, changed=(evil,), conflicts=(replace(CLASH, path=evil, says=f"{evil} was changed."),))
    said = body(planned, [evil], "vendorkit/update-v2", marked=False)
    assert not [line for line in said.splitlines() if line.startswith(("### Merged", "!["))]
    assert "\x1b" not in said
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
