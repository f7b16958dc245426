"""Folders written from templates: files ending in `.template` with `$name` in them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

from exchange import adapters, schemas
from exchange.errors import ScaffoldError

TEMPLATES = Path(__file__).with_name("templates")
#: Through the links of a checkout to the folders at its root.
ADAPTERS = Path(adapters.__file__).resolve().parent
SCHEMAS = Path(schemas.__file__).resolve().parent
SUFFIX = ".template"
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
NAME_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True)
class Names:
    """How a channel or family is called: `name` in messages (`work-ability`), `folder` in paths
    (`work_ability`), `class_name` in Python (`WorkAbility`).
    """

    name: str
    folder: str
    class_name: str

    @classmethod
    def of(cls, name: str) -> Names:
        """The names by the first of them.

        Raises:
            ScaffoldError: when it can't be one.
        """
        folder = name.replace("-", "_")
        fits = _NAME.fullmatch(name) and len(name) <= NAME_CHARACTERS_MAX
        if not fits or keyword.iskeyword(folder):
            raise ScaffoldError(
                f"{name[:NAME_CHARACTERS_MAX]!r} is no name: lower-case words of letters and "
                "digits "
                f"divided by hyphens, at most {NAME_CHARACTERS_MAX} characters, no word of Python"
            )
        return cls(name, folder, "".join(word.capitalize() for word in name.split("-")))


def write(names: Names, folders: Mapping[Path, Path]) -> list[Path]:
    """Write each folder of templates (key) as a new folder (value); the files written.

    Raises:
        ScaffoldError: when a folder is there already, or this is no checkout; nothing is written.
    """
    if not (ADAPTERS.parent / "pyproject.toml").is_file():
        raise ScaffoldError(
            f"{ADAPTERS} is no checkout of the exchange: clone it and run this there"
        )
    for folder in folders.values():
        if folder.exists():
            raise ScaffoldError(f"{folder} is there already: choose another name")
    written = []
    for templates, folder in folders.items():
        for template in sorted(templates.glob(f"*{SUFFIX}")):
            path = folder / template.name.removesuffix(SUFFIX)
            text = Template(template.read_text(encoding="utf-8")).substitute(asdict(names))
            folder.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written
