"""Tags and custom data that are made up as somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
_NOTHING: Any = object()


class Drawn(Mapping[str, T], Generic[T]):
    """A mapping in which a name is drawn when it is first looked up: there or not, and with which value.

    So a function that looks for some names is shown everything under just these, and nobody has to list them.

    Args:
        draw: Draws, for Hypothesis.
        values: What may be there under a name.
        asked: Takes the names that are looked up.
    """

    def __init__(self, draw: st.DataObject, values: Callable[[str], SearchStrategy[T]], asked: set[str]) -> None:
        self._draw = draw
        self._values = values
        self._asked = asked
        self._drawn: dict[str, T] = {}
        self._whole = False

    def __getitem__(self, name: str) -> T:
        self._asked.add(name)
        self._look(name)
        if self._drawn[name] is _NOTHING:
            raise KeyError(name)
        return self._drawn[name]

    def __iter__(self) -> Iterator[str]:
        # Whoever wants all of it gets a few names more, and then no others.
        if not self._whole:
            for name in self._draw.draw(st.lists(st.text(min_size=1, max_size=5), max_size=3)):
                self._look(name)
            self._whole = True
        return iter([name for name, value in self._drawn.items() if value is not _NOTHING])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _look(self, name: str) -> None:
        if name not in self._drawn:
            there = not self._whole and self._draw.draw(st.booleans())
            self._drawn[name] = self._draw.draw(self._values(name)) if there else _NOTHING

    def __repr__(self) -> str:
        return repr({name: value for name, value in self._drawn.items() if value is not _NOTHING})
