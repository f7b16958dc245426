"""Load tests with locust against a running exchange; samples come as files, and nothing of the exchange is imported (gevent)."""
