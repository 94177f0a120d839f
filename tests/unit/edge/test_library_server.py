"""The library over real sockets: state, streams, bodies, failures with details, and the next version of its schema."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_servers import library_server
from grpc_status import rpc_status

from isthmus.edge.upstreams import library
from isthmus.edge.upstreams.proto_source import compile_example, examples
from isthmus.schema.mapping import parse_mapping
from isthmus.schema.plan import make_schema


class Client:
    """Calls by method name; requests and answers are JSON objects."""

    def __init__(self, channel: grpc.Channel, schema: str = "v1") -> None:
        self._channel = channel
        self._source = library.compiled(schema)
        services = map(self._source.pool.FindServiceByName, library.SERVICES)
        self._methods = {method.name: method for service in services for method in service.methods}

    def call(self, name: str, *messages: Any, metadata: Any = ()) -> Any:
        """The call itself: a reply or a stream of replies, as messages."""
        method = self._methods[name]
        request, reply = (self._source.message(each.full_name) for each in (method.input_type, method.output_type))
        pool = self._source.pool
        sent: Iterable[Any] = (json_format.ParseDict(each, request(), descriptor_pool=pool) for each in messages)
        kind = f"{_kind(method.client_streaming)}_{_kind(method.server_streaming)}"
        path = f"/{method.containing_service.full_name}/{name}"
        multi = getattr(self._channel, kind)(path, request.SerializeToString, reply.FromString)
        return multi(sent if method.client_streaming else next(iter(sent)), timeout=10, metadata=metadata)

    def ask(self, name: str, /, **fields: Any) -> dict[str, Any]:
        return json_format.MessageToDict(self.call(name, fields))

    def all(self, name: str, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        return [json_format.MessageToDict(each) for each in self.call(name, *messages)]


def _kind(streams: bool) -> str:
    return "stream" if streams else "unary"


@pytest.fixture
def client() -> Iterator[Client]:
    with library_server() as server, grpc.insecure_channel(server.address) as channel:
        yield Client(channel)


def refused(client: Client, name: str, /, **fields: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as failed:
        client.ask(name, **fields)
    return failed.value


def names(answer: dict[str, Any]) -> list[str]:
    return [book["name"].removeprefix("shelves/") for book in answer.get("books", [])]


def test_it_is_the_same_at_every_start() -> None:
    answers = []
    for _ in range(2):
        with library_server() as server, grpc.insecure_channel(server.address) as channel:
            answers.append((Client(channel).ask("ListBooks"), Client(channel).ask("ListShelves")))
    assert answers[0] == answers[1]
    assert len(answers[0][0]["books"]) == 5
    assert answers[0][1]["shelves"][0] == {"name": "shelves/1", "theme": "FICTION", "books": 2}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"parent": "shelves/2"}, ["2/books/1", "2/books/2"], id="shelf"),
        pytest.param({"filter": {"genres": ["POETRY", "SCIENCE"]}}, ["2/books/1", "2/books/2", "3/books/1"], id="any"),
        pytest.param({"filter": {"author": "Ada Lovelace"}}, ["2/books/2"], id="author"),
        pytest.param({"filter": {"lent": True}}, ["2/books/1"], id="wrapper"),
        pytest.param({"filter": {"lent": False, "genres": [2]}}, ["2/books/2"], id="wrapper-of-false"),
        pytest.param({"filter": {"createdAfter": "2024-05-01T14:30:00Z"}}, ["2/books/2", "3/books/1"], id="time"),
        pytest.param({"filter": {"loanAtMost": "60s"}, "parent": "shelves/1"}, ["1/books/2"], id="duration"),
        pytest.param({"filter": {"pages": {"least": 280, "most": 502}}}, ["1/books/2", "2/books/1"], id="nested"),
        pytest.param({"order": "BY_TITLE", "pageSize": 2}, ["1/books/2", "3/books/1"], id="order-and-page"),
    ],
)
def test_books_are_listed_by_filters(client, fields, expected) -> None:
    assert names(client.ask("ListBooks", **fields)) == expected


def test_pages_follow_each_other(client) -> None:
    first = client.ask("ListBooks", pageSize=3)
    second = client.ask("ListBooks", pageSize=3, pageToken=first["nextPageToken"])
    assert len(names(first)) == 3
    assert len(names(second)) == 2
    assert "nextPageToken" not in second
    assert refused(client, "ListBooks", pageToken="x").code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_book_comes_changes_and_goes(client) -> None:
    made = client.ask("CreateBook", parent="shelves/3", book={"title": "Songs", "pages": 9})
    assert made["name"] == "shelves/3/books/2"
    changed = client.ask("UpdateBook", book={"name": made["name"], "title": "Songs!", "isbn": "7"}, updateMask="title")
    assert changed == {**made, "title": "Songs!"}
    replaced = client.ask("UpdateBook", book={"name": made["name"], "title": "Odes", "isbn": "7"})
    assert replaced == {"name": made["name"], "title": "Odes", "isbn": "7", "createTime": made["createTime"]}
    assert client.ask("GetBook", isbn=7) == replaced
    assert client.ask("FindBook", title="odes") == replaced
    assert client.ask("DeleteBook", name=made["name"]) == {}
    assert refused(client, "GetBook", name=made["name"]).code() is grpc.StatusCode.NOT_FOUND


def test_validating_changes_nothing(client) -> None:
    client.ask("CreateBook", parent="shelves/3", book={"title": "x"}, validateOnly=True)
    assert client.ask("GetShelf", name="shelves/3")["books"] == 1


def test_shelves_come_merge_and_go(client) -> None:
    assert client.ask("CreateShelf", shelf={"theme": "ALMANAC"}) == {"name": "shelves/4", "theme": "ALMANAC"}
    assert client.ask("MergeShelves", name="shelves/4", other="shelves/1")["books"] == 2
    assert refused(client, "DeleteShelf", name="shelves/4").code() is grpc.StatusCode.FAILED_PRECONDITION
    assert client.ask("DeleteShelf", name="shelves/4", force=True) == {}
    assert names(client.ask("ListBooks", parent="shelves/1")) == []


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("UpdateBook", {"book": {"name": "shelves/1/books/1"}, "updateMask": "colour"}, "update_mask"),
        ("CreateBook", {"parent": "shelves/1"}, "book.title"),
        ("LendBook", {"name": "shelves/1/books/1"}, "reader"),
        ("MergeShelves", {"name": "shelves/1", "other": "shelves/1"}, "other"),
        ("SetCover", {"name": "shelves/1/books/1"}, "cover"),
        ("Fill", {"size": -1}, "size"),
    ],
)
def test_a_bad_field_is_named_in_a_detail(client, name, fields, field) -> None:
    status = rpc_status.from_call(refused(client, name, **fields))
    bad = error_details_pb2.BadRequest()
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert status.details[0].Unpack(bad)
    assert bad.field_violations[0].field == field


def test_a_book_that_is_lent_is_refused_with_details_of_both_kinds(client) -> None:
    assert client.ask("LendBook", name="shelves/1/books/1", reader="Bo")["loan"]["due"] == "2024-05-15T12:00:00Z"
    status = rpc_status.from_call(refused(client, "LendBook", name="shelves/1/books/1", reader="Cy"))
    assert [each.type_url.rpartition("/")[2] for each in status.details] == [
        "google.rpc.ErrorInfo",
        "library.v1.OutOfStock",
    ]
    own = library.compiled().message("library.v1.OutOfStock").FromString(status.details[1].value)
    assert (own.book, own.lent_to) == ("shelves/1/books/1", "Bo")


def test_categories_hold_categories(client) -> None:
    assert client.ask("GetCategory", path="science/biology") == {"name": "biology", "children": [{"name": "evolution"}]}
    assert [child["name"] for child in client.ask("GetCategory")["children"]] == ["fiction", "science"]
    assert refused(client, "GetCategory", path="science/magic").code() is grpc.StatusCode.NOT_FOUND


def test_bodies_go_down_and_up(client) -> None:
    name = "shelves/1/books/1"
    assert client.ask("GetCover", name=name)["contentType"] == "image/svg+xml"
    client.ask("SetCover", name=name, cover={"contentType": "image/png", "data": "AP8="})
    assert client.ask("GetCover", name=name) == {"contentType": "image/png", "data": "AP8="}
    pieces = [{"name": name, "text": {"data": "T25lCg=="}}, {"text": {"data": "VHdv"}}]
    assert json_format.MessageToDict(client.call("WriteBook", *pieces)) == {"pieces": 2, "bytes": "7"}
    read = list(client.call("ReadBook", {"name": name}))
    assert [(each.content_type, each.data) for each in read] == [
        ("text/plain; charset=utf-8", b"One\n"),
        ("text/plain; charset=utf-8", b"Two"),
    ]


def test_a_watch_shows_what_is_there_and_then_every_change_until_the_caller_goes(client) -> None:
    seen: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    watch = client.call("WatchShelf", {"name": "shelves/3", "follow": True})

    def read() -> None:
        try:
            for event in watch:
                seen.put(json_format.MessageToDict(event))
        except grpc.RpcError as ended:
            seen.put({"kind": ended.code().name})

    reader = threading.Thread(target=read)
    reader.start()
    assert seen.get(timeout=5)["book"]["title"] == "Leaves of Grass"
    client.ask("CreateBook", parent="shelves/1", book={"title": "elsewhere"})
    client.ask("CreateBook", parent="shelves/3", book={"title": "here"})
    client.ask("DeleteBook", name="shelves/3/books/1")
    events = [seen.get(timeout=5) for _ in range(2)]
    assert [(event["kind"], event["book"]["title"]) for event in events] == [
        ("ADDED", "here"),
        ("REMOVED", "Leaves of Grass"),
    ]
    watch.cancel()
    assert seen.get(timeout=5) == {"kind": "CANCELLED"}
    reader.join(5)


def test_without_following_a_watch_ends(client) -> None:
    assert len(client.all("WatchShelf", {"name": "shelves/2"})) == 2
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        client.all("WatchShelf", {"name": "shelves/9"})


def test_books_are_added_by_a_stream_and_discussed_in_one(client) -> None:
    added = client.call("AddBooks", *({"parent": "shelves/3", "book": {"title": title}} for title in "ab"))
    assert list(added.names) == ["shelves/3/books/2", "shelves/3/books/3"]
    remarks = client.call("Discuss", {"text": "Why"}, {"author": "Bo", "failWith": 10})
    assert next(remarks).text == "Why? Go on."
    with pytest.raises(grpc.RpcError, match="Bo ended the discussion") as failed:
        next(remarks)
    assert failed.value.code() is grpc.StatusCode.ABORTED


def test_ping_tells_the_metadata(client) -> None:
    reply = client.call("Ping", {}, metadata=(("x-a", "1"), ("raw-bin", b"\x00")))
    assert reply.served_by == "library-1"
    assert reply.metadata["x-a"] == "1"
    assert "raw-bin" not in reply.metadata


def test_everything_comes_back_as_it_was_sent(client) -> None:
    sent = {
        "int64Value": "-9007199254740993",
        "data": "AP8=",
        "optionalNumber": 0,
        "genres": ["POETRY", "FICTION"],
        "flags": {"-1": True},
        "measures": {"a": {"width": 1.5}},
        "area": {"height": 2.0},
        "time": "2024-01-02T03:04:05.000000006Z",
        "mask": "textValue,nested.width",
        "object": {"a": [None, {"b": True}]},
        "any": {"@type": "type.googleapis.com/library.v1.Book.Size", "width": 3.0},
        "boolWrapper": False,
        "child": {"child": {"text": "deep"}},
        "renamed": "x",
    }
    source = library.compiled()
    expected = json_format.ParseDict(sent, source.message("library.v1.Everything")(), descriptor_pool=source.pool)
    answer = client.call("Mirror", sent)
    assert answer.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
    assert json_format.MessageToDict(answer, descriptor_pool=source.pool) == sent


@pytest.mark.parametrize("code", range(1, 17))
def test_it_fails_with_every_status(client, code: int) -> None:
    failed = refused(client, "Fail", failWith=code)
    assert failed.code().value[0] == code
    assert failed.details() == f"asked to fail with {code}"
    assert rpc_status.from_call(failed) is None


def test_it_fails_with_the_details_that_were_asked_for_and_echoes_metadata(client) -> None:
    trouble = {"failWith": 5, "message": "no", "details": ["ERROR_INFO", "RETRY_INFO", "UNKNOWN", 99]}
    with pytest.raises(grpc.RpcError) as failed:
        client.call("Fail", trouble, metadata=(("x-echo-a", "1"),))
    status = rpc_status.from_call(failed.value)
    assert [each.type_url.rpartition("/")[2] for each in status.details] == [
        "google.rpc.ErrorInfo",
        "google.rpc.RetryInfo",
        "library.v9.Unheard",
    ]
    assert ("x-echo-a", "1") in failed.value.trailing_metadata()
    assert client.ask("Fail") == {}


def test_a_stream_fails_in_the_middle(client) -> None:
    ticks = client.call("Count", {"count": 2, "failWith": 13, "details": ["BAD_REQUEST"]})
    assert [next(ticks).number, next(ticks).number] == [1, 2]
    with pytest.raises(grpc.RpcError) as failed:
        next(ticks)
    assert len(rpc_status.from_call(failed.value).details) == 1


def test_a_slow_stream_lets_go_when_its_caller_does() -> None:
    with library_server() as server, grpc.insecure_channel(server.address) as channel:
        ticks = Client(channel).call("Count", {"count": 2, "delayMs": 600_000})
        ticks.initial_metadata()  # the call runs
        ticks.cancel()
        server.stop(5)  # waits for running calls; the test's own time limit would notice the pause


def test_sums_bounces_and_fills(client) -> None:
    total = client.call("Sum", {"number": 2}, {"number": "40"})
    assert (total.sum, total.count) == (42, 2)
    with pytest.raises(grpc.RpcError, match="asked to fail with 7"):
        client.call("Sum", {"number": 2}, {"failWith": 7})
    assert client.all("Bounce", {"number": 1}, {"number": 2}) == [{"number": "1"}, {"number": "2"}]
    assert len(client.call("Fill", {"size": 100_000}).text) == 100_000
    body = {"contentType": "a/b", "data": "AP8="}
    assert client.ask("MirrorBody", **body) == body


def test_the_second_version_on_the_same_port_has_a_field_a_method_and_a_rule_more() -> None:
    with library_server() as server:
        port = int(server.address.rpartition(":")[2])
        with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
            Client(channel, "v2").ask("CountBooks")
    with library_server(port=port, schema="v2") as server, grpc.insecure_channel(server.address) as channel:
        client = Client(channel, "v2")
        assert client.ask("CountBooks", parent="shelves/1") == {"count": 2}
        made = client.ask("CreateBook", parent="shelves/1", book={"title": "a", "subtitle": "b"})
        assert made["subtitle"] == "b"
    before, after = (_schema(each) for each in ("v1", "v2"))
    assert {method.path for method in after.methods} - {method.path for method in before.methods} == {
        "/library.v1.LibraryService/CountBooks"
    }
    rules = {binding.template for method in after.methods for binding in method.bindings if method.name != "CountBooks"}
    assert rules - {binding.template for method in before.methods for binding in method.bindings} == {"/v1/racks"}


def test_as_a_program_it_takes_a_version_of_its_schema() -> None:
    command = [sys.executable, "-m", "isthmus.edge.upstreams.library", "--schema", "v2", "--exit-with-stdin"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) as running:
        word, _, address = running.stdout.readline().strip().partition(" ")
        assert word == "listening"
        with grpc.insecure_channel(address) as channel:
            assert Client(channel, "v2").ask("CountBooks") == {"count": 5}
        running.stdin.close()
        assert running.wait(timeout=10) == 0
        assert running.stderr.read() == ""


def _schema(version: str, mapping: Any = None) -> Any:
    return make_schema(
        [file.SerializeToString() for file in library.compiled(version).files], rules=mapping and mapping.rules
    )


def test_its_rules_have_every_form_and_no_problem() -> None:
    schema = _schema("v1")
    assert schema.problems == ()
    bindings = [binding for method in schema.methods for binding in method.bindings]
    assert {"GET", "POST", "PUT", "PATCH", "DELETE", "LOCK"} <= {binding.verb for binding in bindings}
    assert {"", "*", "book", "cover"} <= {binding.body for binding in bindings}
    assert {"title", "authors"} <= {binding.response_body for binding in bindings}
    kinds = {(method.client_streaming, method.server_streaming) for method in schema.methods}
    assert len(kinds) == 4
    assert any(method.deprecated for method in schema.methods)
    assert all(method.comment for method in schema.methods)
    (ping,) = (method for method in schema.methods if method.name == "Ping")
    assert [binding.source for binding in ping.bindings] == ["default"]


def test_the_example_of_a_mapping_file_fits_the_library() -> None:
    mapping = parse_mapping((examples() / "http_rules.yaml").read_text(), "http_rules.yaml")
    assert mapping.errors == ()
    schema = _schema("v1", mapping)
    assert schema.problems == ()
    mapped = {method.name for method in schema.methods for binding in method.bindings if binding.source == "mapping"}
    assert mapped == {"Ping", "FindBook", "ListShelves"}


def test_an_example_that_is_missing_is_an_error_with_a_reason(capfd) -> None:
    with pytest.raises(OSError, match="does not compile"):
        compile_example("nothing.proto")
    assert "nothing.proto" in capfd.readouterr().err
