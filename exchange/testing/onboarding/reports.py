"""What an onboarding found, as HTML for people, as JUnit XML for CI, and as a test report of the
European Commission's Interoperability Test Bed (TAR).

Sources: JUnit's form as CI servers read it (testsuites, testsuite, testcase with failure or
skipped); GITB's schema of test reports, namespace http://www.gitb.com/tr/v1/ (gitb_tr.xsd of
ISAITB/gitb-types): a TestStepReport of type TAR with date, result, overview, counters and reports,
each of type BAR. There a demand that was not tried is a warning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lxml import etree

from exchange.publication.templates import template
from exchange.schemas.directory import Partner
from exchange.schemas.instants import instant
from exchange.testing.onboarding.demands import Found
from exchange.testing.onboarding.redaction import Shown

TEMPLATE = Path(__file__).with_name("report.html")
SUITE = "onboarding"
GITB = "http://www.gitb.com/tr/v1/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES: Any = {None: GITB, "xsi": XSI}
_KINDS = {"passed": "info", "not tried": "warning", "failed": "error"}
_RESULTS = {"info": "SUCCESS", "warning": "WARNING", "error": "FAILURE"}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of a partner; `began` and `ended` are in milliseconds since 1970 UTC."""

    partner: Partner
    began: int
    ended: int
    found: Sequence[Found]

    @property
    def counts(self) -> Counter[str]:
        """How many demands have each verdict."""
        return Counter(each.verdict for each in self.found)

    def write(self, folder: Path) -> list[Path]:
        """Write the three files.

        Raises:
            OSError: when they can't be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        made = {".html": to_html(self), ".xml": to_junit(self), ".tar.xml": to_tar(self)}
        paths = []
        for suffix, content in made.items():
            paths.append(folder / f"onboarding-{self.partner.id}{suffix}")
            paths[-1].write_bytes(content)
        return paths


def to_html(report: Report) -> bytes:
    """The report for people, one file that needs no network and no script."""
    order = ["failed", "not tried", "passed"]
    page = template(TEMPLATE).render(
        report=report,
        found=sorted(report.found, key=lambda each: order.index(each.verdict)),
        began=instant(report.began),
        version=version("exchange-simulator"),
    )
    return page.encode()


def to_junit(report: Report) -> bytes:
    """The report as JUnit XML: a test case for each demand, `not tried` as skipped."""
    counts, seconds = report.counts, f"{(report.ended - report.began) / 1000:.3f}"
    suites = etree.Element("testsuites")
    suite = etree.SubElement(
        suites,
        "testsuite",
        name=f"{SUITE} {report.partner.id}",
        tests=str(len(report.found)),
        failures=str(counts["failed"]),
        errors="0",
        skipped=str(counts["not tried"]),
        time=seconds,
        timestamp=instant(report.began),
    )
    for each in report.found:
        case = etree.SubElement(
            suite, "testcase", classname=f"{SUITE}.{each.about or 'partner'}", name=each.demand.id
        )
        told = _told(each)
        if each.verdict == "failed":
            etree.SubElement(case, "failure", message=_line(each.why)).text = told
        elif each.verdict == "not tried":
            etree.SubElement(case, "skipped", message=_line(each.why))
        etree.SubElement(case, "system-out").text = told
    return _document(suites)


def to_tar(report: Report) -> bytes:
    """The report as GITB's test report."""
    root = etree.Element(f"{{{GITB}}}TestStepReport", nsmap=NAMESPACES)
    root.set(f"{{{XSI}}}type", "TAR")
    root.set("name", f"{SUITE} {report.partner.id}")
    kinds = Counter(_KINDS[each.verdict] for each in report.found)
    worst = next((kind for kind in ("error", "warning", "info") if kinds[kind]), "")
    _add(root, "date", instant(report.ended))
    _add(root, "result", _RESULTS.get(worst, "UNDEFINED"))
    overview = _add(root, "overview")
    _add(overview, "profileID", report.partner.id)
    _add(overview, "validationServiceName", "exchange onboard")
    _add(overview, "validationServiceVersion", version("exchange-simulator"))
    counters = _add(root, "counters")
    _add(counters, "nrOfAssertions", str(len(report.found)))
    _add(counters, "nrOfErrors", str(kinds["error"]))
    _add(counters, "nrOfWarnings", str(kinds["warning"]))
    reports = _add(root, "reports") if report.found else root
    for each in report.found:
        item = _add(reports, _KINDS[each.verdict])
        item.set(f"{{{XSI}}}type", "BAR")
        _add(item, "assertionID", each.name)
        parts = [each.demand.title, each.verdict, *filter(None, [each.why, _mend(each)])]
        _add(item, "description", ": ".join(parts))
        _add(item, "test", f"{each.demand.how} ({each.demand.source})")
        if each.calls:
            _add(item, "value", "\n\n".join(map(_call, each.calls)))
    return _document(root)


def _add(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    made = etree.SubElement(parent, f"{{{GITB}}}{name}")
    made.text = text or None
    return made


def _document(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _told(found: Found) -> str:
    demand = found.demand
    parts = [found.why, _mend(found), demand.title, demand.how, f"Source: {demand.source}"]
    return "\n\n".join([*filter(None, parts), *map(_call, found.calls)])


def _mend(found: Found) -> str:
    """What to do; empty where the demand is met or was not tried."""
    return found.demand.mend if found.verdict == "failed" else ""


def _call(call: Shown) -> str:
    return f"{call.asked}\n{call.sent}\n\n{call.status or 'no answer'}\n{call.answer}"


def _line(text: str) -> str:
    return " ".join(text.split())
