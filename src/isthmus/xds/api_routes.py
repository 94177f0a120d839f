"""One API route becomes several in Envoy: the client's protocol chooses, and each pays only for its own filters.

In order: reflection, gRPC-Web, gRPC, Connect, WebSocket, what only an adapter can serve, and REST. Plain gRPC runs
no filter at all; gRPC-Web, Connect with protobuf bodies and REST run Envoy's own. The adapter is told which schema and
which cluster a request is for in headers that overwrite the client's.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from isthmus.ir.action import Forward
from isthmus.ir.host import Route
from isthmus.ir.match import Pattern, Prefix, SegmentPrefix
from isthmus.ir.transcoding import Adapted, Api, Transcoding
from isthmus.xds import api, names
from isthmus.xds.filters import client_protocol, cors, metadata, transcoder
from isthmus.xds.filters.error_pages import OUTSIDE
from isthmus.xds.forward import forward
from isthmus.xds.local_replies import CONNECT, REST, marked
from isthmus.xds.path_tree import Entry
from isthmus.xds.route import answer, ask, emit_match, stay
from isthmus.xds.text import OVERWRITE

_REFLECTION = "/grpc.reflection."
_ENCODED_NAME = r"[^?]*\?(.*&)?[^=&]*%[^=&]*(=.*|&.*|)"  # of a query parameter
_NO_SCHEMA = "the schema of this gRPC server is not known yet; gRPC and gRPC-Web clients are served already"
# What gRPC says in headers and HTTP says otherwise. The status must stay: routes remove headers before the transcoder
# reads them, and a server that fails at once says why in nothing but headers.
_GRPC_ONLY = ("grpc-accept-encoding", "grpc-encoding")


class Offer(Struct, frozen=True):
    """What one API route offers. `planned` is None while the schema is not known."""

    action: Forward
    api: Api
    planned: Transcoding | None


class Place(enum.Enum):
    """Where the transcoder of a REST route is configured; a route that must not hold a copy goes to the adapter."""

    HOST = "virtual host"
    ROUTE = "route"
    ADAPTER = "adapter"


def api_routes(
    route: Route, offer: Offer, digests: Sequence[str], place: Place, without: api.Any | None
) -> Iterator[Entry]:
    """The routes of one API route. `digests` are the schemas that reflection shows there.

    `without` keeps the virtual host's transcoder from a route; None where the virtual host has none.
    """
    make = _Maker(route, offer, place, without)
    start = route.match.path.path
    if digests and isinstance(route.match.path, SegmentPrefix) and _REFLECTION.startswith(start):
        yield _REFLECTION, make.reflection(digests)
    if not isinstance(route.match.path, Pattern):  # a pattern is an HTTP rule, not the path of a procedure
        yield from ((start, message) for message in _procedures(make))
    yield start, make.adapter("websocket", _is("upgrade", "websocket"), REST)
    if offer.planned is None:
        yield start, make.unknown()
        return
    for adapted in offer.planned.adapted:
        if _below(adapted, route):
            yield max(start, adapted.prefix, key=len), make.adapted(adapted)
    if place is Place.ADAPTER:
        yield start, make.adapter("rest", None, REST)
        return
    yield from ((start, message) for message in _contradictions(make, offer.planned.path_fields))
    yield start, make.rest()


def _contradictions(make: _Maker, path_fields: Sequence[str]) -> Iterator[api.Route]:
    """Envoy's transcoder lets a query parameter replace what the path says; in the adapter the path wins.

    Names may be percent-encoded, so such queries go there too.
    """
    for name in path_fields:
        message = make.adapter("path-wins", None, REST)
        message.match.query_parameters.add(name=name, present_match=True)
        yield message
    if path_fields:
        encoded = api.HeaderMatcher(name=":path", string_match={"safe_regex": {"regex": _ENCODED_NAME}})
        yield make.adapter("path-wins", encoded, REST)


def _procedures(make: _Maker) -> Iterator[api.Route]:
    """The protocols whose requests go to the path of a procedure."""
    yield make.native("grpc-web", _content_type("application/grpc-web"), client_protocol.GRPC_WEB, "")
    yield make.native("grpc", _content_type("application/grpc"), "", "")
    yield make.native("connect", _connect_proto(), client_protocol.CONNECT, CONNECT)
    yield make.adapter("connect-stream", _content_type("application/connect+"), CONNECT)
    yield make.adapter("connect-json", _is("connect-protocol-version", "1"), CONNECT)
    yield make.connect_get()


def _content_type(prefix: str) -> api.HeaderMatcher:
    return api.HeaderMatcher(name="content-type", string_match={"prefix": prefix})


def _connect_proto() -> api.HeaderMatcher:
    kinds = r"application/(connect\+)?proto(;.*)?"
    return api.HeaderMatcher(name="content-type", string_match={"safe_regex": {"regex": kinds}})


def _is(name: str, value: str) -> api.HeaderMatcher:
    return api.HeaderMatcher(name=name, string_match={"exact": value, "ignore_case": name == "upgrade"})


def _below(adapted: Adapted, route: Route) -> bool:
    """Whether an adapted path can lie on the route's path at all."""
    path = route.match.path
    if isinstance(path, Pattern):
        return adapted.pattern == path.regex
    start = path.path
    return adapted.prefix.startswith(start) or start.startswith(adapted.prefix)


