"""An example of each schema of the operators' API, for its description; a test holds each against
its schema.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: By the name of the schema.
EXAMPLES: dict[str, Any] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
