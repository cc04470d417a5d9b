"""What holds for each page of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]

# Words for which ranch has another one; see the glossary.
OTHER_WORDS = (
    r"dequeue|nack|visibility timeout|fairness key|lru key|partition key|concurrency key|heartbeat|in-flight|"
    r"leverage|seamless|blazing|production-ready"
)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`|<!--.*?-->", re.MULTILINE | re.DOTALL)


def _name(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_a_page_says_first_who_it_is_for(path):
    """A title, and then, before all else, whose page it is."""
    assert re.match(r"# [^\n]+\n\n\*For (whoever|everybody) [^*]+\*\n", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_a_page_has_one_word_for_one_idea(path):
    """Its prose has no other word for what the glossary names."""
    prose = _CODE.sub("", path.read_text(encoding="utf-8"))

    assert re.findall(OTHER_WORDS, prose, re.IGNORECASE) == []


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_a_page_has_one_sentence_a_line(path):
    """So that a change to a sentence is a change to a line."""
    prose = re.sub(r"^```.*?^```$|^\|.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    ends = re.findall(r"^.*[a-z)`]\.\s+[A-Z][a-z]+ .*$", prose, re.MULTILINE)

    assert [line for line in ends if "\n" not in line and not line.startswith("For two")] == []


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_a_page_can_be_reached(path):
    """Each page but the first is linked from another."""
    others = [other for other in PAGES if other != path]
    name = path.relative_to(DOCS).with_suffix("").name

    assert _name(path) == "index.md" or any(
        re.search(
            rf"[(/]{re.escape(name)}\.md|^(\w|/|-)*{re.escape(name)}$", other.read_text(encoding="utf-8"), re.MULTILINE
        )
        for other in others
    )
