"""The words of the documents of the small engagement, and its runbook: good ones, for tests to break."""

from __future__ import annotations

from pathlib import Path

CARD = """# Words of the card

## Model details

Logistic regression on two numbers and three categories.

## Intended use

Ranks applications for consumer credit. A person decides.

## Factors

Young applicants are few.

## Ethical considerations

A wrong no keeps somebody from a credit.

## Caveats and recommendations

Old rows of one bank.
"""

CHANGES = """# Words of the release notes

## Why

The first version.

## Remaining risks

- Applicants today are not those of the rows.
- Fairness is not measured yet.
"""

DATASHEET = """# Data

## Motivation

A bank gathered it to learn who pays back.

## Composition

A row is one application that was granted.

## Collection process

From the bank's own files of 1973 to 1975.

## Preprocessing, cleaning and labelling

The bank said afterwards who was a bad payer.

## Uses

To compare methods, not to decide on people of today.

## Distribution

CC BY 4.0.
"""

WORDS = {
    "models/credit/CARD.md": CARD,
    "models/credit/CHANGES.md": CHANGES,
    "data/README.md": DATASHEET,
    "docs/RUNBOOK.md": "# Runbook\n\n## Rollback\n\n`vendorkit rollback credit`\n",
}
"""Every file by its path."""


def write_words(repo: Path) -> None:
    """Write all of them into a repository."""
    for path, text in WORDS.items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(text, encoding="utf-8")