def _within(adapted: Adapted, route: Route) -> bool:
    """Whether all adapted paths lie on the route's path."""
    match route.match.path:
        case SegmentPrefix(path):
            return adapted.prefix.startswith(f"{path.rstrip('/')}/")
        case Prefix(path):
            return adapted.prefix.startswith(path)
        case found:
            return isinstance(found, Pattern)


class _Maker(Struct, frozen=True):
    """Makes the routes of one API route."""

    route: Route
    offer: Offer
    place: Place
    without: api.Any | None

    def native(self, kind: str, header: api.HeaderMatcher, chain: str, errors: str) -> api.Route:
        """To the backend, through a chain of filters that know the client's protocol."""
        message = self._start(kind, errors)
        message.match.headers.append(header)
        self._forward(message)
        self._without_transcoder(message)
        if errors == CONNECT:
            message.request_body_buffer_limit.value = transcoder.MOST_ANSWER_BYTES
        if chain:
            message.typed_per_filter_config[client_protocol.FILTER.name].CopyFrom(client_protocol.named(chain))
            self._let_origins(message)
        return message

    def rest(self) -> api.Route:
        """To the backend, transcoded."""
        message = self._start("rest", REST)
        self._forward(message)
        message.response_headers_to_remove.extend(_GRPC_ONLY)
        self._answer_headers(message)
        assert self.offer.planned is not None
        if self.place is Place.ROUTE:
            config = transcoder.transcoder(self.offer.planned, self.offer.api)
            message.typed_per_filter_config[transcoder.FILTER.name].CopyFrom(config)
        if "*" not in self.offer.api.pass_headers:
            headers = metadata.only(self._passed(), self.offer.api.only_headers)
            message.typed_per_filter_config[metadata.FILTER.name].CopyFrom(headers)
        self._let_origins(message)
        return message

    def adapter(self, kind: str, header: api.HeaderMatcher | None, errors: str) -> api.Route:
        """To the adapter, which calls the backend through Envoy again."""
        message = self._start(kind, errors, kept=False)
        if header is not None:
            message.match.headers.append(header)
        message.route.CopyFrom(forward(_to_adapter(self.offer.action), names.ADAPTER))
        if not message.route.upgrade_configs:
            message.route.upgrade_configs.add(upgrade_type="websocket")
        self._without_transcoder(message)
        self._let_origins(message)
        digest = self.offer.planned.digest if self.offer.planned else ""
        self._answer_headers(message)
        self._tell(message, "x-isthmus-schema", digest)
        self._tell(message, "x-isthmus-cluster", names.cluster(self.offer.action.backend))
        self._tell(message, "x-isthmus-options", ",".join(_options(self.offer.api)))
        self._tell(message, "x-isthmus-pass", ",".join(self.offer.api.pass_headers))
        self._tell(message, "x-isthmus-origins", ",".join(self.offer.api.origins))
        self._tell(message, "x-isthmus-port", "%DOWNSTREAM_LOCAL_PORT%")
        return message

    def connect_get(self) -> api.Route:
        """Connect's GET, for methods without side effects."""
        message = self.adapter("connect-get", _is(":method", "GET"), CONNECT)
        message.match.query_parameters.add(name="connect", string_match={"exact": "v1"})
        return message

    def adapted(self, adapted: Adapted) -> api.Route:
        """An HTTP rule that Envoy's transcoder cannot serve as it should be."""
        verb = None if adapted.verb == "*" else _is(":method", adapted.verb)
        message = self.adapter("adapted", verb, REST)
        if _within(adapted, self.route):
            message.match.safe_regex.regex = adapted.pattern
        else:  # what is not on the route's path is another route's, whose policy may be another
            whole = {"safe_regex": {"regex": rf"(?:{adapted.pattern})(?:\?.*)?"}}
            message.match.headers.append(api.HeaderMatcher(name=":path", string_match=whole))
        return message

    def reflection(self, digests: Sequence[str]) -> api.Route:
        """One reflection service over all APIs of the host, in both versions."""
        message = self._start("reflection", "", kept=False)
        message.match.CopyFrom(api.RouteMatch(prefix=_REFLECTION))
        message.match.headers.append(_content_type("application/grpc"))
        message.route.CopyFrom(forward(self.offer.action, names.ADAPTER_GRPC))
        self._without_transcoder(message)
        self._tell(message, "x-isthmus-schemas", ",".join(digests))
        return message

    def unknown(self) -> api.Route:
        """What REST callers hear while the schema is not known."""
        message = answer("", 503, _NO_SCHEMA)
        message.MergeFrom(self._start("rest", REST))
        self._without_transcoder(message)
        self._let_origins(message)  # preflights of gRPC-Web come here
        return message

    def _start(self, kind: str, errors: str, kept: bool = True) -> api.Route:
        """A route that asks what is asked here; `kept` says that the client's own backend answers it."""
        message = api.Route(name=names.route(self.route.origin, kind), match=emit_match(self.route.match))
        if errors:
            message.metadata.MergeFrom(api.Route(metadata=marked(errors)).metadata)
        asked = self.route if kept else replace(self.route, action=_to_adapter(self.offer.action))
        ask(message, asked, OUTSIDE)  # gRPC is left without error pages
        return message

    def _passed(self) -> tuple[str, ...]:
        """The headers of REST callers that go on, with the cookie that says where the caller stays."""
        session, also = self.offer.action.session, self.offer.api.pass_headers
        return also if session is None or session.persistent or "cookie" in also else (*also, "cookie")

    def _forward(self, message: api.Route) -> None:
        message.route.CopyFrom(forward(self.offer.action, names.cluster(self.offer.action.backend)))
        stay(message, self.route)

    def _without_transcoder(self, message: api.Route) -> None:
        if self.without is not None:
            message.typed_per_filter_config[transcoder.FILTER.name].CopyFrom(self.without)

    def _let_origins(self, message: api.Route) -> None:
        if self.offer.api.origins:
            policy = cors.policy(self.offer.api.origins, self.offer.api.pass_headers)
            message.typed_per_filter_config[cors.FILTER.name].CopyFrom(policy)

    def _answer_headers(self, message: api.Route) -> None:
        for name, value in self.offer.api.answer_headers:
            message.response_headers_to_add.add(header={"key": name, "value": value}, append_action=OVERWRITE)

    def _tell(self, message: api.Route, name: str, value: str) -> None:
        """Say something to an adapter, or at least keep the client from saying it."""
        if value:
            message.request_headers_to_add.add(header={"key": name, "value": value}, append_action=OVERWRITE)
        else:
            message.request_headers_to_remove.append(name)


def _to_adapter(action: Forward) -> Forward:
    """What is said about the backend's endpoints does not hold for the adapter."""
    return replace(action, splits=(), retry=None, session=None, hash_key=(), mirrors=(), rewrite=None, host=())


def _options(offered: Api) -> list[str]:
    chosen = {
        "preserve-names": offered.preserve_names,
        "emit-defaults": offered.emit_defaults,
        "only-headers": offered.only_headers,
    }
    return [name for name, on in chosen.items() if on]
