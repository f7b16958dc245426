"""Sizes, docstrings and names of the Python sources, and what no source may say; not how they
import each other.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator

import pytest

from tests.architecture.tree import PRODUCT, Source, channels, names, sources, texts

FILE_LINES_MAX = 400
MEDIAN_LINES_MAX = 120
FUNCTION_LINES_MAX = 70
FOLDER_FILES_MAX = 20
LINE_COLUMNS_MAX = 100
#: Of code, configuration and prose together. Rows of tables and records of data can't be wrapped.
WIDE_LINES_SHARE_MAX = 0.01
GENERATED = {"docs/statistics-rows.md"}  # a line a row and language
#: What is written by hand; schemas and samples of messages are in their publishers' form.
WRITTEN = (
    *(".py", ".md", ".toml", ".yml", ".html", ".css", ".js", ".template"),
    *("Makefile", "Dockerfile"),
)
#: From so many fields on, the arguments of a class of ours are named.
POSITIONAL_ARGUMENTS_MAX = 4
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "manager",
    "base",
    "core",
    "misc",
}

#: Where time and chance come from; everywhere else they come in through the ports.
SOURCES_OF_CHANGE = re.compile(
    r"^(time\.(time|time_ns|localtime|gmtime)|(datetime\.)?datetime\.(now|utcnow|today)|(datetime\.)?date\.today"
    r"|uuid\.uuid[14]|os\.urandom|secrets\.\w+|random\.(?!Random$)\w+)$"
)
#: Who may import by name: discovery finds channels, a channel's own finds its families, the
#: catalogue finds the models that its files name, the command line the command that is called.
IMPORTERS_BY_NAME = {
    "exchange/cli/commands.py",
    "exchange/discovery.py",
    "adapters/luova/discovery.py",
    "schemas/catalogue.py",
}
IMPORTS_BY_NAME = {
    "importlib.import_module",
    "import_module",
    "__import__",
    "pkgutil.resolve_name",
    "resolve_name",
}
DETERMINED = (
    "exchange/journey/",
    "exchange/statistics/",
    "exchange/publication/",
    "exchange/ports/",
    "schemas/",
    "adapters/",
    "partners/faults.py",
    "partners/stub.py",
)


def too_long(source: Source) -> Iterator[str]:
    """A file over the limit."""
    if source.lines > FILE_LINES_MAX:
        yield f"{source.name} has {source.lines} lines, over {FILE_LINES_MAX}"


def crowded(files: Iterable[str]) -> Iterator[str]:
    """Folders with more files than somebody can look over."""
    for folder, number in Counter(name.rpartition("/")[0] for name in files).items():
        if number > FOLDER_FILES_MAX:
            yield f"{folder} has {number} files, over {FOLDER_FILES_MAX}: make folders in it"


def wide_lines(source: Source) -> int:
    """How many of its lines are wider than the limit."""
    return sum(len(line) > LINE_COLUMNS_MAX for line in source.text.splitlines())


def wide_prose(source: Source) -> Iterator[str]:
    """Lines of a document over the limit, but for tables, code and what is one word."""
    fenced = False
    for number, line in enumerate(source.text.splitlines(), 1):
        fenced ^= line.lstrip().startswith("```")
        wrappable = not fenced and not line.lstrip().startswith("|") and " " in line.strip()
        if wrappable and len(line) > LINE_COLUMNS_MAX:
            yield f"{source.name}:{number} has {len(line)} columns, over {LINE_COLUMNS_MAX}"


def long_functions(source: Source) -> Iterator[str]:
    """Functions over the limit, decorators left out."""
    for node in ast.walk(source.syntax):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > FUNCTION_LINES_MAX:
                yield (
                    f"{source.name}:{node.lineno} {node.name} has {size} lines, over "
                    f"{FUNCTION_LINES_MAX}"
                )


def no_opening_sentence(source: Source) -> Iterator[str]:
    """A module whose docstring does not open with one whole sentence."""
    opening = (ast.get_docstring(source.syntax) or "").split("\n\n")[0].strip()
    if not opening.endswith((".", ":")) or len(opening) < 20:
        yield f"{source.name} does not open with one sentence on what lives there"


def classes_of(files: Iterable[Source]) -> set[str]:
    """The names of the classes that these files define."""
    nodes = (node for source in files for node in ast.walk(source.syntax))
    return {node.name for node in nodes if isinstance(node, ast.ClassDef)}


def many_positions(source: Source, classes: Collection[str]) -> Iterator[str]:
    """Calls of classes of ours with more arguments by position than somebody can tell apart."""
    for node in ast.walk(source.syntax):
        if not isinstance(node, ast.Call) or len(node.args) <= POSITIONAL_ARGUMENTS_MAX:
            continue
        name = ast.unparse(node.func).rpartition(".")[2]
        if name in classes and not any(isinstance(each, ast.Starred) for each in node.args):
            yield f"{source.name}:{node.lineno} gives {name} {len(node.args)} arguments by position"


def forbidden_name(source: Source) -> Iterator[str]:
    """A file or folder that says nothing about its purpose."""
    parts = source.name.removesuffix(".py").split("/")
    if bad := FORBIDDEN_NAMES & set(parts):
        yield f"{source.name} is named {', '.join(sorted(bad))}: say what lives there"


def unfinished(source: Source) -> Iterator[str]:
    """What is left undone or skipped."""
    marks = "|".join(
        (
            "TO" + "DO",
            "FIX" + "ME",
            "raise Not" + "ImplementedError",
            r"pytest\.(skip|xfail)",
            r"mark\.(skip|xfail)",
        )
    )
    for number, line in enumerate(source.text.splitlines(), 1):
        if re.search(rf"\b({marks})", line):
            yield f"{source.name}:{number} {line.strip()}"


def swallowed(source: Source) -> Iterator[str]:
    """A handler of every exception that neither raises again, nor looks at what it caught, nor logs
    it with its traceback.
    """
    for node in ast.walk(source.syntax):
        if not isinstance(node, ast.ExceptHandler) or (
            node.type and ast.unparse(node.type) not in ("Exception", "BaseException")
        ):
            continue
        raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        looks = node.name and any(
            isinstance(inner, ast.Name) and inner.id == node.name for inner in ast.walk(node)
        )
        logs = any(
            isinstance(inner, ast.Attribute) and inner.attr == "exception"
            for inner in ast.walk(node)
        )
        if not (raises or looks or logs):
            yield f"{source.name}:{node.lineno} swallows every exception"


def undetermined(source: Source) -> Iterator[str]:
    """A clock or chance that does not come in from outside."""
    if not source.name.startswith(DETERMINED):
        return
    for node in ast.walk(source.syntax):
        if isinstance(node, ast.Call) and SOURCES_OF_CHANGE.match(ast.unparse(node.func)):
            yield (
                f"{source.name}:{node.lineno} {ast.unparse(node.func)}: time, ids and chance "
                "come in from outside"
            )


def dynamic_import(source: Source) -> Iterator[str]:
    """An import by name outside discovery."""
    for node in ast.walk(source.syntax):
        by_name = isinstance(node, ast.Call) and ast.unparse(node.func) in IMPORTS_BY_NAME
        if by_name and source.name not in IMPORTERS_BY_NAME:
            yield (
                f"{source.name}:{node.lineno} imports by name; only "
                f"{', '.join(sorted(IMPORTERS_BY_NAME))} do"
            )


#: The client has a module for each channel, as a partner's program has: it is no part of the core.
OTHER_SIDE = "exchange/client/"


def channel_named(source: Source) -> Iterator[str]:
    """A string in the core that is or opens with a channel's name (docstrings may name one as an
    example).
    """
    if not source.name.startswith("exchange/") or source.name.startswith(OTHER_SIDE):
        return
    words = {name for folder in channels() for name in (folder, folder.replace("_", "-"))}
    docstrings = source.docstrings
    for node in ast.walk(source.syntax):
        if (
            not isinstance(node, ast.Constant)
            or not isinstance(node.value, str)
            or id(node) in docstrings
        ):
            continue
        if (word := re.split(r"[./ ]", node.value.strip("/"))[0]) in words:
            yield f"{source.name}:{node.lineno} names the channel {word}; the core names none"


#: What speaks HTTP is aiohttp's: its server's and its client's connections are built upon, and no
#: other parser is there.
PROTOCOLS = re.compile(r"^(asyncio\.|protocols\.)?(Buffered)?Protocol$")
PARSERS = {"httptools", "h11", "h2", "http.server", "wsgiref"}


def http_by_hand(source: Source) -> Iterator[str]:
    """A connection of our own that is none of aiohttp's, or another reader of HTTP."""
    from_asyncio = False
    for node in ast.walk(source.syntax):
        if isinstance(node, ast.ImportFrom):
            found = {node.module or ""}
            from_asyncio |= (node.module or "").startswith("asyncio")
        elif isinstance(node, ast.Import):
            found = {alias.name for alias in node.names}
        else:
            found = set()
        if found & PARSERS:
            yield f"{source.name}:{node.lineno} imports {', '.join(found & PARSERS)}"
        if isinstance(node, ast.ClassDef):
            for base in map(ast.unparse, node.bases):
                if PROTOCOLS.match(base) and (from_asyncio or "." in base):
                    yield f"{source.name}:{node.lineno} {node.name} is a connection by hand"


