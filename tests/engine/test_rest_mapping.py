"""google.api.http through a real gateway: each rule's form, each place of a field in a request, and what is refused."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from gateways import SECONDS, Gateway, ask_with_body
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_servers import library_server

from isthmus.edge.upstreams import library

MIRROR = "/v1/trials/mirror"
WHALE = "Moby-Dick; or, The Whale"


class Said(NamedTuple):
    """What came back."""

    status: int
    kind: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with library_server() as server, Gateway([], {}, server.address, "--explorer-port", "0") as running:
        yield running


def ask(gateway: Gateway, verb: str, path: str, body: Any = None, kind: str = "application/json") -> Said:
    """One request; a body that is not bytes is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.http_port, timeout=SECONDS)
    try:
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(verb, path, sent, {"content-type": kind} if sent is not None else {})
        response = connection.getresponse()
        return Said(response.status, response.headers["content-type"] or "", response.read())
    finally:
        connection.close()


def holds(found: Any, expected: Any) -> bool:
    """Whether all that is expected is there."""
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(holds(found.get(key), value) for key, value in expected.items())
    return bool(found == expected)


RULES: dict[str, tuple[str, str, Any, Any]] = {
    "no fields": ("GET", "/v1/shelves", None, {}),
    "a variable of two segments": ("GET", "/v1/shelves/2", None, {"name": "shelves/2", "theme": "SCIENCE"}),
    "a variable of four segments": ("GET", "/v1/shelves/1/books/2", None, {"name": "shelves/1/books/2", "pages": 280}),
    "an additional binding": ("GET", "/v1/isbn/9780000000033", None, {"title": "On the Origin of Species"}),
    "two stars": ("GET", "/v1/categories/science/biology", None, {"name": "biology"}),
    "two stars, nothing": ("GET", "/v1/categories/", None, {"name": "everything"}),
    "response_body, a string": ("GET", "/v1/shelves/2/books/1/title", None, "On the Origin of Species"),
    "body is a field": (
        "POST", "/v1/shelves/3/books?validate_only=true", {"title": "New"}, {"title": "New"},
    ),
    "body is everything, with a verb": (
        "POST", "/v1/shelves/2/books/2:lend", {"reader": "Ada"}, {"loan": {"reader": "Ada"}},
    ),
    "a custom method": ("LOCK", "/v1/shelves/3/books/1", {"reader": "Ada"}, {"loan": {"reader": "Ada"}}),
    "a variable in a message": (
        "PUT", "/v1/shelves/1/books/1", {"title": WHALE, "pages": 9}, {"name": "shelves/1/books/1", "pages": 9},
    ),
    "PATCH changes what the body names": ("PATCH", "/v1/shelves/1/books/1", {"pages": 7}, {"title": WHALE, "pages": 7}),
    "PATCH changes what the mask names": (
        "PATCH", "/v1/shelves/1/books/1?update_mask=pages", {"title": "x", "pages": 8}, {"title": WHALE, "pages": 8},
    ),
    "no rule": ("POST", "/library.v1.LibraryService/GetShelf", {"name": "shelves/2"}, {"theme": "SCIENCE"}),
    "a stream of answers": ("GET", "/v1/trials/count?count=2", None, [{"number": "1"}, {"number": "2"}]),
    "a stream of requests": ("POST", "/v1/trials/sum", [{"number": 1}, {"number": "2"}], {"sum": "3", "count": "2"}),
    "both streams": ("POST", "/v1/trials/bounce", [{"number": 1}, {"number": 2}], [{"number": "1"}, {"number": "2"}]),
}  # fmt: skip


@pytest.mark.parametrize(("verb", "path", "body", "expected"), RULES.values(), ids=RULES)
def test_rules(gateway, verb, path, body, expected):
    said = ask(gateway, verb, path, body)
    assert (said.status, said.kind) == (200, "application/json"), said.body
    assert holds(said.json, expected), said.json


