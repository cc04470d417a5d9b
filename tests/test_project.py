"""What holds for the code base as a whole."""

from __future__ import annotations

import ast
from importlib import metadata
from pathlib import Path

import pytest

import ranch

ROOT = Path(__file__).parent.parent
MODULES = sorted(ROOT.glob("ranch/**/*.py"))
SCRIPTS = sorted(ROOT.glob("ranch/**/*.lua"))

# A file that needs to be longer, with its length and why one noun takes that much.
LONGER: dict[str, int] = {}

MAX_LINES = {".py": 300, ".lua": 80}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_version_is_the_one_installed() -> None:
    """`ranch.__version__` is the version of the distribution."""
    assert ranch.__version__ == metadata.version("ranch-scheduler")


def test_public_names_are_sorted_and_exist() -> None:
    """`ranch.__all__` is in order, has no name twice, and each can be imported."""
    assert list(ranch.__all__) == sorted(set(ranch.__all__))
    assert [name for name in ranch.__all__ if not hasattr(ranch, name)] == []


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is(path: Path) -> None:
    """Each module has a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=_name)
def test_a_file_has_one_noun(path: Path) -> None:
    """A file is short enough to be about one thing, and is named for it."""
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= LONGER.get(_name(path), MAX_LINES[path.suffix])
    assert path.stem not in {"common", "helpers", "misc", "util", "utils"}


def test_exceptions_to_the_length_are_needed() -> None:
    """No file is on the list of longer ones that could be off it, or that is gone."""
    needless = [
        name
        for name in LONGER
        if not (ROOT / name).is_file()
        or len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= MAX_LINES[Path(name).suffix]
    ]

    assert needless == []
