"""Spans of calls for OpenTelemetry: made of what is called, sent to a collector over OTLP/HTTP."""
