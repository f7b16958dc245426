"""The channels' endpoints without a web server: a partner's call goes to the handler that its path
names; limits of sockets don't apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from multidict import CIMultiDict

from exchange.journey.requests import Requests
from exchange.ports import Channel, Desk, Endpoint
from exchange.schemas.call import Call, Reply, problem
from exchange.schemas.directory import Directory

#: An endpoint, the channel that it belongs to and the desk behind it.
_Entry = tuple[Channel, Endpoint, Desk]
_PARAMETER = re.compile(r"\\\{(\w+)\\\}")


class InsideEndpoints:
    """What `exchange.web.endpoints` is over sockets: key and path in, the handler's reply out."""

    def __init__(
        self,
        channels: Iterable[Channel],
        desk: Callable[[Channel], Desk],
        directory: Directory,
        requests: Requests,
    ) -> None:
        self._directory = directory
        self._requests = requests
        self._plain: dict[tuple[str, str], _Entry] = {}
        self._patterns: list[tuple[str, re.Pattern[str], _Entry]] = []
        for channel in channels:
            behind = desk(channel)
            for endpoint in channel.endpoints:
                if endpoint.handler is None:
                    continue
                if "{" in endpoint.path:
                    pattern = re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(endpoint.path)))
                    self._patterns.append((endpoint.method, pattern, (channel, endpoint, behind)))
                else:
                    self._plain[endpoint.method, endpoint.path] = (channel, endpoint, behind)

    async def call(self, call: Call) -> Reply:
        """The exchange's reply to a partner's call."""
        found = self._plain.get((call.method, call.path))
        parameters: dict[str, str] = {}
        if found is None:
            found = self._matching(call, parameters)
            if found is None:
                return problem(404, "Not found", "no channel has such an endpoint")
        channel, endpoint, desk = found
        headers = CIMultiDict(call.headers)
        partner = self._directory.by_key(channel.credentials(headers).key)
        if partner is None:
            return problem(401, "Unauthorized", "the key belongs to no partner")
        received = Call(
            method=call.method,
            path=call.path,
            headers=headers,
            body=call.body,
            query=call.query,
            parameters=parameters,
        )
        return await self._requests.serve(channel, endpoint, received, partner, desk)

    def _matching(self, call: Call, parameters: dict[str, str]) -> _Entry | None:
        for method, pattern, entry in self._patterns:
            if method == call.method and (match := pattern.fullmatch(call.path)):
                parameters.update(match.groupdict())
                return entry
        return None
