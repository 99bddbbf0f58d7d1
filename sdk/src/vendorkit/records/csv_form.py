"""What a CSV file means: how its header is read and which literal has which type. Reads no file itself.

A column has the first type below that every present value fits without losing a digit; else it is text. So
`007`, `+49` and integers beyond 64 bits stay text, and a date is a date only in ISO form (31/12/2026 stays
text: day and month cannot be told apart for certain). Spaces around a number do not count. An empty cell is
missing; `""` is empty text.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vendorkit.errors import BadInput, Fault

DELIMITERS = (",", ";", "\t", "|")

_DECIMAL = r"-?((0|[1-9]\d{0,14})|(0|[1-9]\d*)?\.\d*)([eE][+-]?\d+)?"
_CLOCK = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"


@dataclass(frozen=True)
class Literal:
    """A type and the text that is read as it.

    Args:
        pattern: Regular expression of the whole value (RE2 and Python read it alike).
        sql: The SQL type that it is cast to; a value must survive that cast too.
    """

    pattern: str
    sql: str


LITERALS = (
    Literal(r" *(?i:true|false) *", "BOOLEAN"),
    Literal(r" *(0|-?[1-9]\d*) *", "BIGINT"),
    Literal(rf" *({_DECIMAL}|(?i:-?(nan|inf|infinity))) *", "DOUBLE"),
    Literal(r" *\d{4}-\d{2}-\d{2} *", "DATE"),
    Literal(rf" *{_CLOCK} *", "TIMESTAMP"),
    Literal(rf" *{_CLOCK}(Z|[+-]\d{{2}}(:\d{{2}})?) *", "TIMESTAMPTZ"),
)
"""In order of preference."""


@dataclass(frozen=True)
class Header:
    """The first line of a CSV file: its column names and its delimiter."""

    names: tuple[str, ...]
    delimiter: str


def read_header(start: str, where: str) -> Header:
    """The header of a CSV file.

    Args:
        start: The beginning of the file's text, long enough for the first line.
        where: The file, for messages.

    Raises:
        BadInput: No header, a column without a name, a name twice, or a first line that is data.
    """
    try:
        unquoted = re.sub(r'"[^"]*"', "", start).partition("\n")[0]
        delimiter = max(DELIMITERS, key=unquoted.count)
        names = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise BadInput(f"{where} has no readable header.", [Fault(f"{where}:1", f"{error}.")]) from error
    faults = []
    if not any(names):
        faults.append(Fault(f"{where}:1", "the first line must name the columns, and it is empty."))
    elif all(re.fullmatch(r"\s*[+-]?[\d.]+\s*", name) for name in names):
        faults.append(Fault(f"{where}:1", "the first line must name the columns, and it holds only numbers."))
    else:
        faults += [Fault(f"{where}:1", f"column {n + 1} has no name.") for n, name in enumerate(names) if not name]
        faults += [
            Fault(f"{where}:1", f"column {name!r} is there {count} times; is this line a header?")
            for name, count in sorted(Counter(filter(None, names)).items())
            if count > 1
        ]
    if faults:
        raise BadInput(f"{where} has no usable header.", faults)
    return Header(tuple(names), delimiter)


def scan(chunks: Iterable[bytes], where: str) -> Header:
    """Look at every byte of a CSV file for what a parser would pass over, and give its header.

    Args:
        chunks: The file's bytes in order; the first must hold the whole first line.
        where: The file, for messages.

    Raises:
        BadInput: Not UTF-8 (with the byte's offset and line), a zero byte, or no usable header.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, lines, done = "", 0, 0
    for chunk, is_last in _with_end(chunks):
        waiting = decoder.getstate()[0] + chunk
        try:
            text = decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as error:
            offset = done + len(chunk) - len(waiting) + error.start
            line = 1 + lines + waiting[: error.start].count(b"\n")
            says = f"byte {waiting[error.start]:#04x} at offset {offset} is not UTF-8."
            raise BadInput(f"{where} is not UTF-8.", [Fault(f"{where}:{line}", says)]) from error
        if "\0" in text:
            line = 1 + lines + text[: text.index("\0")].count("\n")
            raise BadInput(f"{where} is not text.", [Fault(f"{where}:{line}", "has a zero byte.")])
        start = start or text.removeprefix("\N{BYTE ORDER MARK}")
        lines += text.count("\n")
        done += len(chunk)
    return read_header(start, where)


def _with_end(chunks: Iterable[bytes]) -> Iterable[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True


def possible_types(values: Sequence[str | None]) -> tuple[Literal, ...]:
    """The types that some values of a column do not rule out."""
    return tuple(
        literal
        for literal in LITERALS
        if all(value is None or re.fullmatch(literal.pattern, value, re.ASCII) for value in values)
    )


def type_counts(possible: Mapping[str, Sequence[Literal]]) -> str:
    """The SQL select list that counts, column for column, the present values and those that fit each type."""
    counts = []
    for name, literals in possible.items():
        counts.append(f"count({quote_name(name)})")
        for literal in literals:
            fits = f"regexp_full_match({quote_name(name)}, {quote_text(literal.pattern)})"
            cast = f"TRY_CAST({quote_name(name)} AS {literal.sql}) IS NOT NULL"
            counts.append(f"count(*) FILTER (WHERE {cast} AND {fits})")
    return ", ".join(counts)


def choose_types(possible: Mapping[str, Sequence[Literal]], counts: Iterable[int]) -> dict[str, str]:
    """The SQL type of each column, from the answer to `type_counts`."""
    found = iter(counts)
    types = {}
    for name, literals in possible.items():
        present = next(found)
        fitting = [literal.sql for literal, fits in zip(literals, found, strict=False) if fits == present]
        types[name] = fitting[0] if fitting and present else "VARCHAR"
    return types


def csv_rows(paths: Iterable[str], header: Header) -> str:
    """The SQL source of all rows of CSV files as text: strict, nothing guessed, nothing skipped."""
    files = ", ".join(quote_path(path) for path in paths)
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in header.names)
    return (
        f"read_csv([{files}], header=true, delim={quote_text(header.delimiter)}, columns={{{columns}}}, "
        "quote='\"', escape='\"', auto_detect=false, strict_mode=true, null_padding=false, nullstr='', "
        "allow_quoted_nulls=false, hive_partitioning=false, compression='none')"
    )


def plain_fault(source: str, message: str) -> Fault:
    """A reader's error message in plain words, with the file and the line where it tells them."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    width = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    file = re.search(r"file = (\S.*)", message)
    says = f"cannot be read: {(message.strip().splitlines() or ['unknown'])[0].rstrip('.')}."
    if width:
        says = f"has {width[2]} cells, expected {width[1]} as in the header."
    elif "unterminated quote" in message:
        says = "has a quote that is opened and not closed."
    elif "state machine reached an invalid state" in message:
        says = "is not one kind of CSV: look for mixed line ends, or text after a closing quote."
    where = f"{source}/{file[1].rpartition('/')[2]}" if file and not file[1].endswith(source) else source
    return Fault(f"{where}:{line[1]}" if line else where, says)


def quote_name(text: str) -> str:
    """A column name as SQL reads it."""
    return '"' + text.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text literal as SQL reads it."""
    return "'" + text.replace("'", "''") + "'"


def quote_path(path: str) -> str:
    """A file's path as SQL reads it. DuckDB takes paths for patterns; in brackets a character is itself."""
    return quote_text(re.sub(r"[*?\[\]]", r"[\g<0>]", path))
