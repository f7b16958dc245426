"""OpenTelemetry's exporter over OTLP/HTTP as the settings want it, with what it did counted, and
told once.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from exchange.settings import Telemetry

log = structlog.get_logger(__name__)


class ToldExporter(SpanExporter):
    """Sends spans, and logs when it no longer can, and can again. `sent` and `lost` count them: lost
    are those that were not taken, without those for which the SDK's queue had no room.
    """

    def __init__(self, settings: Telemetry) -> None:
        self._collector = settings.traces_url
        # Proxies and passwords of the environment are not for a collector that is named here.
        session = requests.Session()
        session.trust_env = False
        system = ssl.get_default_verify_paths()
        self._exporter = OTLPSpanExporter(
            settings.traces_url,
            certificate_file=system.cafile or system.capath,
            headers=settings.headers,
            timeout=settings.timeout_seconds,
            session=session,
        )
        # It would log each attempt.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._fails = False
        self.sent = self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, again for as long as the collector's answer says so and time is left."""
        result = self._exporter.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails:
            self.lost += len(spans)
        else:
            self.sent += len(spans)
        if fails and not self._fails:
            log.warning("spans are not taken", collector=self._collector)
        elif self._fails and not fails:
            log.info("spans are taken again", lost=self.lost)
        self._fails = fails
        return result

    def shutdown(self) -> None:
        """End; an attempt that waits to be made again is not made."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
