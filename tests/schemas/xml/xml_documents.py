"""XML documents drawn for the tests: every ordinary way of writing one, with the offset and path of
each start tag; no product code.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

DEFAULT, PREFIXED = "urn:test:default", "urn:test:prefixed"
NAMES = ("Report", "row", "Määrä", "a.b-c_1")
GAPS = st.sampled_from(
    [
        "",
        " ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "\n\n  ",
        "<!-- <row> ]]> -->",
        "<?pi <row?>",
        "<![CDATA[<row> & ]]>",
        "äöå €",
        "&#10;",
        "&amp;",
    ]
)
SPACES = st.sampled_from([" ", "\n", "\r\n", "\t ", "  "])
VALUES = st.text(
    st.characters(codec="utf-8", exclude_characters='<&"', exclude_categories=("Cc", "Cs")),
    max_size=4,
).filter(lambda text: "\ufffe" not in text and "\uffff" not in text)


@dataclass
class Tag:
    """A start tag: the offset of its `<`, its path, and (by name) the offsets of its attributes."""

    offset: int
    path: str
    attributes: dict[str, int] = field(default_factory=dict)


@dataclass
class Drawn:
    """A document and its start tags in order."""

    text: str = ""
    tags: list[Tag] = field(default_factory=list)


@st.composite
def documents(draw: st.DrawFn, declaration: str = "") -> Drawn:
    """A well-formed document of up to some twenty elements."""
    drawn = Drawn(declaration)
    drawn.text += (
        draw(st.sampled_from(["", "<!-- before -->\n", "\r\n", "<?before it?>"]))
        if declaration
        else ""
    )
    _element(draw, drawn, draw(st.sampled_from(NAMES)), "", 0)
    drawn.text += draw(st.sampled_from(["", "\n", "<!-- after -->"]))
    return drawn


def _element(draw: st.DrawFn, drawn: Drawn, name: str, path: str, depth: int) -> None:
    tag = Tag(len(drawn.text), f"{path}/{name}")
    drawn.tags.append(tag)
    drawn.text += f"<{name}"
    if not depth:
        drawn.text += f' xmlns="{DEFAULT}" xmlns:p="{PREFIXED}"'
    for attribute in draw(
        st.lists(st.sampled_from(("id", "p:id", "xml:lang", "größe")), unique=True, max_size=3)
    ):
        drawn.text += draw(SPACES)
        tag.attributes[attribute] = len(drawn.text)
        quote = draw(st.sampled_from("\"'"))
        value = draw(VALUES).replace(quote, "")
        drawn.text += f"{attribute}{draw(st.sampled_from(['=', ' = ', '=' + chr(10)]))}{quote}{value} id=>{quote}"
    children = [
        draw(st.sampled_from(NAMES)) for _ in range(draw(st.integers(0, 3 if depth < 3 else 0)))
    ]
    children = [draw(st.sampled_from(("", "p:"))) + child for child in children]
    if not children and draw(st.booleans()):
        drawn.text += draw(st.sampled_from(["/>", " />"]))
        return
    drawn.text += draw(st.sampled_from([">", "\n>"]))
    for index, child in enumerate(children):
        drawn.text += draw(GAPS)
        step = f"{child}[{children[: index + 1].count(child)}]"
        at = len(drawn.tags)
        _element(draw, drawn, child, tag.path, depth + 1)
        if children.count(child) > 1:
            for inner in drawn.tags[at:]:
                inner.path = f"{tag.path}/{step}" + inner.path[len(f"{tag.path}/{child}") :]
    drawn.text += f"{draw(GAPS)}</{name}>"
