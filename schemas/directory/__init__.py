"""The partner directory: who is at either end of a flow, and the file that says so."""

from exchange.schemas.directory.file import DEFAULT_PATH, DirectoryFault, load
from exchange.schemas.directory.partners import (
    SECTORS,
    Directory,
    Partner,
    digest_of,
    digests_of,
)

__all__ = [
    "DEFAULT_PATH",
    "SECTORS",
    "Directory",
    "DirectoryFault",
    "Partner",
    "digest_of",
    "digests_of",
    "load",
]
