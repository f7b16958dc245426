"""What many ask for at a time, done by one statement: whatever is asked while one is out goes with
the next one, since a statement costs a server more than what it finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Gathered(Generic[Asked, Answer]):
    """Gathers for `do`, which answers each of what it is given, in order."""

    def __init__(self, do: Callable[[list[Asked]], Awaitable[Sequence[Answer]]]) -> None:
        self._do = do
        self._waiting: list[tuple[Asked, asyncio.Future[Any]]] = []
        self._doing: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Answer:
        """What `do` answers, which begins after this was called; or what it raises."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, mine))
        if self._doing is None:
            self._doing = asyncio.create_task(self._do_all())
        answer: Answer = await mine
        return answer

    async def _do_all(self) -> None:
        while self._waiting:
            # (Whoever was cancelled meanwhile wants nothing any more.)
            asked = [each for each in self._waiting if not each[1].done()]
            self._waiting = []
            try:
                answers: Sequence[Any] = await self._do([each for each, _ in asked])
            except Exception as error:
                for _, future in asked:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(asked, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        self._doing = None
