"""Text of others as a terminal and a page may show it."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from vendorkit.documents.plain import figure, markdown, rounded, short, visible

BLANK = {
    *map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0)),
    *map(chr, (*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0))),
}
"""Letters, signs and marks that are printable to Python and show nothing."""


def test_of_every_sign_what_cannot_be_seen_is_written_out() -> None:
    for code in range(sys.maxunicode + 1):
        sign = chr(code)
        shown = visible(sign)
        if sign.isspace():
            assert shown == " ", hex(code)
        elif unicodedata.category(sign).startswith("C") or sign in BLANK:
            assert shown == f"\\u{code:04x}"
        else:
            assert shown == sign, hex(code)


def test_a_line_is_as_visible_as_its_signs() -> None:
    assert visible("ana\u3164") == "ana\\u3164"
    line = "a\u202eb\x1b[31m\tä✅\u00a0\u200b"
    assert visible(line) == "a\\u202eb\\u001b[31m ä✅ \\u200b" == "".join(map(visible, line))


@pytest.mark.parametrize(
    ("value", "exact", "short"),
    [
        (0.0, "0", "0"),
        (-0.0, "0", "0"),
        (1e-12, "1e-12", "1e-12"),
        (-0.123456789, "-0.123457", "-0.1235"),
        (12_345.678, "12,345.68", "12,346"),
        (-1e9, "-1,000,000,000", "-1,000,000,000"),
        (1e15, "1e+15", "1e+15"),
    ],
)
def test_numbers_of_every_size(value: float, exact: str, short: str) -> None:
    assert (figure(value), rounded(value)) == (exact, short)


def test_signs_of_two_columns_count_for_two() -> None:
    assert short("a name", 6) == "a name"
    assert short("a long name", 6) == "a l..."
    assert short("日本語", 6) == "日本語"
    assert short("日本語の名前", 8) == "日本..."
    assert short("", 6) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# big", r"\# big"),
        ("- a point", r"\- a point"),
        ("+ a point", r"\+ a point"),
        ("12. a point", r"12\. a point"),
        ("2) a point", r"2\) a point"),
        ("-12.5 and -", "-12.5 and -"),
        ("-", "-"),
        ("1.5 of 2.", "1.5 of 2."),
    ],
)
def test_no_text_begins_a_heading_or_a_list(text: str, shown: str) -> None:
    assert markdown(text) == shown
