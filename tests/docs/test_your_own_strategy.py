"""The tutorial for strategies gives the example that is built, installed and run by other tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ranch-deadline"
_FILE = re.compile(r"^This is `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tutorial_shows_the_files_of_the_example():
    """All of them, to the letter; the README is the reader's own."""
    page = (ROOT / "docs" / "tutorial" / "your-own-strategy.md").read_text(encoding="utf-8")
    files = [path for path in EXAMPLE.rglob("*.*") if path.suffix in {".lua", ".py", ".toml"}]

    assert dict(_FILE.findall(page)) == {
        path.relative_to(EXAMPLE).as_posix(): path.read_text(encoding="utf-8") for path in files
    }
