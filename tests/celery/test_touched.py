from __future__ import annotations

import inspect
import re
from importlib import import_module

import celery
import pytest

from ranch.celery.internals.touched import CHECKED, TOUCHED


@pytest.mark.parametrize("name", TOUCHED)
def test_a_name_is_where_it_was(name: str) -> None:
    """If this version of Celery has moved it, here is which; then look at what `internals` does with it."""
    module_name, _, path = name.partition(":")
    module = import_module(module_name)
    owner, _, attribute = path.rpartition(".")
    place = getattr(module, owner) if owner else module
    if not hasattr(place, attribute):
        # Made for each object.
        assert re.search(rf"\b(self|w)\.{attribute}\b[^=()]*=[^=]", inspect.getsource(module)), name


def test_this_version_was_checked() -> None:
    """A new minor version of Celery is new to ranch: run `make matrix`, and list it."""
    series = {version.rpartition(".")[0] for version in CHECKED}
    assert ".".join(map(str, celery.VERSION[:2])) in series
