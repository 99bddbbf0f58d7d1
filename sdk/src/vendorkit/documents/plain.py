"""Text from records made safe to show on a terminal, in Markdown and in HTML.

Names and claims are written by vendors and may be hostile. Nothing here knows what is shown.
"""

from __future__ import annotations

import html
import re
import textwrap
import unicodedata
from bisect import bisect_right
from itertools import accumulate

WIDTH = 100
"""Columns of what is written for a terminal."""
MOST = 700
"""Characters of one text that are shown; the JSON form of a record always has all of it."""

_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""What Markdown acts on inside a line; an underscore between letters is only itself."""

_BEGIN = re.compile(r"^\d{0,9}(?=#|[-+.)] )")
"""What Markdown acts on at the beginning of a line: headings and lists."""

_DIGEST = re.compile(r"\b((?:sha256:)?[0-9a-f]{12})(?:[0-9a-f]{28}|[0-9a-f]{52})\b")

_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that show nothing, by Unicode's Default_Ignorable_Code_Point, and the blank of Braille. The two
selectors that people type with emoji (U+FE0E and U+FE0F) are left out."""

_LINKS = {"&": "&amp;", "@": "&#64;", "://": "&#58;//", "www.": "www&#46;"}
"""Written otherwise so that no address becomes a link and nobody is called by `@name`."""


def clean(text: str, most: int = MOST) -> str:
    """Text as one line without control characters; what would not be seen is written out.

    Terminal escapes, marks that turn the direction of writing, and invisible characters become `\\u001b` and
    the like, so that nothing on the screen is other than what the record says.

    Args:
        text: Any text.
        most: Characters to keep; an ellipsis and the count say what was cut.
    """
    line = " ".join(visible(text[:most]).split())
    return line if len(text) <= most else f"{line} ... ({len(text) - most:,} more characters)"


def visible(text: str) -> str:
    """Text in which every character is seen; what is white space becomes a space."""
    if text.isprintable() and (text.isascii() or not _BLANK.search(text)):  # most of what there is
        return text
    return "".join(_written(sign) for sign in text)


def _written(sign: str) -> str:
    if sign.isspace():
        return " "
    if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn") or _BLANK.match(sign):
        return f"\\u{ord(sign):04x}"
    return sign


def short(text: str, width: int) -> str:
    """Cleaned text that takes at most `width` columns, Chinese and the like two for each sign; dots tell of a cut."""
    line = " ".join(visible(text[:MOST]).split())
    ends = list(accumulate(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line))
    if not ends or ends[-1] <= width:
        return line
    return f"{line[: bisect_right(ends, width - 3)]}..."


def hanging(start: str, text: str, *, shown_start: str | None = None) -> str:
    """Cleaned text after `start`, its further lines indented below it, at most WIDTH columns wide.

    Args:
        start: What stands before it.
        text: Any text.
        shown_start: The same as `start` with colours, where it has some.
    """
    indent = " " * len(start)
    filled = textwrap.fill(clean(text), WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return (shown_start or start) + filled[len(indent) :]


def markdown(text: str, most: int = MOST) -> str:
    """Cleaned text that Markdown shows as it is: no link, image, heading, table edge, HTML or mention."""
    line = _BEGIN.sub(r"\g<0>\\", _MARKDOWN.sub(r"\\\g<0>", clean(text, most)), count=1)
    for sign, instead in _LINKS.items():
        line = line.replace(sign, instead)
    return line


def code(text: str) -> str:
    """Cleaned text as a span of Markdown's code, which backticks in it do not end."""
    line = clean(text)
    if "`" not in line:
        return f"`{line}`"
    fence = "`" * (1 + max(map(len, re.findall("`+", line))))
    return f"{fence} {line} {fence}"


def markup(text: str) -> str:
    """Cleaned text for HTML, also inside a quoted attribute."""
    return html.escape(clean(text), quote=True)


def counted(count: int, what: str) -> str:
    """`1 row` or `1,000 rows`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def shortened(text: str) -> str:
    """Text with the first 12 digits of each digest and commit: enough to tell them apart, and to look them up."""
    return _DIGEST.sub(r"\1", text)


def figure(value: float | str) -> str:
    """A number with six significant digits, from 1,000 on with two decimals at most; text as it is."""
    if isinstance(value, str):
        return value
    if abs(value) < 1000.0:
        return f"{value or 0.0:.6g}"  # -0.0 is nothing that anybody should wonder about
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 1e12 else f"{value:.6g}"


def rounded(value: float) -> str:
    """A number with four significant digits, from 1,000 on with every digit before the point."""
    return figure(float(round(value))) if 1000.0 <= abs(value) < 1e12 else f"{value or 0.0:.4g}"


def lines_of(text: str) -> list[str]:
    """Text of several lines, each without control characters and with its indentation."""
    return [visible(line).rstrip() for line in text.splitlines()]
