"""The page about backends shows the example that is built, installed and run by other tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_QUOTED = re.compile(r"^(This is|From) `([^`]+)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_quotes_the_example():
    """To the letter, whole files and parts of some; methods may stand further to the left, and apart like functions."""
    page = (ROOT / "docs" / "how-to" / "your-own-backend.md").read_text(encoding="utf-8")
    quotes = _QUOTED.findall(page)

    assert len(quotes) == page.count("```python")
    for what, path, quoted in quotes:
        text = (ROOT / "examples" / "ranch-postgres" / path).read_text(encoding="utf-8")
        assert quoted == text if what == "This is" else _flat(quoted) in _flat(text)


def _flat(code):
    return re.sub(r"\n{2,}", "\n\n", re.sub(r"^ +", "", code, flags=re.MULTILINE))
