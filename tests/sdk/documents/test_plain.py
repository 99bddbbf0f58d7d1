"""Text of others as a terminal and a page may show it."""

from __future__ import annotations

import sys
import unicodedata

from vendorkit.documents.plain import visible

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
