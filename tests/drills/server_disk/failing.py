"""A PostgreSQL server whose disk the drill can break from outside while it runs, for the files and
the calls that it names.

The server's calls that read, write and wait for the disk are handed to the drill by the kernel
(seccomp's user notification, without compiler or preloaded library), which answers each one: go on,
or EIO. So the server meets a real error of the kernel's, and the disk may get well again. Linux 5.5
or later on x86-64 and ARM64.

Source: seccomp(2), seccomp_unotify(2).
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import os
import platform
import re
import select
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import IO

from tests.drills.launch import (
    ALLOW,
    EQUAL,
    LOAD,
    NO_NEW_PRIVILEGES,
    RETURN,
    SET_FILTER,
    instruction,
)
from tests.postgresql import BINARIES, LocalServer

#: Audit architecture, number of seccomp(2), and the calls of each kind, by machine.
CALLS = {
    "x86_64": (
        0xC000003E,
        317,
        {17: "read", 295: "read", 18: "write", 296: "write", 74: "fsync", 75: "fsync"},
    ),
    "aarch64": (
        0xC00000B7,
        277,
        {67: "read", 69: "read", 68: "write", 70: "write", 82: "fsync", 83: "fsync"},
    ),
}
HERE = sys.platform == "linux" and platform.machine() in CALLS
_NOTIFY, _NEW_LISTENER = 0x7FC00000, 8
_RECEIVE, _SEND, _GO_ON = 0xC0502100, 0xC0182101, 1
#: id, pid, flags; number, architecture, instruction, six arguments. id, value, error, flags.
_CALL, _ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")


class FailingServer(LocalServer):
    """A server whose calls `fail` fail."""

    def __init__(self, folder: Path, **settings: str) -> None:
        #: Which calls (`read`, `write`, `fsync`) on which files; None: the disk is well.
        self._fails: tuple[str, re.Pattern[str]] | None = None
        #: How many calls of each kind failed.
        self.failed: Counter[str] = Counter()
        super().__init__(folder, **settings)

    def fail(self, kind: str, files: str) -> None:
        """From now on these calls on files whose names the pattern is found in fail."""
        self._fails = (kind, re.compile(files))

    def heal(self) -> None:
        """From now on no call fails."""
        self._fails = None

    def _begin(self, options: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        here, there = socket.socketpair()
        libc = ctypes.CDLL(None, use_errno=True)

        def listened_to() -> None:
            rights = array.array("i", [_listener(libc)])
            there.sendmsg([b"-"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])

        with here, there:
            process = subprocess.Popen(
                [BINARIES / "postgres", "-D", self.data, *options],
                cwd=self.folder, stdout=log, stderr=log, preexec_fn=listened_to, **self._as,
            )  # fmt: skip
            _, [listener], _, _ = socket.recv_fds(here, 1, 1)
        threading.Thread(target=self._answer, args=(listener,), daemon=True).start()
        return process

    def _answer(self, listener: int) -> None:
        """Answer each call until the server is gone."""
        kinds = CALLS[platform.machine()][2]
        waiting = select.poll()
        waiting.register(listener, select.POLLIN)
        while not waiting.poll()[0][1] & select.POLLHUP:
            call = bytearray(_CALL.size)
            try:
                fcntl.ioctl(listener, _RECEIVE, call)
                number, pid, _, of, *_, file = _CALL.unpack(call)[:7]
                fails = self._does_fail(kinds[of], pid, file)
                answer = (0, -errno.EIO, 0) if fails else (0, 0, _GO_ON)
                fcntl.ioctl(listener, _SEND, bytearray(_ANSWER.pack(number, *answer)))
            except OSError as error:
                assert error.errno == errno.ENOENT, error  # who called is gone
        os.close(listener)

    def _does_fail(self, kind: str, pid: int, file: int) -> bool:
        fails = self._fails
        if fails is None or fails[0] != kind:
            return False
        try:
            name = os.readlink(f"/proc/{pid}/fd/{file}")
        except OSError:
            return False
        found = fails[1].search(name) is not None
        self.failed[kind] += found
        return found


def _listener(libc: ctypes.CDLL) -> int:
    """Have the kernel tell of this process's calls, and of those of all its children; by which
    descriptor.
    """
    architecture, seccomp, calls = CALLS[platform.machine()]
    checks = [instruction(EQUAL, each, yes=len(calls) - at) for at, each in enumerate(calls)]
    program = b"".join(
        [
            instruction(LOAD, 4),
            instruction(EQUAL, architecture, no=len(calls) + 1),
            instruction(LOAD, 0),
            *checks,
            instruction(RETURN, ALLOW),
            instruction(RETURN, _NOTIFY),
        ]
    )
    buffer = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    listener: int = libc.syscall(seccomp, SET_FILTER, _NEW_LISTENER, described)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")
    return listener
