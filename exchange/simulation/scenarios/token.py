"""The token of a run: who has it, the file and the version has the same run again."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"([0-9]{1,18})-([0-9A-Za-z.+]+)-([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class Token:
    """What determines a run: its seed, the product's version, the digest of the file."""

    seed: int
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.seed}-{self.version}-{self.digest}"

    def check(self, version: str, digest: str) -> None:
        """Raises:
        ValueError: when this version, or a file with this digest, can't run it again.
        """
        if version != self.version:
            raise ValueError(f"the token is of version {self.version}, this is {version}")
        if digest != self.digest:
            raise ValueError(f"the token is of a file {self.digest}, this one is {digest}")


def token_of(text: str) -> Token:
    """Read a token.

    Raises:
        ValueError: when it is none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r:.80} is no token such as 1-0.9.0-5d41402abc4b2a76")
    return Token(int(found[1]), found[2], found[3])
