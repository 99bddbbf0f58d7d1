"""Text from records made safe to show on a terminal, in Markdown and in HTML.

Names and claims are written by vendors and may be hostile. Nothing here knows what is shown.
"""

from __future__ import annotations

import html
import re
import unicodedata

MOST = 700
"""Characters of one text that are shown; the JSON form of a record always has all of it."""

_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""What Markdown acts on inside a line; an underscore between letters is only itself."""

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
    line = " ".join(_shown(text[:most]).split())
    return line if len(text) <= most else f"{line} ... ({len(text) - most:,} more characters)"


def _shown(text: str) -> str:
    if text.isascii() and text.isprintable():  # most of what there is
        return text
    return "".join(_visible(sign) for sign in text)


def _visible(sign: str) -> str:
    if sign.isspace():
        return " "
    if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return f"\\u{ord(sign):04x}"
    return sign


def short(text: str, width: int) -> str:
    """Cleaned text of at most `width` characters, for a column; dots tell that it was cut."""
    line = " ".join(_shown(text[: width + 1]).split())
    return line if len(line) <= width else f"{line[: width - 3]}..."


def markdown(text: str, most: int = MOST) -> str:
    """Cleaned text that Markdown shows as it is: no link, image, heading, table edge, HTML or mention."""
    line = _MARKDOWN.sub(r"\\\g<0>", clean(text, most))
    for sign, instead in _LINKS.items():
        line = line.replace(sign, instead)
    return line


def markup(text: str) -> str:
    """Cleaned text for HTML, also inside a quoted attribute."""
    return html.escape(clean(text), quote=True)


def figure(value: float | str) -> str:
    """A number with six significant digits, thousands apart; text as it is."""
    if isinstance(value, str):
        return value
    if abs(value) < 1000.0:
        return f"{value:.6g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 1e12 else f"{value:.6g}"


def lines_of(text: str) -> list[str]:
    """Text of several lines, each without control characters and with its indentation."""
    return [_shown(line).rstrip() for line in text.splitlines()]
