"""An operation that is cancelled ends, whatever the client makes of it."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
import redis as redis_py
import redis.asyncio

from ranch import AsyncQueue
from ranch.backends.redis import RedisBackend


class Forgetful(redis.asyncio.Redis):
    """Answers when it is cancelled, as one whose answer comes at that instant may do before Python 3.12."""

    told = False

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Wait to be cancelled, once."""
        reply = await super().execute_command(*args, **options)
        try:
            await asyncio.sleep(0 if self.told else 3600)
        except asyncio.CancelledError:
            self.told = True
        return reply


@pytest.mark.skipif(sys.version_info < (3, 11), reason="before Python 3.11 nobody counts cancellations")
async def test_a_cancelled_claim_ends_even_if_the_client_forgets_it(redis_url: str) -> None:
    """Nobody waits on for what he no longer wants."""
    client = Forgetful.from_url(redis_url)
    with redis_py.Redis.from_url(redis_url) as blocking:
        queue = AsyncQueue("mail", backend=RedisBackend.from_client(blocking, client))
        claim = asyncio.create_task(queue.claim(wait=3600))
        await asyncio.sleep(0)
        done, _ = await asyncio.wait([claim], timeout=0.2)
        assert not done
        claim.cancel()
        with pytest.raises(asyncio.CancelledError):
            await claim
    await client.aclose()
