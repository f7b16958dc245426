"""The command `exchange`, and `python -m exchange`; the commands live in `exchange.cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command; Ctrl-C while the command line is still imported ends without a traceback."""
    try:
        from exchange.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
