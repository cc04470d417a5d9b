from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ranch.cli.demo.measure import Comparison
from ranch.cli.demo.picture import draw
from ranch.cli.demo.run import Job, Run, plan

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#8c959f")


def comparison(bulk: int = 30) -> Comparison:
    """The two orders of service at their clearest."""
    first_come = plan(bulk)
    fair = sorted(first_come, key=lambda lane: lane == "bulk")
    runs = [
        Run([Job(lane, 0.0, at * 0.01, at * 0.01 + 0.02) for at, lane in enumerate(lanes, 1)], ())
        for lanes in (first_come, fair)
    ]
    return Comparison(*runs, "weighted-lru")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the picture goes."""
    return tmp_path / "demo.svg"


def test_it_is_an_svg_with_all_lanes(path: Path) -> None:
    """The picture is well-formed, shows each lane in its colour, and tells the conclusion to those who cannot see."""
    draw(comparison(), path)
    text = path.read_text(encoding="utf-8")

    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert [colour for colour in COLOURS if colour not in text] == []
    assert "Behind 30 bulk jobs" in text


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    """The picture has no date and no random ids in it, so it may be kept under version control."""
    pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for picture in pictures:
        draw(comparison(), picture)

    assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_it_stays_small(path: Path) -> None:
    """A picture of many jobs is still one that a page can show."""
    draw(comparison(bulk=3000), path)

    assert path.stat().st_size < 500_000
