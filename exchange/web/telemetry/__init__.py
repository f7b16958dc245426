"""Spans of calls for OpenTelemetry: by its SDK, sent to a collector over OTLP/HTTP."""
