"""Whether the server may drop keys when its memory is full."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger("ranch")


def warn_of_eviction(memory: Mapping[str, Any]) -> None:
    """Say so in the log if jobs may be evicted.

    Policies that begin with ``volatile`` evict keys that expire, and no key that holds jobs or lanes does.

    Args:
        memory: What the server's ``INFO memory`` says. Many who may not ask for its configuration may ask for this.
    """
    policy = memory.get("maxmemory_policy", "")
    if policy.startswith("allkeys") and memory.get("maxmemory"):
        log.warning(
            "Redis drops keys when its memory is full (maxmemory-policy is %s), and with them jobs: "
            "set maxmemory-policy to noeviction",
            policy,
        )
