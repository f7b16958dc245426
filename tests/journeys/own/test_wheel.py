"""The wheel alone, in an empty folder, with nothing of a checkout or of this environment's
variables.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.journeys.own.installed import install
from tests.journeys.shell import free_port, said_by
from tests.journeys.test_integrating import DOCS, FILE, blocks

#: Fifty messages, of which five are broken first, told what is wrong with, mended and sent again.
FIFTY = """
import pathlib
import sys

from exchange.client import Client, Rejected, luova

TYPE = "unemployment.earnings-data"
files = sorted(pathlib.Path("fifty").glob(TYPE + "-*"))
stored = mended = 0
with Client("http://127.0.0.1:8080", key=sys.argv[1]) as fund:
    for number, file in enumerate(files):
        body = file.read_text(encoding="utf-8")
        if number % 10 == 0:
            try:
                fund.call(luova.submit, TYPE, body.replace("<Record", "<Recrod", 1))
            except Rejected as refused:
                mended += all(each.line and each.column for each in refused.violations)
        stored += not fund.call(luova.submit, TYPE, body, message_id=f"fifty-{number}").duplicate
print(stored, "stored,", mended, "mended")
"""
#: A receiver of pushes over TLS, with a certificate of an authority that no system knows.
SECURE = """
import ssl

from aiohttp import web
from exchange.client import verify
from exchange.client.errors import NotSigned
from lxml import etree


async def take(request):
    body = await request.read()
    try:
        verify("a-secret", request.headers, body)
        etree.fromstring(body)
    except NotSigned:
        return web.Response(status=401)
    except etree.XMLSyntaxError:
        return web.Response(status=422)
    return web.Response()


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("certificates/server.pem", "certificates/server.key")
app = web.Application()
app.router.add_post("/{path:.*}", take)
web.run_app(app, host="127.0.0.1", port=9000, ssl_context=context)
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("wheel"))


@pytest.mark.drill
def test_it_runs_in_an_empty_folder(programs: Path, tmp_path: Path) -> None:
    port, partners_port = free_port(), free_port()
    script = (
        "python3 -c 'import exchange; print(exchange.__file__)'\n"
        "exchange doctor\n"
        "exchange samples kelmu.benefit-query\n"
        "exchange validate samples/kelmu.benefit-query-000000.json\n"
        f"exchange run --duration 3 --rate 20 --port {port} --partners-port {partners_port}\n"
    )
    said = said_by(script, tmp_path, port, partners_port, alone=programs)
    assert f"{programs.parent}/lib" in said.splitlines()[0]
    assert "verify: clean" in said
    assert "samples/kelmu.benefit-query-000000.json: valid" in said, said
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "samples"]


@pytest.mark.drill
def test_a_partners_day_from_the_wheel_alone(programs: Path, tmp_path: Path) -> None:
    """The page for a partner of one's own, line by line, and fifty messages."""
    ports = {number: str(free_port()) for number in ("8080", "8081", "9000", "9001")}

    def placed(text: str) -> str:
        return re.sub("|".join(ports), lambda found: ports[found[0]], text)

    page = (DOCS / "own-partner.md").read_text(encoding="utf-8")
    for name, text in [*FILE.findall(page), ("fifty.py", FIFTY)]:
        (tmp_path / name).write_text(placed(text), encoding="utf-8")
    script = blocks("docs/own-partner.md", "own").replace(
        "kill %1 %2",
        "exchange samples unemployment.earnings-data --from fund.mine -n 50 --out fifty\n"
        'python3 fifty.py "$KEY"\n'
        "kill %1 %2",
    )
    port, partners_port = int(ports["8080"]), int(ports["8081"])
    said = said_by(placed(script), tmp_path, port, partners_port, alone=programs)
    assert "50 stored, 5 mended" in said
    assert "3 passed" in said
    assert "answered kelmu.information-request-answer" in said
    assert "received unemployment.benefit-data" in said


@pytest.mark.drill
def test_a_partner_behind_a_private_authority_is_called_where_it_is_named(
    programs: Path, tmp_path: Path
) -> None:
    port = str(free_port())
    (tmp_path / "secure.py").write_text(SECURE.replace("9000", port), encoding="utf-8")
    tried = f"exchange onboard --partner fund.mine --sector unemployment-fund --url https://127.0.0.1:{port}"
    script = (
        "export EXCHANGE_CALLBACK_SECRET=a-secret\n"
        "exchange certificates certificates --partner employer.demo-oy\n"
        "python3 secure.py &\n"
        f"curl --silent --output none --retry 30 --retry-delay 1 --retry-connrefused -k https://127.0.0.1:{port}/\n"
        f"{tried} || echo exit $?\n"
        f"SSL_CERT_FILE=certificates/authority.pem {tried}\n"
    )
    said = said_by(script, tmp_path, free_port(), free_port(), alone=programs)
    unknown, known = said.split("exit 1\n")
    assert "CERTIFICATE_VERIFY_FAILED" in unknown
    assert " 0 failed" in known