def test_response_body_that_is_a_list(gateway):
    assert "Mary Shelley" in ask(gateway, "GET", "/v1/authors").json


FIELDS: dict[str, tuple[str, Any]] = {
    "none": ("", {}),
    "plus and percent": ("text=a+b%20c%2Bd", {"text": "a b c+d"}),
    "UTF-8": ("text=%F0%9F%8C%8D", {"text": "🌍"}),
    "empty": ("text=", {}),
    "the last one counts": ("int64Value=1&int64Value=2", {"int64Value": "2"}),
    "nested": ("nested.width=1.5&child.child.text=x", {"nested": {"width": 1.5}, "child": {"child": {"text": "x"}}}),
    "repeated": ("numbers=1&numbers=2&texts=a&texts=b", {"numbers": ["1", "2"], "texts": ["a", "b"]}),
    "enum by name": ("genre=POETRY&genres=FICTION", {"genre": "POETRY", "genres": ["FICTION"]}),
    "enum by number": ("genre=3&genres=2", {"genre": "POETRY", "genres": ["SCIENCE"]}),
    "names of JSON": ("int64Value=7&renamed=x", {"int64Value": "7", "renamed": "x"}),
    "names of the schema": ("int64_value=7&original_name=x", {"int64Value": "7", "renamed": "x"}),
    "bytes": ("data=AP-A", {"data": "AP+A"}),
    "not a number": ("double_value=NaN", {"doubleValue": "NaN"}),
    "time": ("time=2026-01-01T00:00:00Z&span=1.5s", {"time": "2026-01-01T00:00:00Z", "span": "1.500s"}),
    "times": ("times=2026-01-01T00:00:00Z", {"times": ["2026-01-01T00:00:00Z"]}),
    "field mask": ("mask=text,nested.width", {"mask": "text,nested.width"}),
    "wrappers": (
        "int64_wrapper=5&string_wrapper=x&bool_wrapper=false",
        {"int64Wrapper": "5", "stringWrapper": "x", "boolWrapper": False},
    ),
    "optional": ("optional_number=0", {"optionalNumber": 0}),
    "oneof": ("word=a", {"word": "a"}),
}


@pytest.mark.parametrize(("query", "expected"), FIELDS.values(), ids=FIELDS)
def test_query_parameters(gateway, query, expected):
    said = ask(gateway, "GET", f"{MIRROR}?{query}")
    assert (said.status, said.json) == (200, expected)


PATHS = {
    "decoded in one segment": ("p%2Fq", "p/q"),
    "plus stays": ("a+b%20c%2Bd", "a+b c+d"),
    "UTF-8": ("%F0%9F%8C%8D", "🌍"),
}


@pytest.mark.parametrize(("segment", "text"), PATHS.values(), ids=PATHS)
def test_segments(gateway, segment, text):
    said = ask(gateway, "POST", f"{MIRROR}/{segment}/1.5?word=w", {"text": "inner"})
    expected = {"text": text, "nested": {"width": 1.5}, "child": {"text": "inner"}, "word": "w"}
    assert (said.status, said.json) == (200, expected)


def test_slashes_stay_encoded_where_a_variable_has_many_segments(gateway):
    said = ask(gateway, "GET", "/v1/categories/science%2Fbiology")
    assert (said.status, said.json["message"]) == (404, "there is no category science%2Fbiology")


