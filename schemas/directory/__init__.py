"""The partner directory: who is at either end of a flow, and the file that says so."""

from exchange.schemas.directory.file import (
    DEFAULT_PATH,
    KEYS_MAX,
    DirectoryFault,
    check_added,
    load,
    partner_of,
)
from exchange.schemas.directory.partners import (
    MUNICIPALITY_CODES,
    SECTORS,
    Directory,
    Partner,
    common_name_of,
    digest_of,
    digests_of,
)

__all__ = [
    "DEFAULT_PATH",
    "KEYS_MAX",
    "MUNICIPALITY_CODES",
    "SECTORS",
    "Directory",
    "DirectoryFault",
    "Partner",
    "check_added",
    "common_name_of",
    "digest_of",
    "digests_of",
    "load",
    "partner_of",
]
