"""Items in order, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class Heap(Generic[T]):
    """Items in the order of their keys, where a key may change and an item may go.

    Entries that no longer hold are dropped when they come to the top, and all at once when they outnumber the rest.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[tuple[float, str | int], T]] = []
        #: The key of each item.
        self.keys: dict[T, tuple[float, str | int]] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def put(self, item: T, key: tuple[float, str | int]) -> None:
        if self.keys.get(item) == key:
            return
        self.keys[item] = key
        heappush(self._entries, (key, item))
        if len(self._entries) > 2 * len(self.keys) + 64:
            self._entries = [(key, item) for item, key in self.keys.items()]
            heapify(self._entries)

    def discard(self, item: T) -> None:
        self.keys.pop(item, None)

    def first(self) -> T | None:
        """Return the item with the lowest key."""
        while self._entries:
            key, item = self._entries[0]
            if self.keys.get(item) == key:
                return item
            heappop(self._entries)
        return None

    def after(self, key: tuple[float, str | int] | None) -> Iterator[T]:
        """Give the items in the order of their keys, those after the given one, and sort no more than is taken."""
        # Places of entries whose parents in the heap were taken.
        seen, candidates = key, [(entry, 0) for entry in self._entries[:1]]
        while candidates:
            (entry_key, item), at = heappop(candidates)
            for child in (2 * at + 1, 2 * at + 2):
                if child < len(self._entries):
                    heappush(candidates, (self._entries[child], child))
            # One that was put elsewhere and back stands there twice.
            if self.keys.get(item) == entry_key and (seen is None or entry_key > seen):
                seen = entry_key
                yield item

    def sorted(self) -> list[T]:
        return sorted(self.keys, key=self.keys.__getitem__)
