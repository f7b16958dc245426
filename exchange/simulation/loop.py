"""An event loop whose time is simulated: it never waits, it goes straight to what is due next; no
knowledge of what runs on it.

Nothing on it may do I/O: no sockets, no threads, no processes. Then the order of everything is
determined.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

Result = TypeVar("Result")


class Stalled(RuntimeError):
    """Everything waits, and for nothing that will ever happen."""


class _NothingReady(selectors.BaseSelector):
    """A selector without files: when the loop would wait, time moves on instead."""

    def __init__(self, advance: Callable[[float | None], None]) -> None:
        self._advance = advance
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, -1, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._advance(timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """Simulated time, in seconds since the loop's beginning, exact to a millisecond.

    Timers run in order and at once; what is given to another thread runs here and now. `Stalled` is
    raised when nothing is ready and no timer is left.
    """

    def __init__(self) -> None:
        #: Milliseconds since the beginning; others read it, for it is asked for many times for each
        #: message.
        self.milliseconds = 0
        self._when_idle: list[Callable[[], object]] = []
        super().__init__(_NothingReady(self._advance))
        # A timer that is due within this time runs: rounding must not make the loop turn on the
        # spot.
        self._clock_resolution = 0.0005

    def time(self) -> float:
        """Seconds since the beginning."""
        return self.milliseconds / 1000

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """As every loop does, without looking whether it is open, in debug mode, or called by
        another thread.
        """
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_when_idle(self, callback: Callable[..., object], *args: Any) -> None:
        """Call it once nothing else is ready, before time moves on."""
        self._when_idle.append(functools.partial(callback, *args))

    def _advance(self, timeout: float | None) -> None:
        if self._when_idle:
            for callback in self._when_idle:
                self.call_soon(callback)
            self._when_idle.clear()
            return
        if timeout is None:
            raise Stalled("nothing will ever happen again")
        self.milliseconds += max(1, round(timeout * 1000))

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run it now."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in simulated time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
