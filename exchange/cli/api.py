"""Calls the operators' API of a running exchange for commands; what a command asks for is the
command's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any

import aiohttp
import typer

from exchange.errors import ApiError
from exchange.schemas.call import media_type
from exchange.schemas.violation import visible
from exchange.settings import load

TIMEOUT_SECONDS = 60.0

Exchange = Annotated[
    str, typer.Option(help="Address of the exchange.", show_default="from the settings")
]
Key = Annotated[
    str,
    typer.Option(
        help="An operator's key; on loopback, as shipped, none is needed.",
        envvar="EXCHANGE_OPERATOR_KEY",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, as the API gives it.")]


class Api:
    """The API at an address, called with an operator's key where there is one."""

    def __init__(self, exchange: str, key: str) -> None:
        server = load().server
        self.address = exchange.rstrip("/") or f"http://{server.host}:{server.port}"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The object that the API gives; of the query only what is not empty is asked for.

        Raises:
            ApiError: when it refuses, with its reason, or when no exchange answers.
        """
        return self._object(asyncio.run(self._call("GET", path, params=_asked(query))))

    def rows(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """The same of a list of objects."""
        told = asyncio.run(self._call("GET", path, params=_asked(query)))
        if not isinstance(told, list):
            raise self._no_exchange()
        return [self._object(each) for each in told]

    def post(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """The same of an object, for a change."""
        return self._object(asyncio.run(self._call("POST", path, json=data)))

    def _object(self, told: Any) -> dict[str, Any]:
        if not isinstance(told, dict):
            raise self._no_exchange()
        return told

    def _no_exchange(self) -> ApiError:
        return ApiError(f"what answers at {self.address} is no exchange")

    async def _call(self, method: str, path: str, **sent: Any) -> Any:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session,
                session.request(
                    method, self.address + path, allow_redirects=False, **sent
                ) as response,
            ):
                status, text = response.status, await response.text()
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise ApiError(
                f"{self.address!r} is no address of an exchange such as http://127.0.0.1:8080"
            ) from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            why = str(error) or type(error).__name__
            raise ApiError(f"no exchange answers at {self.address}: {why}") from error
        try:
            told: Any = json.loads(text, object_hook=_Told)
        except (ValueError, RecursionError):
            told = None
        if status >= 300:
            raise ApiError(_refusal(status, told, self.address))
        return told


class _Told(dict[str, Any]):
    """An object that the API gives."""

    def __missing__(self, name: str) -> Any:
        raise ApiError(f"what answers is no exchange: its answer lacks {name!r}")


def _asked(query: Mapping[str, str] | None) -> dict[str, str]:
    return {name: each for name, each in (query or {}).items() if each}


def _refusal(status: int, told: Any, address: str) -> str:
    if not isinstance(told, dict) or "title" not in told:
        return f"what answers at {address} is no exchange: it says {status}"
    detail = f": {told['detail']}" if "detail" in told else ""
    return f"{told['title']} ({status}){detail}"


def is_of_an_exchange(status: int, content_type: str) -> bool:
    """Whether an endpoint of a channel answers so: no redirect, and JSON or XML, not a page."""
    is_redirect = 300 <= status < 400
    return not is_redirect and media_type(content_type).endswith(("json", "xml"))


def print_json(told: Any) -> None:
    """As JSON, to be read by people and programs."""
    print(visible(json.dumps(told, ensure_ascii=False, indent=2)))


def moment(text: str | None) -> str:
    """A time of the API for people, to the second; empty for none."""
    return f"{text[:10]} {text[11:19]}Z" if text else ""
