"""Sample messages and command lines: they parse, they do what their rule says, and a shell takes them as they are."""

from __future__ import annotations

import functools
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from adapters import library_schema
from descriptor_files import a_file, field, get, raw, service
from google.api import http_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from random_schemas import schemas

from isthmus.schema import descriptors, samples
from isthmus.schema.bindings import Bindings
from isthmus.schema.codec import Codec, Options
from isthmus.schema.json_schema import message_schema
from isthmus.schema.model import Binding, Method, Schema
from isthmus.schema.plan import make_schema
from isthmus.schema.query import parameters
from isthmus.schema.transcoding import Raw, Requests

BASE = "http://127.0.0.1:8080"


@functools.cache
def library() -> Schema:
    return library_schema()


@functools.cache
def library_pool() -> DescriptorPool:
    return descriptors.load(library().descriptor_set)


RULES = [
    pytest.param(method, binding, id=f"{binding.verb} {binding.template}")
    for method in library().methods
    for binding in method.bindings
]


def method_named(schema: Schema, name: str) -> Method:
    return next(method for method in schema.methods if method.name == name)


def parse(js: Any, descriptor: Descriptor) -> Any:
    message = message_factory.GetMessageClass(descriptor)()
    return json_format.ParseDict(js, message, descriptor_pool=descriptor.file.pool)


class Sent(NamedTuple):
    """What a curl command sends."""

    verb: str
    path: str
    query: str
    headers: dict[str, str]
    body: str | None


def read_curl(line: str) -> Sent:
    words = shlex.split(line)
    assert words[0] == "curl"
    assert words[-1].startswith(BASE + "/")
    path, _, query = words[-1].removeprefix(BASE).partition("?")
    headers, body, verb = {}, None, None
    rest = iter(words[1:-1])
    for word in rest:
        if word in ("-N", "-I"):
            continue
        value = next(rest)
        if word == "-H":
            headers.__setitem__(*value.split(": ", 1))
        elif word in ("-d", "--data-binary", "--json"):
            body = value
        else:
            assert word == "-X"
            verb = value
    return Sent(verb or ("GET" if body is None else "POST"), path, query, headers, body)


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(schemas(), st.sampled_from(["typical", "all"]))
def test_every_sample_parses_and_is_what_its_schema_describes(schema: Schema, fill: Any) -> None:
    pool = descriptors.load(schema.descriptor_set)
    for method in schema.methods:
        descriptor = pool.FindMessageTypeByName(method.input)
        made = samples.sample(descriptor, fill=fill)
        parse(made, descriptor)
        assert not list(Draft202012Validator(message_schema(descriptor)).iter_errors(made))


@pytest.mark.parametrize("fill", ["typical", "all"])
def test_every_sample_of_the_library_parses(fill: Any) -> None:
    for method in library().methods:
        for name in (method.input, method.output):
            descriptor = library_pool().FindMessageTypeByName(name)
            parse(samples.sample(descriptor, fill=fill), descriptor)


def test_all_is_every_field_and_one_of_each_oneof() -> None:
    descriptor = library_pool().FindMessageTypeByName("library.v1.Everything")
    made = samples.sample(descriptor, fill="all")
    assert isinstance(made, dict)
    missing = {f.json_name for f in descriptor.fields} - set(made)
    assert missing == {"amount", "area", "nothing", "child", "null"}  # a oneof's others, recursion, null
    assert made["favourites"] == {"true": "FICTION"}
    assert made["genres"] == ["FICTION"], "the first that means something"


def test_typical_is_what_one_would_type() -> None:
    made = samples.sample(library_pool().FindMessageTypeByName("library.v1.CreateBookRequest"))
    assert made == {
        "parent": "text",
        "book": {
            "name": "World",
            "title": "An example",
            "authors": ["Ada"],
            "genre": "FICTION",
            "createTime": "2026-01-02T03:04:05Z",
            "loanPeriod": "30s",
        },
        "validateOnly": False,
    }
    trouble = samples.sample(library_pool().FindMessageTypeByName("library.v1.Remark"))
    assert trouble == {"author": "Ada", "text": "Hello"}, "it must not fail or wait"


