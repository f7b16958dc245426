"""`python -m exchange`; the commands live in `exchange.cli`."""

from exchange.cli import main

if __name__ == "__main__":
    main()
