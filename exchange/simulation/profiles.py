"""Fault profiles by name, and those that a user writes as a file; what a fault does stands in
`partners.faults`.
"""

from __future__ import annotations

from pathlib import Path

from exchange.partners.faults import Fault, from_toml

FOLDER = Path(__file__).with_name("faults")


def names() -> list[str]:
    """The profiles that the product carries."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def faults_of(text: str) -> tuple[Fault, ...]:
    """The faults of a profile's name or of a file.

    Raises:
        ValueError: when there is neither such a profile nor such a file, or the file is no script
        of faults.
    """
    path = FOLDER / f"{text}.toml" if text in names() else Path(text)
    if not path.is_file():
        raise ValueError(
            f"--faults: {text!r} is neither a file nor a profile; there are: {', '.join(names())}"
        )
    try:
        return tuple(from_toml(path))
    except (KeyError, TypeError) as error:
        raise ValueError(f"--faults: {path} is no script of faults: {error}") from error