def test_what_is_required_is_there_and_recursion_ends() -> None:
    file = a_file("p.proto", syntax="proto2")
    message = file.message_type.add(name="M")
    for index in range(12):
        field(message, f"f{index}")
    field(message, "needed").label = 2
    field(message, "more_of_it", ".p.M", repeated=True)
    pool = descriptors.load(make_schema(raw(service(file, "S", {"Do": None}))).descriptor_set)
    made = samples.sample(pool.FindMessageTypeByName("p.M"))
    assert isinstance(made, dict)
    assert next(iter(made)) == "needed"
    assert len(made) == 6
    assert "moreOfIt" not in made


def test_wide_and_deep_messages_stay_small() -> None:
    file = a_file("p.proto", syntax="proto2")
    for level in range(9):
        message = file.message_type.add(name=f"M{level}")
        for index in range(10):
            field(message, f"f{index}", f".p.M{level + 1}").label = 2
    file.message_type.add(name="M9")
    schema = make_schema(raw(service(file, "S", {"Do": None}, message="M0")))
    assert not schema.problems
    made = samples.sample(descriptors.load(schema.descriptor_set).FindMessageTypeByName("p.M0"), fill="all")
    assert len(json.dumps(made)) < 20_000


@pytest.mark.parametrize(("method", "binding"), RULES)
def test_a_curl_line_makes_a_request_that_its_rule_takes(method: Method, binding: Binding) -> None:
    sent = read_curl(samples.curl(binding, method, library_pool(), BASE))
    match = Bindings(library()).find(sent.verb, sent.path)
    assert (match.method, match.binding) == (method, binding)
    codec = Codec(library_pool(), Options())
    requests = Requests(codec, match, parameters(sent.query))
    if sent.body is None:
        assert not requests.takes_body
        data = requests.empty()
    elif requests.http_body:
        data = requests.from_raw(Raw(sent.headers["Content-Type"], sent.body.encode()))
    else:
        body = json.loads(sent.body)
        data = requests.from_json(json.dumps(body[0] if method.client_streaming else body))
    message = codec.parse(data, method.input)
    assert message.ByteSize() > 0 or not message.DESCRIPTOR.fields


@pytest.mark.parametrize(
    ("name", "index", "line"),
    [
        pytest.param("GetShelf", 0, f"curl {BASE}/v1/shelves/1", id="variable-of-two-segments"),
        pytest.param("GetCategory", 0, f"curl {BASE}/v1/categories/a/b", id="rest"),
        pytest.param(
            "ListBooks",
            1,
            f"curl '{BASE}/v1/books?pageSize=10&order=BY_TITLE'",
            id="the-other-rules-variable-is-not-asked",
        ),
        pytest.param("DeleteBook", 0, f"curl -X DELETE {BASE}/v1/shelves/1/books/1", id="verb"),
        pytest.param("DeleteShelf", 0, f"curl -X DELETE {BASE}/v1/shelves/1", id="no-force"),
        pytest.param("LendBook", 1, f"curl -X LOCK '{BASE}/v1/shelves/1/books/1?reader=Ada'", id="custom-verb"),
        pytest.param(
            "MergeShelves",
            0,
            f"""curl -H 'Content-Type: application/json' -d '{{"other": "text"}}' {BASE}/v1/shelves/1:merge""",
            id="body-without-path",
        ),
        pytest.param(
            "GetShelf",
            1,
            """curl -H 'Content-Type: application/json' -d '{"name": "shelves/1"}' """
            f"{BASE}/library.v1.LibraryService/GetShelf",
            id="rpc-path-with-a-name-of-the-right-form",
        ),
        pytest.param(
            "WatchShelf",
            0,
            f"curl -N -H 'Accept: application/x-ndjson' {BASE}/v1/shelves/1:watch",
            id="server-stream",
        ),
        pytest.param(
            "Sum",
            0,
            f"""curl -H 'Content-Type: application/json' -d '[{{"number": "1"}}]' {BASE}/v1/trials/sum""",
            id="client-stream",
        ),
        pytest.param("ReadBook", 0, f"curl -N {BASE}/v1/shelves/1/books/1/text", id="stream-of-bytes"),
        pytest.param(
            "SetCover",
            0,
            f"curl -X PUT -H 'Content-Type: text/plain' --data-binary Hello {BASE}/v1/shelves/1/books/1/cover",
            id="bytes",
        ),
    ],
)
def test_curl(name: str, index: int, line: str) -> None:
    method = method_named(library(), name)
    assert samples.curl(method.bindings[index], method, library_pool(), BASE + "/") == line


