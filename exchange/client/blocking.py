"""The client and the receiver of pushes for code without `await`: the same functions, called
through a loop on a thread of its own; nothing is written twice.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from exchange.client.connection import TIMEOUT_SECONDS, AsyncClient, Retries
from exchange.client.loop_thread import LoopThread
from exchange.client.pushes import Answer, AsyncPushes, Push, Where, anything, received

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Client:
    """A partner's connection to an exchange, made as `AsyncClient`: `call` and `each` take the
    functions of a channel's module. Use it as a context.
    """

    def __init__(
        self,
        address: str,
        key: str = "",
        retries: Retries = Retries(),  # noqa: B008 (frozen)
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._client = AsyncClient(
            address=address,
            key=key,
            retries=retries,
            timeout_seconds=timeout_seconds,
            tls=tls,
        )
        self._loop: LoopThread | None = None

    def __enter__(self) -> Self:
        self._loop = LoopThread()
        self._loop.run(self._client.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        loop, self._loop = self._opened, None
        loop.run(self._client.close())
        loop.close()

    def call(
        self,
        function: Callable[Concatenate[AsyncClient, Given], Coroutine[Any, Any, Result]],
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        """The result of a channel's function: `client.call(luova.submit, "tax.request", body)`.

        Raises:
            ClientError: as the function.
        """
        return self._opened.run(function(self._client, *args, **kwargs))

    def each(
        self,
        function: Callable[Concatenate[AsyncClient, Given], AsyncIterator[Result]],
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Iterator[Result]:
        """What a channel's function gives one by one: `client.each(luova.letters)`.

        Raises:
            ClientError: as the function.
        """
        found = function(self._client, *args, **kwargs)
        loop = self._opened
        while True:
            try:
                one = loop.run(_next(found))
            except StopAsyncIteration:
                return
            yield one

    @property
    def _opened(self) -> LoopThread:
        if self._loop is None:
            raise RuntimeError("the client is not open: use it as a context")
        return self._loop


async def _next(found: AsyncIterator[Result]) -> Result:
    return await anext(found)


class Pushes:
    """What the exchange pushes to a partner, taken beside code without `await`. Use it as a
    context.
    """

    def __init__(
        self,
        secret: str,
        host: str = "127.0.0.1",
        port: int = 0,
        answer: Answer = received,
        now: Callable[[], float] = time.time,
        journal: str = "",
    ) -> None:
        self._pushes = AsyncPushes(
            secret=secret, host=host, port=port, answer=answer, now=now, journal=journal
        )
        self._loop: LoopThread | None = None

    @property
    def address(self) -> str:
        """Where the exchange is to call: the `url` of the partner."""
        return self._pushes.address

    def __enter__(self) -> Self:
        self._loop = LoopThread()
        self._loop.run(self._pushes.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.run(self._pushes.close())
            loop.close()

    def received(self, where: Where = anything) -> Sequence[Push]:
        """The pushes that were taken, in order; `where` chooses among them."""
        return self._pushes.received(where)

    def await_received(
        self, count: int = 1, timeout_seconds: float = 10.0, where: Where = anything
    ) -> Sequence[Push]:
        """The same, once there are so many.

        Raises:
            NotYet: when there are fewer after that time.
        """
        if self._loop is None:
            raise RuntimeError("nothing is received yet: use it as a context")
        return self._loop.run(self._pushes.await_received(count, timeout_seconds, where))
