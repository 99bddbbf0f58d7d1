"""Words in sections: what is read, what is a stub, and what a document lacks."""

from __future__ import annotations

import pytest
from vendorkit.errors import BadInput
from vendorkit.records.document_format import FormatSection, missing_words
from vendorkit.records.prose import read_prose

TEXT = b"""# Title

Not part of anything.

## First

Some words.

### Deeper

More.
```python
## not a heading
```

## Second ##
<!-- a remark
that goes -->
- Say here what is wrong.
"""


def test_sections_with_their_lines() -> None:
    first, second = read_prose(TEXT, "CARD.md").sections
    assert (first.heading, first.line, first.begins, first.stubs) == ("First", 5, 7, ())
    assert first.text.startswith("Some words.\n\n### Deeper")
    assert "## not a heading" in first.text
    assert (second.heading, second.text, second.stubs) == ("Second", "- Say here what is wrong.", (19,))


@pytest.mark.parametrize(
    "line", ["Say here who pays.", "> say here", "TODO: ask", "It is TBD.", "Lorem ipsum dolor", "..."]
)
def test_what_is_a_stub(line: str) -> None:
    assert read_prose(f"## A\n{line}\n".encode(), "A.md").sections[0].stubs == (2,)


@pytest.mark.parametrize(
    "line", ["They say hereditary titles count.", "We todo nothing... much.", "1 ... 2", "Mastodon"]
)
def test_what_is_no_stub(line: str) -> None:
    assert read_prose(f"## A\n{line}\n".encode(), "A.md").sections[0].stubs == ()


@pytest.mark.parametrize("data", [b"\xff\xfe", b"x" * 200_001])
def test_what_is_no_text(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_prose(data, "A.md")


def test_every_lack_is_named_with_its_place() -> None:
    form = (
        FormatSection(heading="First", asks="Write first."),
        FormatSection(heading="Second", asks="Write second."),
        FormatSection(heading="Third", asks="Write third."),
        FormatSection(heading="Shown"),
    )
    prose = read_prose(TEXT + b"\n## Extra\nx\n\n## first\ny\n\n## THIRD\n\n", "CARD.md")
    faults = {str(fault.where): fault.says for fault in missing_words(prose, form)}
    assert faults == {
        "CARD.md:19": "`Second` has a stub left.",
        "CARD.md:21": "`Extra` is no section of this document.",
        "CARD.md:24": "`first` is there twice.",
        "CARD.md:27": "`THIRD` is empty.",
    }
    assert missing_words(read_prose(b"## First\na\n## Second\nb\n## Third\nc\n", "A.md"), form) == []
    assert [fault.says for fault in missing_words(read_prose(b"## First\na\n## Third\nc\n", "A.md"), form)] == [
        "has no section `Second`."
    ]
