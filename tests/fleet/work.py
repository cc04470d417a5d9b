"""What a worker under test runs."""

from __future__ import annotations

from pathlib import Path


def note(path, word):
    """Write a word down."""
    with Path(path).open("a") as notes:
        notes.write(word)
