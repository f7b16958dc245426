"""`exchange bench`: starts the benchmark, which is a program of its own and measures from
outside.
"""

from __future__ import annotations

import os
import sys

import typer


def bench(context: typer.Context) -> None:
    """Measure this machine: echo, ceiling, limit, the exchange and other mock servers, in one run
    (`exchange bench -- --help`).
    """
    os.execv(sys.executable, [sys.executable, "-m", "exchange.benchmarks", *context.args])
