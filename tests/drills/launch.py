"""Starts `exchange` in a process whose clock or disk the drill can break from outside: the files
named by DRILL_CLOCK (seconds to step by) and DRILL_FAULT (`write` or `fsync`) are looked at.

The kernel itself refuses the system calls (seccomp, without root, compiler or preloaded library),
so that SQLite meets a real EIO. A filter stays until the process ends. Linux on x86-64 and ARM64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
import threading
import time
from pathlib import Path

from exchange.cli import main

LOOK_SECONDS = 0.02
#: Audit architecture, number of seccomp(2), and the calls of each fault, by machine.
MACHINES = {
    "x86_64": (0xC000003E, 317, {"write": [18], "fsync": [74, 75]}),
    "aarch64": (0xC00000B7, 277, {"write": [68], "fsync": [82, 83]}),
}
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NO_NEW_PRIVILEGES, SET_FILTER, ALL_THREADS = 38, 1, 1


def instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    """One instruction of a packet filter."""
    return struct.pack("=HBBI", code, yes, no, value)


def refuse(fault: str) -> None:
    """From now on every such call of every thread fails with EIO: `write` pwrite64, by which
    SQLite alone writes here, `fsync` fsync and fdatasync.

    Raises:
        OSError: when the kernel takes no filter.
    """
    architecture, seccomp, calls = MACHINES[platform.machine()]
    numbers = calls[fault]
    checks = [
        instruction(EQUAL, number, yes=len(numbers) - index) for index, number in enumerate(numbers)
    ]
    program = b"".join(
        [
            instruction(LOAD, 4),
            instruction(EQUAL, architecture, no=len(numbers) + 1),
            instruction(LOAD, 0),
            *checks,
            instruction(RETURN, ALLOW),
            instruction(RETURN, ERRNO | errno.EIO),
        ]
    )
    buffer = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(
        seccomp, SET_FILTER, ALL_THREADS, described
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def watch(clock: Path | None, fault: Path | None) -> None:
    """Look at the files again and again, and do what they say."""
    wall, wall_ns = time.time, time.time_ns
    step = 0

    time.time = lambda: wall() + step
    time.time_ns = lambda: wall_ns() + step * 1_000_000_000
    while True:
        if clock is not None and clock.exists():
            step = int(clock.read_text() or step)
        if fault is not None and fault.exists():
            refuse(fault.read_text())
            fault.rename(fault.with_suffix(".done"))
            fault = None
        time.sleep(LOOK_SECONDS)


def path_of(variable: str) -> Path | None:
    """The file that a variable names."""
    return Path(os.environ[variable]) if variable in os.environ else None


if __name__ == "__main__":
    sys.argv[0] = "exchange"
    arguments = path_of("DRILL_CLOCK"), path_of("DRILL_FAULT")
    threading.Thread(target=watch, args=arguments, daemon=True).start()
    time.sleep(LOOK_SECONDS)
    main()
