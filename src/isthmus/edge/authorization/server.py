"""The gRPC side: Envoy's question as a Request, the verdict as Envoy's answer.

Which policy it is about is in the call's metadata, which no client can reach. Rule: a call that is not understood, or
that fails, denies; nothing is answered that no policy has decided.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import grpc.aio

from isthmus.edge.authorization.combine import Means, decide
from isthmus.edge.authorization.egress import Egress
from isthmus.edge.authorization.passwords import Passwords
from isthmus.edge.authorization.policies import Policies
from isthmus.edge.authorization.request import Request
from isthmus.edge.authorization.verdict import UNAVAILABLE, Denied, Granted, Verdict
from isthmus.edge.authorization.verdicts import Verdicts
from isthmus.edge.concurrency import Concurrency
from isthmus.edge.message_classes import classes_within
from isthmus.xds import api
from isthmus.xds.filters.authorization import COOKIES, PLACE, POLICY
from isthmus.xds.text import APPEND, OVERWRITE

GRACE_SECONDS = 5.0
_SERVICE = "envoy.service.auth.v3.Authorization"
_PERMISSION_DENIED = 7  # google.rpc.Code; the HTTP status is what counts
_MOST_AT_ONCE = 10_000
_LOG = logging.getLogger(__name__)


class Orders(NamedTuple):
    """Where to listen, Envoy's `egress` socket, the folder of policies."""

    listen: str
    egress: str
    policies: str


class Server:
    """A running helper. Make it inside an event loop."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._policies = Policies(Path(orders.policies))
        self._egress = Egress(orders.egress)
        self._means = Means(Passwords(), Verdicts(), self._egress.send)
        self._concurrency = Concurrency()
        messages = (api.CheckRequest, api.CheckResponse, api.RateLimitRequest, api.RateLimitResponse)
        self._classes = classes_within(*messages)  # passwords are judged in threads
        self._server = grpc.aio.server(maximum_concurrent_rpcs=_MOST_AT_ONCE)
        method = grpc.unary_unary_rpc_method_handler(
            self._check, api.CheckRequest.FromString, api.CheckResponse.SerializeToString
        )
        handler = grpc.method_handlers_generic_handler(_SERVICE, {"Check": method})
        self._server.add_generic_rpc_handlers((handler, self._concurrency.handler()))

    async def start(self) -> None:
        """Listen. Raises OSError."""
        before = os.umask(0o177)  # nobody else may connect, from the first moment on
        try:
            self._server.add_insecure_port(f"unix:{self._orders.listen}")
        except RuntimeError as error:
            raise OSError(str(error)) from None
        finally:
            os.umask(before)
        await self._server.start()

    def hear(self, line: bytes) -> None:
        """A new Envoy: what the one before had under way will never end."""
        if line.startswith(b"envoy "):
            self._concurrency.forget()

    async def stop(self) -> None:
        """Take nothing new; let what runs end within the grace period, then cut it."""
        await self._server.stop(GRACE_SECONDS)
        self._means.passwords.close()
        await self._egress.close()

    async def _check(self, message: Any, context: Any) -> Any:
        try:
            return response_of(await self._verdict(message, context.invocation_metadata() or ()))
        except Exception:  # noqa: BLE001 - our own mistake: one request is denied
            _LOG.exception("a request could not be judged")
            return response_of(Denied(UNAVAILABLE, "the gateway's authorization failed"))

    async def _verdict(self, message: Any, metadata: Iterable[tuple[str, str | bytes]]) -> Verdict:
        said = dict(metadata)
        policy = await self._policies.load(str(said.get(POLICY, "")))
        if policy is None:
            return Denied(UNAVAILABLE, "who may use this path is not known yet")
        return await decide(policy, request_of(message)._replace(place=str(said.get(PLACE, ""))), self._means)


def request_of(message: Any) -> Request:
    """What Envoy says about a request."""
    http = message.attributes.request.http
    headers = {name.lower(): value for name, value in http.headers.items()}
    return Request(
        method=http.method,
        target=http.path,
        authority=http.host,
        headers=headers,
        client=message.attributes.source.address.socket_address.address,
        scheme=headers.get("x-forwarded-proto", "") or http.scheme,
        protocol=http.protocol,
        local_port=message.attributes.destination.address.socket_address.port_value,
        certificate=message.attributes.source.certificate,
    )


def response_of(verdict: Verdict) -> Any:
    """The verdict as Envoy wants it."""
    if isinstance(verdict, Granted):
        message = api.CheckResponse(ok_response={"headers_to_remove": verdict.remove})
        for name, value in verdict.headers:
            _add(message.ok_response.headers, name, value, OVERWRITE)
        for cookie in verdict.cookies if verdict.always else ():
            _add(message.ok_response.response_headers_to_add, "set-cookie", cookie, APPEND)
        for name, cookie in zip(COOKIES, () if verdict.always else verdict.cookies, strict=False):
            message.dynamic_metadata.fields[name].string_value = _clean(cookie)
        return message
    message = api.CheckResponse(denied_response={"status": {"code": verdict.status}, "body": verdict.reason})
    message.status.code = _PERMISSION_DENIED
    for name, value in verdict.headers:
        _add(message.denied_response.headers, name, value, APPEND)
    return message


def _add(options: Any, name: str, value: str, action: int) -> None:
    options.add(header={"key": name, "value": _clean(value)}, append_action=action)


def _clean(value: str) -> str:
    """protobuf takes no lone surrogates."""
    return value.encode("utf-8", "replace").decode()
