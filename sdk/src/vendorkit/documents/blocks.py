"""A document as a list of plain blocks, and its two forms: Markdown, and one HTML page without scripts or requests.

Words of people are marked off as such in both: what is not marked comes from the records. What a document says is
decided in the modules that make one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vendorkit.documents.plain import lines_of, markdown, markup
from vendorkit.records.document_format import FormatSection
from vendorkit.records.prose import Prose

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Heading:
    """The heading of a section."""

    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph from the records."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Points from the records."""

    points: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table from the records; `figures` are the columns that hold numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: tuple[int, ...] = ()


@dataclass(frozen=True)
class Words:
    """What a person wrote: Markdown, and the file that it stands in."""

    text: str
    where: str


Block = Heading | Text | Bullets | Table | Words


@dataclass(frozen=True)
class Written:
    """A document.

    Args:
        name: `card`, `datasheet-applications`, `release-notes`, `brief`.
        title: Its title.
        lead: One sentence below the title.
        blocks: The rest, in order.
        tone: Whether the lead is good news, bad news or neither.
        front: Front matter of the Markdown form, without its marks.
    """

    name: str
    title: str
    lead: str
    blocks: tuple[Block, ...]
    tone: str = ""
    front: str = ""


def filled(
    sections: tuple[FormatSection, ...], prose: Prose, known: Mapping[str, Callable[[], Iterator[Block]]]
) -> tuple[Block, ...]:
    """The sections of a document, each with what people wrote and what the records know.

    Args:
        sections: The form.
        prose: What people wrote.
        known: Heading in small letters to what gives the blocks from the records.
    """
    blocks: list[Block] = []
    for section in sections:
        words = prose.text(section.heading)
        found: list[Block] = [Words(words, prose.where)] if words else []
        if section.heading.casefold() in known:
            found += known[section.heading.casefold()]()
        blocks += [Heading(section.heading), *(found or [Text("Nothing is recorded.")])]
    return tuple(blocks)


def to_markdown(document: Written) -> str:
    """The document as Markdown; words of people are quoted."""
    front = f"---\n{document.front}---\n\n" if document.front else ""
    lead = f"**{markdown(document.lead)}**" if document.tone else markdown(document.lead)
    parts = [f"# {markdown(document.title)}", lead, *(_markdown(block) for block in document.blocks)]
    return front + "\n\n".join(part for part in parts if part) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"## {markdown(block.text)}"
        case Text():
            return markdown(block.text)
        case Bullets():
            return "\n".join(f"- {markdown(point)}" for point in block.points)
        case Table():
            rule = ["---:" if place in block.figures else "---" for place in range(len(block.heads))]
            rows = [block.heads, *block.rows]
            cells = [[markdown(cell) or " " for cell in row] for row in rows]
            return "\n".join(f"| {' | '.join(row)} |" for row in [cells[0], rule, *cells[1:]])
        case Words():
            return "\n".join(f"> {_harmless(line)}".rstrip() for line in lines_of(block.text))


def _harmless(line: str) -> str:
    """A line of Markdown without HTML and without images, which would be fetched from somewhere."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[")


_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f37; --bad: #cf222e; --mark: #0969da; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; --mark: #58a6ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 54rem; padding: 2rem 1.25rem 3rem; font: 16px/1.55 system-ui, sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
.lead { margin: 0; font-size: 1.0625rem; }
header.good, header.bad { border-left: .5rem solid var(--good); padding: .25rem 0 .25rem 1rem; }
header.bad { border-color: var(--bad); }
header.good .lead, header.bad .lead { font-weight: 600; }
h2 { font-size: 1.125rem; margin: 2rem 0 .5rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
p, ul, ol { margin: .5rem 0; }
ul, ol { padding-left: 1.4rem; }
li { margin: .2rem 0; }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9063rem; line-height: 1.4; }
th, td { text-align: left; vertical-align: top; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; min-width: 5rem; }
th { font-size: .8125rem; font-weight: 600; opacity: .75; }
.figure { text-align: right; white-space: nowrap; min-width: 0; font-variant-numeric: tabular-nums; }
code { font: .8125rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.words { border-left: .25rem solid var(--mark); background: var(--soft); border-radius: 0 .375rem .375rem 0;
  margin: .75rem 0; padding: .375rem 1rem; }
.words pre { overflow-x: auto; font-size: .8125rem; }
.words small { opacity: .75; }
footer { margin-top: 2.5rem; font-size: .875rem; opacity: .75; }
@media (max-width: 40rem) { body { padding: 1rem .875rem 2rem; } h1 { font-size: 1.3rem; }
  table { font-size: .875rem; } .many, .many tbody, .many tr { display: block; }
  .many thead { display: none; }
  .many tr { border-bottom: 1px solid var(--line); padding: .375rem 0; }
  .many td { border: 0; padding: .125rem 0 .125rem 7rem; text-align: left; display: flow-root; min-height: 1.4em; }
  .many td::before { content: attr(data-head); float: left; margin-left: -7rem; width: 6.5rem; opacity: .75; } }
@page { margin: 12mm; }
@media print { html { font-size: 10.5px; } body { font-size: 1rem; line-height: 1.35; max-width: none; padding: 0; }
  h2 { margin-top: .9rem; break-after: avoid; } .words, tr { break-inside: avoid; } td { padding-block: .2rem; }
  .words, .wide { margin-block: .4rem; } footer { margin-top: 1rem; } }
"""

