"""OpenAPI documents: valid in every case, and their operations are requests that the gateway takes."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from descriptor_files import a_file, field, get, raw, service
from google.api import field_behavior_pb2, http_pb2
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from random_schemas import schemas

from isthmus.edge.proto_files import compile_protos
from isthmus.schema import descriptors
from isthmus.schema.bindings import Bindings
from isthmus.schema.codec import Codec, Options
from isthmus.schema.model import Schema
from isthmus.schema.openapi import openapi
from isthmus.schema.openapi_paths import OTHER_METHODS
from isthmus.schema.plan import make_schema
from isthmus.schema.transcoding import Requests

ROOT = Path(__file__).parents[3]
URL = "http://127.0.0.1:8080"
VERBS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
Document = dict[str, Any]


@functools.cache
def trials() -> Schema:
    return make_schema(compile_protos(["trials.proto"], [str(ROOT / "examples" / "grpc")]))


def valid(schema: Schema, **how: Any) -> Document:
    made: Document = openapi(schema, **{"title": "Test", "server_url": URL, **how})
    OpenAPIV31SpecValidator(made).validate()
    assert json.loads(json.dumps(made)) == made
    return made


@functools.cache
def library() -> Document:
    return valid(trials())


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """(path, verb, operation), those of verbs that OpenAPI does not know too."""
    for path, item in document["paths"].items():
        for verb in VERBS:
            if verb in item:
                yield path, verb.upper(), item[verb]
        for verb, found in item.get(OTHER_METHODS, {}).items():
            yield path, verb, found


def operation(path: str, verb: str, document: Document | None = None) -> Document:
    return next(found for p, v, found in operations(document or library()) if (p, v) == (path, verb))


def parameters(found: Document, where: str) -> dict[str, Document]:
    return {each["name"]: each for each in found.get("parameters", []) if each["in"] == where}


def small(rules: dict[str, http_pb2.HttpRule | None], name: str = "S", package: str = "p") -> Schema:
    """A service whose methods take a message with `name`, `count` and `inner.name`."""
    file = a_file(f"{package}.proto", imports=["google/api/annotations.proto"])
    message = file.message_type.add(name="M")
    field(message, "name")
    field(message, "count", "int32")
    field(message, "inner", f".{package}.Inner")
    field(file.message_type.add(name="Inner"), "name")
    schema = make_schema(raw(service(file, name, rules)))
    assert not schema.problems
    return schema


def checker(document: Document, schema: Document) -> Draft202012Validator:
    """A validator for a schema inside of a document."""
    return Draft202012Validator({**schema, "components": document["components"]})


@pytest.mark.parametrize("name", ["echo", "library", "trials"])
def test_examples_are_valid(name: str) -> None:
    valid(make_schema(compile_protos([f"{name}.proto"], [str(ROOT / "examples" / "grpc")])))


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(schemas())
def test_any_schema_makes_a_valid_document(schema: Schema) -> None:
    valid(schema)


def test_every_rule_of_every_method_has_its_operation() -> None:
    found = list(operations(library()))
    assert len(found) == sum(len(method.bindings) for method in trials().methods)
    assert {each["x-isthmus-rpc"]["method"] for _, _, each in found} == {method.path for method in trials().methods}
    ids = [each["operationId"] for _, _, each in found]
    assert len(set(ids)) == len(ids)


def test_a_filled_path_leads_to_its_method() -> None:
    bindings = Bindings(trials())
    for path, verb, found in operations(library()):
        filled = path.partition("#")[0]
        for name, each in parameters(found, "path").items():
            filled = filled.replace(f"{{{name}}}", str(each["example"]))
        assert "{" not in filled
        assert bindings.find(verb, filled).method.path == found["x-isthmus-rpc"]["method"]


def test_examples_of_bodies_are_what_they_illustrate_and_are_taken() -> None:
    pool, bindings, seen = descriptors.load(trials().descriptor_set), Bindings(trials()), 0
    for path, verb, found in operations(library()):
        body = found.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            continue
        assert not list(checker(library(), body["schema"]).iter_errors(body["example"]))
        filled = re.sub(r"{[^}]*}", "1", path)
        match = bindings.find(verb, filled)
        example = body["example"][0] if match.method.client_streaming else body["example"]
        assert Requests(Codec(pool, Options()), match, []).from_json(json.dumps(example)) or example == {}
        seen += 1
    assert seen > 30


def test_examples_of_parameters_fit_them() -> None:
    for _, _, found in operations(library()):
        for each in parameters(found, "path").values():
            assert not list(checker(library(), each["schema"]).iter_errors(each["example"]))


def test_a_variable_of_several_segments_is_several_parameters() -> None:
    found = operation("/v1/shelves/{name.shelves}/books/{name.books}:lend", "POST")
    assert list(parameters(found, "path")) == ["name.shelves", "name.books"]
    assert parameters(found, "path")["name.books"] == {
        "name": "name.books",
        "in": "path",
        "required": True,
        "description": "Part of `name`, which becomes `shelves/{name.shelves}/books/{name.books}`.",
        "schema": {"type": "string", "pattern": "^[^/]+$"},
        "example": "1",
    }
    body = found["requestBody"]["content"]["application/json"]["schema"]
    assert list(body["properties"]) == ["reader"], "the path's field is not in the body"


def test_the_rest_of_a_path() -> None:
    rest = parameters(operation("/v1/categories/{path}", "GET"), "path")["path"]
    assert rest["x-multi-segment"] is True
    assert "slashes" in rest["description"]
    assert rest["schema"] == {"type": "string"}


def test_a_single_variable_has_the_kind_of_its_field() -> None:
    found = parameters(operation("/v1/trials/mirror/{text}/{nested.width}", "POST"), "path")
    assert found["nested.width"]["schema"]["format"] == "double"
    assert found["nested.width"]["example"] == 1.5
    assert found["text"]["schema"] == {"type": "string"}


def test_query_parameters_are_the_fields_that_are_left() -> None:
    found = parameters(operation("/v1/shelves/{parent.shelves}/books", "GET"), "query")
    assert list(found) == [
        "filter.genres", "filter.author", "filter.createdAfter", "filter.loanAtMost", "filter.lent",
        "filter.pages.least", "filter.pages.most", "pageSize", "pageToken", "order",
    ]  # fmt: skip
    genres = found["filter.genres"]
    assert (genres["style"], genres["explode"]) == ("form", True)
    assert genres["schema"] == {"type": "array", "items": {"$ref": "#/components/schemas/library.v1.Genre"}}
    assert found["filter.createdAfter"]["schema"]["format"] == "date-time"
    assert found["filter.lent"]["schema"] == {"type": "boolean"}
    assert found["pageSize"]["description"] == "50 when it is 0."
    other = parameters(operation("/v1/books", "GET"), "query")
    assert list(other) == ["parent", *found], "the rule without the variable asks for it"


def test_what_has_no_text_is_no_query_parameter_and_recursion_ends() -> None:
    found = set(parameters(operation("/v1/trials/mirror", "GET"), "query"))
    assert {"nested.width", "texts", "times", "mask", "int64Wrapper", "renamed", "optionalNumber", "data"} <= found
    without = {"object", "value", "list", "any", "labels", "flags", "sizes", "child", "null", "nothing"}
    assert not {name.partition(".")[0] for name in found} & without
    choice = parameters(operation("/v1/trials/mirror", "GET"), "query")["area.width"]
    assert choice["description"] == "At most one of `word`, `amount`, `area`, `nothing`."


def test_a_body_of_one_field_leaves_the_others_to_the_query() -> None:
    found = operation("/v1/trials/mirror/{text}/{nested.width}", "POST")
    schema = found["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {
        "$ref": "#/components/schemas/library.v1.Everything",
        "description": "A message inside one of its own kind.",
    }
    query = parameters(found, "query")
    assert {"nested.height", "genre"} <= set(query)
    assert not {"text", "nested.width", "child.text"} & set(query)


def test_a_patch_says_what_a_missing_mask_means() -> None:
    path = "/v1/shelves/{name.shelves}/books/{name.books}"
    assert "Without it" in parameters(operation(path, "PATCH"), "query")["updateMask"]["description"]
    assert "description" not in parameters(operation(path, "PUT"), "query")["updateMask"]
    body = operation(path, "PATCH")["requestBody"]["content"]["application/json"]["schema"]
    assert "name" not in body["properties"]
    assert "title" in body["properties"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(
            "/v1/shelves/{name.shelves}/books/{name.books}",
            {"$ref": "#/components/schemas/library.v1.Book"},
            id="whole",
        ),
        pytest.param("/v1/shelves/{name.shelves}/books/{name.books}/title", {"type": "string"}, id="a-field"),
        pytest.param("/v1/authors", {"type": "array", "items": {"type": "string"}}, id="a-repeated-field"),
    ],
)
def test_response_body(path: str, expected: Document) -> None:
    assert operation(path, "GET")["responses"]["200"]["content"] == {"application/json": {"schema": expected}}


def test_bodies_of_any_type() -> None:
    path = "/v1/shelves/{name.shelves}/books/{name.books}/cover"
    down = operation(path, "GET")["responses"]["200"]["content"]
    assert list(down) == ["*/*"]
    assert down["*/*"]["schema"]["format"] == "binary"
    up = operation(path, "PUT")["requestBody"]["content"]
    assert list(up) == ["application/octet-stream", "*/*"]
    streamed = operation("/v1/shelves/{name.shelves}/books/{name.books}/text", "GET")["responses"]["200"]
    assert list(streamed["content"]) == ["*/*"]


def test_server_streams() -> None:
    found = operation("/v1/shelves/{name.shelves}:watch", "GET")
    content = found["responses"]["200"]["content"]
    assert list(content) == ["application/json", "application/x-ndjson", "text/event-stream"]
    array = checker(library(), content["application/json"]["schema"])
    assert array.is_valid([{"kind": "ADDED"}, {"error": {"code": 5, "message": "gone", "details": []}}])
    assert not array.is_valid({"kind": "ADDED"})
    assert content["text/event-stream"]["schema"] == {"$ref": "#/components/schemas/library.v1.BookEvent"}
    assert found["x-isthmus-rpc"] == {
        "method": "/library.v1.LibraryService/WatchShelf",
        "streaming": "server",
        "websocket": "ws://127.0.0.1:8080/library.v1.LibraryService/WatchShelf",
    }
    assert "ws://127.0.0.1:8080/library.v1.LibraryService/WatchShelf" in found["description"]


@pytest.mark.parametrize(("path", "kind"), [("/v1/trials/sum", "client"), ("/v1/trials/bounce", "bidirectional")])
def test_client_streams(path: str, kind: str) -> None:
    found = operation(path, "POST")
    content = found["requestBody"]["content"]
    item = {"$ref": "#/components/schemas/library.v1.Tick"}
    assert content["application/json"]["schema"] == {"type": "array", "items": item}
    assert content["application/x-ndjson"]["schema"] == item
    assert found["x-isthmus-rpc"]["streaming"] == kind


def test_errors() -> None:
    for _, _, found in operations(library()):
        assert found["responses"]["default"] == {"$ref": "#/components/responses/Error"}
    error = library()["components"]["responses"]["Error"]
    assert error["x-grpc-http-status"]["FAILED_PRECONDITION"] == 400
    assert "| 404 | NOT_FOUND | 5 |" in error["description"]
    schema = checker(library(), error["content"]["application/json"]["schema"])
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "x"}
    assert schema.is_valid({"code": 5, "message": "no such book", "details": [detail]})
    assert not schema.is_valid({"code": "five"})


def test_verbs_that_openapi_has_no_name_for() -> None:
    item = library()["paths"]["/v1/shelves/{name.shelves}/books/{name.books}"]
    lock = item[OTHER_METHODS]["LOCK"]
    assert lock["operationId"] == "LibraryService_LendBook_2"
    assert "The HTTP method is `LOCK`." in lock["description"]
    assert "LOCK" in item["description"]
    any_verb = valid(small({"Do": http_pb2.HttpRule(custom=http_pb2.CustomHttpPattern(kind="*", path="/v1/any"))}))
    assert "Any HTTP method does." in any_verb["paths"]["/v1/any"][OTHER_METHODS]["*"]["description"]


def test_comments_and_deprecation() -> None:
    found = operation("/v1/shelves/{name.shelves}", "DELETE")
    assert found["summary"] == "Removes a shelf"
    assert found["description"] == "Removes a shelf. One that holds books is refused, unless `force` is given."
    assert operation("/v1/find", "GET")["deprecated"] is True
    assert library()["tags"][0] == {"name": "library.v1.LibraryService", "description": "Keeps books on shelves."}


def test_rpc_paths_are_apart_unless_there_is_nothing_else() -> None:
    rpc = "library.v1.LibraryService (RPC paths)"
    assert operation("/library.v1.LibraryService/GetBook", "POST")["tags"] == [rpc]
    assert operation("/library.v1.LibraryService/Ping", "POST")["tags"] == ["library.v1.LibraryService"]
    assert [tag["name"] for tag in library()["tags"]] == [
        "library.v1.LibraryService", "library.v1.TrialService", rpc, "library.v1.TrialService (RPC paths)",
    ]  # fmt: skip
    plain = valid(small({"Do": None}))
    assert [tag["name"] for tag in plain["tags"]] == ["p.S"]


def test_one_service() -> None:
    found = valid(trials(), services=["library.v1.TrialService"])
    assert {each["tags"][0].split(" ")[0] for _, _, each in operations(found)} == {"library.v1.TrialService"}
    same = {(path, verb): each["operationId"] for path, verb, each in operations(library())}
    assert all(same[path, verb] == each["operationId"] for path, verb, each in operations(found))
    assert "library.v1.Shelf" not in found["components"]["schemas"], "only what is needed"
    assert "library.v1.Tick" in found["components"]["schemas"]


def test_names_as_in_the_file() -> None:
    found = valid(trials(), preserve_names=True)
    assert "page_size" in parameters(operation("/v1/books", "GET", found), "query")
    body = operation("/v1/trials/mirror", "POST", found)["requestBody"]["content"]["application/json"]
    assert {"double_value", "int32_value"} <= set(body["example"])


def test_paths_that_differ_only_in_names_are_one() -> None:
    rules = {
        "Get": get("/v1/{name=things/*}"),
        "Delete": http_pb2.HttpRule(delete="/v1/{inner.name=things/*}"),
        "Deep": get("/v1/things/{name=**}"),
    }
    found = valid(small(rules))
    assert [path for path in found["paths"] if path.startswith("/v1")] == [
        "/v1/things/{name.things}",
        "/v1/things/{name}#S_Deep",
    ]
    delete = operation("/v1/things/{name.things}", "DELETE", found)
    assert "Part of `inner.name`" in parameters(delete, "path")["name.things"]["description"]
    assert list(parameters(delete, "query")) == ["name", "count"]


def test_names_of_parameters_never_clash() -> None:
    found = valid(small({"Do": get("/v1/{name=a/*/a/*/*/*}/*/b/{inner.name}:go")}))
    path = next(path for path in found["paths"] if path.startswith("/v1"))
    assert path == "/v1/a/{name.a}/a/{name.a.2}/{name.5}/{name.6}/{segment8}/b/{inner.name}:go"
    assert "fills no field" in parameters(operation(path, "GET", found), "path")["segment8"]["description"]


def test_odd_json_names_do_not_break_paths() -> None:
    file = a_file("p.proto", imports=["google/api/annotations.proto"])
    field(file.message_type.add(name="M"), "name").json_name = "a}{!r:x}"
    found = valid(make_schema(raw(service(file, "S", {"Do": get("/v1/{name}")}))))
    assert "/v1/{a___r_x_}" in found["paths"]


def test_services_of_one_name_have_different_ids() -> None:
    both = make_schema(raw(*(service(a_file(f"{p}.proto"), "S", {"Do": None, "A_B": None}) for p in ("p", "q"))))
    ids = {each["operationId"] for _, _, each in operations(valid(both))}
    assert ids == {"p_S_Do_rpc", "q_S_Do_rpc", "p_S_A_B_rpc", "q_S_A_B_rpc"}
    file = service(a_file("p.proto"), "S", {"A_B": None})
    clash = make_schema(raw(service(file, "S_A", {"B": None})))
    assert {each["operationId"] for _, _, each in operations(valid(clash))} == {"S_A_B_rpc", "S_A_B_rpc_2"}


def test_what_an_api_requires_of_requests() -> None:
    file = a_file("p.proto", imports=["google/api/annotations.proto", "google/api/field_behavior.proto"])
    made = field(file.message_type.add(name="M"), "name")
    made.options.Extensions[field_behavior_pb2.field_behavior].append(field_behavior_pb2.REQUIRED)
    field(file.message_type[0], "other")
    found = operation("/v1/a", "GET", valid(make_schema(raw(service(file, "S", {"Do": get("/v1/a")})))))
    assert [each.get("required", False) for each in parameters(found, "query").values()] == [True, False]


@pytest.mark.parametrize(
    ("url", "server", "websocket"),
    [
        pytest.param("https://a.example/", "https://a.example", "wss://a.example/p.S/Do", id="https"),
        pytest.param("/", "/", "/p.S/Do", id="relative"),
    ],
)
def test_servers(url: str, server: str, websocket: str) -> None:
    file = service(a_file("p.proto"), "S", {"Do": None})
    file.service[0].method[0].server_streaming = True
    found = valid(make_schema(raw(file)), server_url=url)
    assert found["servers"] == [{"url": server}]
    assert operation("/p.S/Do", "POST", found)["x-isthmus-rpc"]["websocket"] == websocket


def test_messages_as_wide_as_trees_are_cut() -> None:
    file = a_file("p.proto", imports=["google/api/annotations.proto"])
    for level in range(6):
        message = file.message_type.add(name=f"M{level}")
        for index in range(12):
            field(message, f"f{index}", f".p.M{level + 1}")
    field(file.message_type.add(name="M6"), "leaf")
    schema = make_schema(raw(service(file, "S", {"Do": get("/v1/a")}, message="M0")))
    found = operation("/v1/a", "GET", valid(schema))
    assert len(found.get("parameters", [])) <= 200
    assert "There are more query parameters than are listed" in found["description"]


def test_an_empty_schema() -> None:
    assert valid(Schema(b""))["paths"] == {}