REFUSED: dict[str, tuple[str, str, Any, int, str]] = {
    "unknown parameter": ("GET", f"{MIRROR}?nope=1", None, 400, "nope"),
    "unknown nested parameter": ("GET", f"{MIRROR}?nested.nope=1", None, 400, "nope"),
    "a message as parameter": ("GET", f"{MIRROR}?nested=1", None, 400, "nested"),
    "a struct as parameter": ("GET", f"{MIRROR}?object=x", None, 400, "object"),
    "a map as parameter": ("GET", f"{MIRROR}?labels.a=b", None, 400, "LabelsEntry"),
    "no such enum value": ("GET", f"{MIRROR}?genre=NOPE", None, 400, "genre"),
    "no number": ("GET", f"{MIRROR}?int32_value=many", None, 400, "int32_value"),
    "two of a oneof": ("GET", f"{MIRROR}?word=a&amount=5", None, 400, "choice"),
    "a segment of the wrong type": ("POST", f"{MIRROR}/a/wide", {}, 400, "nested.width"),
    "no such path": ("GET", "/v1/nope", None, 404, "/v1/nope"),
    "no such verb": ("PUT", "/v1/shelves", {}, 404, "/v1/shelves"),
    "no such custom verb": ("POST", "/v1/shelves/1:nope", {}, 404, ":nope"),
    "the body contradicts the path": (
        "POST", "/v1/shelves/2/books/1:lend", {"reader": "Ada", "name": "shelves/9/books/9"}, 400, "conflicting",
    ),
    "the server's own": ("GET", "/v1/shelves/9", None, 404, "there is no shelves/9"),
}  # fmt: skip


@pytest.mark.parametrize(("verb", "path", "body", "status", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(gateway, verb, path, body, status, says):
    said = ask(gateway, verb, path, body)
    assert (said.status, said.kind) == (status, "application/json")
    assert says in said.json["message"]


def test_the_path_wins_in_the_adapter(gateway):
    said = ask(gateway, "PATCH", "/v1/shelves/1/books/2", {"name": "shelves/2/books/1", "pages": 281})
    assert (said.json["name"], said.json["pages"]) == ("shelves/1/books/2", 281)


@pytest.mark.parametrize("query", ["name=shelves/2", "n%61me=shelves/2", "x=1&name=shelves%2F2", "%6eame=shelves/2"])
def test_a_query_never_replaces_what_the_path_says(gateway, query):
    said = ask(gateway, "GET", f"/v1/shelves/1?{query}")
    assert said.status != 200 or json.loads(said.body)["name"] == "shelves/1", said


def test_http_bodies(gateway):
    assert ask(gateway, "GET", "/v1/shelves/1/books/2/cover").kind == "image/svg+xml"
    assert ask(gateway, "PUT", "/v1/shelves/1/books/2/cover", b"\x89PNG\x00", "image/png").json == {}
    assert ask(gateway, "GET", "/v1/shelves/1/books/2/cover") == (200, "image/png", b"\x89PNG\x00")
    assert ask(gateway, "POST", "/v1/trials/body", b"\x00\xff", "x/y") == (200, "x/y", b"\x00\xff")


def test_http_bodies_in_pieces(gateway):
    large = b"line\n" * 100_000
    said = ask(gateway, "PUT", "/v1/shelves/1/books/2/text", large, "text/plain")
    assert int(said.json["bytes"]) == len(large)
    read = ask(gateway, "GET", "/v1/shelves/1/books/2/text")
    assert (read.kind.partition(";")[0], read.body) == ("text/plain", large)


class FailsAtOnce(grpc.GenericRpcHandler):
    """Fails as most servers do: headers that are trailers, and nothing before them."""

    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(lambda _, call: call.abort(grpc.StatusCode.NOT_FOUND, "not here"))


@pytest.mark.parametrize("kind", ["application/json", "application/proto"])
def test_a_failure_without_anything_before_is_no_success(tmp_path: Path, kind: str):
    protoset = tmp_path / "library.binpb"
    protoset.write_bytes(FileDescriptorSet(file=library.compiled().files).SerializeToString())
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((FailsAtOnce(),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with Gateway([], {}, address, "--protoset", str(protoset), "--explorer-port", "0") as failing:
            path = "/library.v1.TrialService/Mirror"
            said = ask_with_body(
                failing.http_port, "any", path, b"{}" if "json" in kind else b"", {"content-type": kind}
            )
    finally:
        server.stop(0).wait()
    assert (said.status, json.loads(said.body)["message"]) == (404, "not here")
