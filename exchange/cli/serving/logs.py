"""The log of a process: logfmt lines on standard error, bounded, written beside the event loop;
never a byte of a request, and no reply waits for it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

from exchange.schemas.violation import visible

#: Lines that wait to be written; more are left out.
WAITING_LINES_MAX = 1_000
#: How long the end of the process waits for lines that are not written yet.
CLOSE_SECONDS = 0.5
#: Innermost places of an error that are told.
PLACES_MAX = 6


class LineWriter:
    """A text stream over a file descriptor that never waits and never fails: lines go to a thread
    of its own, and what can't be written is left out.
    """

    encoding = "utf-8"

    def __init__(self, descriptor: int, lines_second_max: int) -> None:
        self._descriptor = descriptor
        self._lines_second_max = lines_second_max
        self._waiting: queue.Queue[bytes | None] = queue.Queue(WAITING_LINES_MAX)
        self._lock = threading.Lock()
        self._second = 0
        self._lines = 0
        self._left_out = 0
        self._part = ""
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Take text; its whole lines are written, so many a second."""
        with self._lock:
            *lines, self._part = (self._part + text).split("\n")
            for line in lines:
                self._take(line)
        return len(text)

    def flush(self) -> None:
        """Nothing: lines are written as soon as they can be."""

    def isatty(self) -> bool:
        """Whether the lines go to a terminal."""
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        """The file descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Write what waits, if it can be written at once."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(CLOSE_SECONDS)

    def _take(self, line: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
            left_out, self._left_out = self._left_out, 0
            if left_out:
                self._take(f'level=warning event="lines left out of the log" lines={left_out}')
        if self._lines >= self._lines_second_max:
            self._left_out += 1
            return
        self._lines += 1
        try:
            self._waiting.put_nowait(f"{visible(line)}\n".encode(errors="backslashreplace"))
        except queue.Full:
            self._left_out += 1

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            with contextlib.suppress(OSError):
                while line:
                    line = line[os.write(self._descriptor, line) :]


class _Templates(logging.Handler):
    """Records of libraries: the text that they were made from, without what was put into it."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        structlog.get_logger(record.name).log(
            record.levelno, str(record.msg)[:200] if record.args else record.name, exc_info=error
        )


def configure_log(lines_second_max: int) -> LineWriter:
    """Send what this process and its libraries log to standard error, through the `LineWriter`
    that is returned; a server writes nothing there by another way.
    """
    writer = LineWriter(2, lines_second_max)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            told_by_place,
            structlog.processors.LogfmtRenderer(bool_as_flag=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(writer),  # type: ignore[arg-type]
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    logging.raiseExceptions = False
    logging.basicConfig(handlers=[_Templates()], level=logging.WARNING, force=True)
    atexit.register(writer.close)
    log = structlog.get_logger(__name__)
    threading.excepthook = lambda args: log.error("thread failed", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("error ignored", exc_info=args.exc_value)
    return writer


def told_by_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The event loop's handler of errors: asyncio's own repeats arguments, bytes among them."""
    structlog.get_logger(__name__).error("callback failed", exc_info=context.get("exception"))


def told_by_place(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Tell an error by its kind and its place: its text may repeat what was received."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["at"] = places(error.__traceback__)
    return event


def places(trace: TracebackType | None) -> str:
    """The innermost places of a traceback, `module.py:line function`, the last one first."""
    frames = traceback.extract_tb(trace)[-PLACES_MAX:]
    return " < ".join(
        f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}"
        for frame in reversed(frames)
    )
