"""Writing a report to a folder in every form that is published; what each form looks like stands in its own module."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exchange.publication.records import to_csv, to_json
from exchange.statistics.report import Report


def publish(report: Report, out_dir: Path, language: str = "en", languages: Sequence[str] = ("fi", "sv", "en")) -> list[Path]:
    """Write the report into `out_dir` (made when it is not there) and return the files, in the order written.

    `language` is that of the titles in tables for machines (`statistics.csv`); reports for people are written in each of
    `languages`. The same report gives the same bytes: no file says when it was made.

    Raises:
        OSError: when a file can't be written.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    files = {"statistics.csv": to_csv(report, language), "statistics.json": to_json(report)}
    written = []
    for name, content in files.items():
        path = out_dir / name
        path.write_text(content, encoding="utf-8", newline="")
        written.append(path)
    return written
