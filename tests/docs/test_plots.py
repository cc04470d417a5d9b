"""The pictures of the documentation show what the strategies do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ranch.hooks.manager import Plugins

DOCS = Path(__file__).parents[2] / "docs"
_SPEC = importlib.util.spec_from_file_location("shares", DOCS / "plots" / "shares.py")
shares = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(shares)


@pytest.fixture(scope="module")
def curves():
    """The numbers of each picture."""
    return shares.curves()


@pytest.mark.parametrize("picture", [*shares.STRATEGIES, "entry"])
def test_a_picture_is_up_to_date(picture, curves):
    """Each file was drawn of the numbers that come out today; else run docs/plots/shares.py. A page shows it."""
    svg = (DOCS / "_static" / f"{picture}.svg").read_text(encoding="utf-8")

    assert shares.digest(curves[picture]) in svg
    assert f"(../_static/{picture}.svg)" in (DOCS / "explanation" / "strategies.md").read_text(encoding="utf-8")


def test_each_strategy_has_a_picture_and_a_section():
    """All that ship are explained."""
    page = (DOCS / "explanation" / "strategies.md").read_text(encoding="utf-8")

    for record in Plugins().strategies:
        assert record.name in shares.STRATEGIES
        section = page.partition(f"\n## {record.name}\n")[2].partition("\n## ")[0]
        assert [word for word in ("When", "When not", "Bound", "How", "Source") if f"**{word}.**" not in section] == []


def test_a_picture_is_the_same_each_time(curves, tmp_path, monkeypatch):
    """Drawn twice, a file has the same bytes."""
    monkeypatch.setattr(shares, "FOLDER", tmp_path)
    shares.draw("lottery", curves["lottery"])
    first = (tmp_path / "lottery.svg").read_bytes()
    shares.draw("lottery", curves["lottery"])

    assert (tmp_path / "lottery.svg").read_bytes() == first