EVERYWHERE = (too_long, long_functions, forbidden_name, unfinished, swallowed)
IN_THE_PRODUCT = (
    no_opening_sentence,
    undetermined,
    dynamic_import,
    channel_named,
    http_by_hand,
)
Check = Callable[[Source], Iterator[str]]


@pytest.mark.parametrize("check", EVERYWHERE, ids=lambda check: check.__name__)
def test_no_source_breaks_the_rule(check: Check) -> None:
    assert [complaint for source in sources() for complaint in check(source)] == []


@pytest.mark.parametrize("check", IN_THE_PRODUCT, ids=lambda check: check.__name__)
def test_no_source_of_the_product_breaks_the_rule(check: Check) -> None:
    assert [complaint for source in sources(*PRODUCT) for complaint in check(source)] == []


def test_most_files_are_short() -> None:
    sizes = [source.lines for source in sources(*PRODUCT) if source.lines > 1]
    assert statistics.median(sizes) <= MEDIAN_LINES_MAX


def test_arguments_of_classes_with_many_fields_are_named() -> None:
    files = sources(*PRODUCT, "benchmarks", "loadtests")
    classes = classes_of(files)
    assert [complaint for each in files for complaint in many_positions(each, classes)] == []


def test_many_arguments_by_position_are_found() -> None:
    row = Source("exchange/row.py", "class Row: ...\nRow(1, 2, 3, 4, 5)\nRow(1, 2, 3, 4, e=5)\n")
    assert len(list(many_positions(row, classes_of([row])))) == 1


