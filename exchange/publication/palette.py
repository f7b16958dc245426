"""The colours of charts and report: told apart by people who don't see all colours, in light and in
dark; no chart.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Colours by name, as they are in light; charts are drawn with these. After Okabe and Ito's
#: palette, darkened for contrast.
LIGHT: Mapping[str, str] = {
    "ground": "#fbfbf9",
    "ink": "#1c1f23",
    "quiet": "#565d66",
    "grid": "#dcdfe3",
    "counted": "#0b5cad",
    "published": "#b85c00",
    "outside": "#a3206e",
    "free": "#9aa3ad",
    "band": "#cfe3f5",
    "heat-1": "#eaf2fa",
    "heat-2": "#c5dcf0",
    "heat-3": "#92bfe3",
    "heat-4": "#579bd0",
    "heat-5": "#1f6fb2",
    "heat-6": "#0a3f73",
}
#: The same in dark.
DARK: Mapping[str, str] = {
    "ground": "#14171a",
    "ink": "#e6e8ea",
    "quiet": "#a2aab3",
    "grid": "#30363c",
    "counted": "#7cb7f2",
    "published": "#f0a04b",
    "outside": "#f08ac6",
    "free": "#6b747e",
    "band": "#1f3347",
    "heat-1": "#182129",
    "heat-2": "#1d3548",
    "heat-3": "#22506f",
    "heat-4": "#2f75a3",
    "heat-5": "#58a5d8",
    "heat-6": "#b5defb",
}
HEAT = tuple(LIGHT[f"heat-{step}"] for step in range(1, 7))


def themed(svg: str) -> str:
    """A chart that takes its colours from the page, so that it can be light or dark."""
    for name, colour in LIGHT.items():
        svg = svg.replace(f'"{colour}"', f'"var(--{name})"')
    return svg
