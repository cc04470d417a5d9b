from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings


@pytest.fixture(autouse=True)
def _the_first_failure_will_do() -> Iterator[None]:
    """It need not be made small."""
    before = settings.get_current_profile_name()
    settings.register_profile("found", deadline=None, phases=[Phase.generate], print_blob=False)
    settings.load_profile("found")
    yield
    settings.load_profile(before)
