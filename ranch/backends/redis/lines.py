"""One connection for all calls of an event loop that are answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from attrs import define, field, frozen
from redis.exceptions import ResponseError

# How many go together at most, so that none waits for the answers of very many.
_TOGETHER: Final = 100


@frozen(eq=False)
class _Question:
    words: Sequence[Any]
    answer: asyncio.Future[Any]

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


@define(eq=False)
class Line:
    """Sends what is asked in one turn of the event loop in one piece; what is asked meanwhile waits for the answers.

    So calls that are made together cost one round trip and, for both sides, one waking up. They are carried out in the
    order in which they were made, but for scripts that the server has to be sent first. Each has an answer of its own,
    and whoever is cancelled leaves the others theirs.

    Args:
        pool: Makes the connection. It is none of those that the pool lends, so it does not count as one of them.
    """

    _pool: Any
    _connection: Any = field(init=False)
    _questions: list[_Question] = field(factory=list, init=False)
    _talk: asyncio.Task[None] | None = field(default=None, init=False)
    _moves: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._connection = self._pool.make_connection()

    async def ask(self, *words: Any) -> Any:
        """Send a command, and return what the server answers.

        Raises:
            RedisError: The server refuses it; or it cannot be reached, which all hear that were sent together.
        """
        loop = asyncio.get_running_loop()
        question = _Question(words, loop.create_future())
        self._questions.append(question)
        if self._talk is None:
            # It begins in the next turn, with all that this one brings.
            self._talk = loop.create_task(self._go_on())
        return await question.answer

    def move(self) -> None:
        """Connect anew for the next questions: the name of the server may lead somewhere else by now."""
        self._moves = True

    async def close(self) -> None:
        """Close the connection. It is opened again when it is needed."""
        await self._connection.disconnect()

    async def _go_on(self) -> None:
        try:
            while self._questions:
                together, self._questions = self._questions[:_TOGETHER], self._questions[_TOGETHER:]
                await self._exchange([each for each in together if not each.answer.done()])
        finally:
            self._talk = None
            # There are some only if this was cancelled, for the event loop ends.
            for each in self._questions:
                each.answer.cancel()

    async def _exchange(self, questions: Sequence[_Question]) -> None:
        connection = self._connection
        try:
            if self._moves:
                self._moves = False
                await connection.disconnect()
            await self._pool.ensure_connection(connection)
            await connection.send_packed_command(connection.pack_commands([each.words for each in questions]))
            for each in questions:
                await self._hear(each)
        except Exception as exc:  # noqa: BLE001 - whatever it is, whoever asked is to know
            # Answers that are still to come would be taken for those to the next questions.
            await connection.disconnect(nowait=True)
            for each in questions:
                each.fail(exc)
        finally:
            for each in questions:
                each.answer.cancel()

    async def _hear(self, question: _Question) -> None:
        try:
            reply = await self._connection.read_response()
        except ResponseError as exc:
            question.fail(exc)
        else:
            if not question.answer.done():
                question.answer.set_result(reply)
