"""Templates of pages that stand alone, in one file each, without script or network; `head.html`
beside this is the head of them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from exchange.publication.palette import DARK, LIGHT

_COLOURS: Mapping[str, Any] = {"light": LIGHT, "dark": DARK}


@cache
def template(path: Path) -> Template:
    """The template in a file; it can import `head.html`, and knows the colours `light`, `dark`."""
    environment = Environment(
        loader=FileSystemLoader([path.parent, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(path.name, globals=dict(_COLOURS))
