"""The golden messages of the channels and their families: where they lie and what their
names say.
"""

from __future__ import annotations

from pathlib import Path

from exchange import adapters

ROOT = Path(adapters.__file__).parent


def folders_of(channel: str) -> list[Path]:
    """The folders named `samples` of a channel (`*`: of every one): its own, and its families'."""
    return sorted([*ROOT.glob(f"{channel}/samples"), *ROOT.glob(f"{channel}/families/*/samples")])


def samples(kind: str, channel: str = "*") -> list[Path]:
    """The messages of a kind (`valid` or `invalid`), what is expected of them left out."""
    return sorted(
        path
        for folder in folders_of(channel)
        for path in (folder / kind).glob("*")
        if path.suffix in (".xml", ".json") and ".expected" not in path.name
    )


def type_of(path: Path) -> str:
    """The message type that a sample's name claims."""
    return path.name.partition("--")[0]