def test_no_folder_is_crowded() -> None:
    assert list(crowded(names(".py"))) == []


def test_hardly_any_line_is_wide() -> None:
    written = [each for each in texts(*WRITTEN) if each.name not in GENERATED]
    wide = {source.name: number for source in written if (number := wide_lines(source))}
    most = WIDE_LINES_SHARE_MAX * sum(source.lines for source in written)
    assert sum(wide.values()) <= most, sorted(wide.items(), key=lambda each: -each[1])[:20]


def test_no_prose_is_wide() -> None:
    documents = [each for each in texts(".md") if each.name not in GENERATED]
    assert [complaint for each in documents for complaint in wide_prose(each)] == []


def test_crowded_folders_and_wide_lines_are_found() -> None:
    assert list(crowded([f"exchange/web/{number}.py" for number in range(21)]))
    assert not list(crowded([f"exchange/web/{number}.py" for number in range(20)]))
    assert wide_lines(Source("x.toml", f"{'x' * 100}\n{'x' * 101}\n")) == 1
    wide = "word " * 21
    assert list(wide_prose(Source("x.md", f"{wide}\n")))
    assert not list(wide_prose(Source("x.md", f"| {wide} |\n\n```\n{wide}\n```\n")))


BAD = {
    too_long: Source("exchange/long.py", "x = 1\n" * (FILE_LINES_MAX + 1)),
    long_functions: Source("exchange/long.py", "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX),
    no_opening_sentence: Source("exchange/silent.py", '"""Things"""\n'),
    forbidden_name: Source("exchange/utils.py", ""),
    unfinished: Source("exchange/open.py", "x = 1  # TO" + "DO\n"),
    swallowed: Source("exchange/open.py", "try:\n    f()\nexcept Exception:\n    pass\n"),
    undetermined: Source("schemas/now.py", "import time\nmade_at = time.time()\n"),
    dynamic_import: Source(
        "exchange/web/load.py", "import importlib\nimportlib.import_module('x')\n"
    ),
    http_by_hand: Source("exchange/web/own.py", "class Own(asyncio.Protocol): ...\n"),
}


@pytest.mark.parametrize("check", BAD, ids=lambda check: check.__name__)
def test_the_rule_catches_a_bad_source(check: Check) -> None:
    assert list(check(BAD[check]))


@pytest.mark.parametrize(
    "call",
    ["random.random()", "datetime.datetime.now()", "date.today()", "uuid.uuid4()", "os.urandom(8)"],
)
def test_every_source_of_change_is_known(call: str) -> None:
    assert list(undetermined(Source("adapters/x/generate.py", f"value = {call}\n")))


def test_a_seeded_generator_is_no_source_of_change() -> None:
    assert not list(
        undetermined(Source("adapters/x/generate.py", "rng = random.Random(1)\nrng.random()\n"))
    )


def test_a_channel_named_in_the_core_is_caught() -> None:
    channel = [*channels(), "none"][0]
    complaints = list(channel_named(Source("exchange/web/server.py", f'PATH = "/{channel}/v1"\n')))
    assert complaints or channel == "none"
    assert not list(channel_named(Source("exchange/web/server.py", f'"""Such as {channel}."""\n')))