@pytest.mark.parametrize(
    ("template", "path"),
    [
        pytest.param("/v1/{name}", "/v1/it%27s", id="odd-text"),
        pytest.param("/v1/*/x/{name=a@b/*/**}:go", "/v1/1/x/a@b/1/a/b:go", id="literals-stay"),
        pytest.param("/v1/{flag}/{inner.count}", "/v1/false/3", id="kinds-and-nesting"),
    ],
)
def test_paths(template: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = make_schema(raw(_odd(template)))
    assert not schema.problems
    monkeypatch.setattr(samples.sample_values, "text", lambda _name: "it's")
    method = schema.methods[0]
    sent = read_curl(samples.curl(method.bindings[0], method, descriptors.load(schema.descriptor_set), BASE))
    assert sent.path == path
    assert Bindings(schema).find("GET", sent.path).binding.template == template


def _odd(template: str, verb: str = "get") -> Any:
    file = a_file("p.proto", imports=["google/api/annotations.proto"])
    message = file.message_type.add(name="M")
    field(message, "name").json_name = "it's; $(touch pwned) `touch pwned` \"&?#"
    field(message, "flag", "bool")
    field(message, "inner", ".p.Inner")
    field(file.message_type.add(name="Inner"), "count", "int32")
    return service(file, "S", {"Do": http_pb2.HttpRule(**{verb: template, "body": "" if verb == "get" else "*"})})


@pytest.mark.parametrize("verb", ["get", "post"])
def test_a_shell_takes_every_name_as_text(verb: str, tmp_path: Path) -> None:
    """curl is replaced by a program that prints its arguments; the rest is a real sh."""
    schema = make_schema(raw(_odd("/v1/do", verb)))
    method = schema.methods[0]
    line = samples.curl(method.bindings[0], method, descriptors.load(schema.descriptor_set), BASE)
    (tmp_path / "curl").write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
    (tmp_path / "curl").chmod(0o755)
    ran = subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert ran.stdout.splitlines() == shlex.split(line)[1:]
    assert not ran.stderr
    assert not (tmp_path / "pwned").exists()
    assert "it's; $(touch pwned)" in json.dumps(parameters(read_curl(line).query)) + (read_curl(line).body or "")


def test_what_a_terminal_would_obey_is_escaped() -> None:
    file = a_file("p.proto", imports=["google/api/annotations.proto"])
    field(file.message_type.add(name="M"), "name").json_name = "a\x1b[31m\x9b31m"
    rule = http_pb2.HttpRule(post="/v1/x\x9b", body="*")
    schema = make_schema(raw(service(file, "S", {"Do": rule})))
    method = schema.methods[0]
    line = samples.curl(method.bindings[0], method, descriptors.load(schema.descriptor_set), BASE)
    assert line.isprintable()
    assert json.loads(read_curl(line).body or "") == {"a\x1b[31m\x9b31m": "World"}


def test_connect_is_for_unary_methods() -> None:
    pool = library_pool()
    line = samples.connect(method_named(library(), "GetShelf"), pool, BASE + "/")
    assert line == (
        """curl -H 'Connect-Protocol-Version: 1' --json '{"name": "shelves/1"}' """
        f"{BASE}/library.v1.LibraryService/GetShelf"
    )
    assert samples.connect(method_named(library(), "WatchShelf"), pool, BASE) == ""


def test_grpcurl() -> None:
    method, pool = method_named(library(), "LendBook"), library_pool()
    expected = """-d '{"name": "shelves/1/books/1", "reader": "Ada"}' localhost:1 library.v1.LibraryService/LendBook"""
    assert samples.grpcurl(method, pool, "localhost:1", True) == f"grpcurl -plaintext {expected}"
    assert samples.grpcurl(method, pool, "localhost:1", False) == f"grpcurl {expected}"


@pytest.mark.parametrize("verb", ["HEAD", "*"])
def test_verbs_that_curl_spells_otherwise(verb: str) -> None:
    schema = make_schema(
        raw(service(a_file("p.proto", imports=["google/api/annotations.proto"]), "S", {"Do": get("/v1/a")}))
    )
    method = schema.methods[0]
    line = samples.curl(Binding(verb, "/v1/a"), method, descriptors.load(schema.descriptor_set), BASE)
    assert line == {"HEAD": f"curl -I {BASE}/v1/a", "*": f"curl {BASE}/v1/a"}[verb]
