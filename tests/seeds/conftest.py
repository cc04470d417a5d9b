from __future__ import annotations

import pytest


@pytest.fixture(params=["memory", "sqlite", "redis"])
def url(request, tmp_path):
    """The URL of an empty store."""
    if request.param == "redis":
        return request.getfixturevalue("redis_url")
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/ranch.db"