FOOT = "Text with a coloured edge was written by people, in the file that is named; all else comes from the records."


def to_html(document: Written) -> str:
    """The document as one page; everything is escaped, and a policy in the page forbids scripts and requests."""
    title = markup(document.title)
    tone = f' class="{document.tone}"' if document.tone else ""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f'<link rel="icon" href="data:,"><title>{title}</title><style>{_STYLE}</style></head><body>',
        f'<header{tone}><h1>{title}</h1><p class="lead">{markup(document.lead)}</p></header><main>',
        *(_html(block) for block in document.blocks),
        f"</main><footer>{FOOT}</footer></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h2>{markup(block.text)}</h2>"
        case Text():
            return f"<p>{_coded(markup(block.text))}</p>"
        case Bullets():
            points = "".join(f"<li>{_coded(markup(point))}</li>" for point in block.points)
            return f"<ul>{points}</ul>"
        case Table():
            return _html_table(block)
        case Words():
            inner = "".join(_paragraphs(lines_of(block.text)))
            return f'<div class="words">{inner}<small>{markup(block.where)}</small></div>'


def _html_table(table: Table) -> str:
    """A table; where it has more than two columns, a phone shows each row as a list with the heads beside it."""
    many = len(table.heads) > 2

    def row(cells: Sequence[str], tag: str) -> str:
        shown = []
        for place, (cell, head) in enumerate(zip(cells, table.heads, strict=True)):
            mark = ' class="figure"' if place in table.figures else ""
            label = f' data-head="{markup(head)}"' if many and tag == "td" else ""
            shown.append(f"<{tag}{mark}{label}>{_coded(markup(cell))}</{tag}>")
        return f"<tr>{''.join(shown)}</tr>"

    rows = "".join(row(cells, "td") for cells in table.rows)
    kind = ' class="many"' if many else ""
    return f'<div class="wide"><table{kind}><thead>{row(table.heads, "th")}</thead><tbody>{rows}</tbody></table></div>'


_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|\b[0-9a-f]{40}\b")
_CODE = re.compile(r"`([^`]+)`")
_HEAD = re.compile(r"#{1,6} ")
_ITEM = re.compile(r"\s*(?:[-*+]|(\d+)[.)])\s+(.*)")


def _coded(escaped: str) -> str:
    """Digests and commits in a fixed-width face."""
    return _DIGEST.sub(lambda found: f"<code>{found[0]}</code>", escaped)


def _inline(text: str) -> str:
    """Words of people, of which nothing is cut."""
    return _CODE.sub(r"<code>\1</code>", html.escape(text))


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """Paragraphs, lists, headings and code of a person's Markdown; everything else is shown as it was typed."""
    group: list[str] = []
    for line in [*lines, ""]:
        fenced = bool(group) and _is_fence(group[0]) and not (len(group) > 1 and _is_fence(group[-1]))
        if group and not fenced and (not line.strip() or _begins(line, group[0])):
            yield _shown(group)
            group = []
        if line.strip() or fenced:
            group.append(line)
    if group:  # code that nobody closed
        yield _shown(group)


def _is_fence(line: str) -> bool:
    return line.lstrip().startswith("```")


def _begins(line: str, first: str) -> bool:
    """Whether a line begins something of its own below lines whose first is given, without an empty line between."""
    item = _ITEM.fullmatch(line)
    begins_list = item is not None and item[1] in (None, "1") and not _ITEM.fullmatch(first)
    return begins_list or _is_fence(line) or _is_fence(first) or bool(_HEAD.match(line) or _HEAD.match(first))


def _shown(group: list[str]) -> str:
    first = group[0]
    if _HEAD.match(first):
        return f"<p><strong>{_inline(first.lstrip('# '))}</strong></p>"
    if _is_fence(first) or first.lstrip().startswith("|"):
        return f"<pre>{chr(10).join(html.escape(line) for line in group if not _is_fence(line))}</pre>"
    if not _ITEM.fullmatch(first):
        return f"<p>{_inline(' '.join(group))}</p>"
    items: list[str] = []
    for line in group:
        found = _ITEM.fullmatch(line)
        if found:
            items.append(found[2])
        else:
            items[-1] += f" {line.strip()}"
    kind = "ol" if first.lstrip()[0].isdigit() else "ul"
    return f"<{kind}>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</{kind}>"
