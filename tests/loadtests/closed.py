"""A locustfile of the ordinary kind, each user a closed loop: the control that shows what a closed
model does not see.
"""

from __future__ import annotations

from locust import FastHttpUser, task


class Caller(FastHttpUser):
    """Calls, waits for the answer, calls again."""

    @task
    def call(self) -> None:
        """One call."""
        self.client.post("/kelmu/v1/ui/queries", data=b"{}", name="call")
