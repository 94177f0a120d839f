"""HTTP requests to messages and back, against protobuf's own JSON mapping and by tables."""

import base64
import json
from typing import Any

import pytest
from adapters import library_schema
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.schema import descriptors
from isthmus.schema.bindings import Bindings, Match, NotAllowedError
from isthmus.schema.codec import Codec, Options, options_of
from isthmus.schema.model import Binding
from isthmus.schema.query import parameters
from isthmus.schema.status import RefusedError
from isthmus.schema.transcoding import Answers, Raw, Requests

SCHEMA = library_schema()
POOL = descriptors.load(SCHEMA.descriptor_set)
BINDINGS = Bindings(SCHEMA)
EVERYTHING = "library.v1.Everything"


def request(target: str, verb: str = "GET", body: bytes | None = None, options: Options | None = None) -> Any:
    """The message that a request becomes, as protobuf prints it."""
    path, _, query = target.partition("?")
    match = BINDINGS.find(verb, path)
    codec = Codec(POOL, options or Options())
    requests = Requests(codec, match, parameters(query))
    data = requests.empty() if body is None else requests.from_json(body)
    return json_format.MessageToDict(codec.parse(data, match.method.input), descriptor_pool=POOL)


def refused(*args: Any, **how: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        request(*args, **how)
    assert caught.value.status.code == 3
    return str(caught.value)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("text=a+b%2Bc%20%C3%BC", {"text": "a b+c ü"}, id="plus-is-a-space"),
        pytest.param(
            "int64_value=-5&uint64Value=18446744073709551615",
            {"int64Value": "-5", "uint64Value": str(2**64 - 1)},
            id="both-names",
        ),
        pytest.param(
            "bool_value=true&double_value=NaN&float_value=1e3",
            {"boolValue": True, "doubleValue": "NaN", "floatValue": 1000.0},
            id="scalars",
        ),
        pytest.param(
            "nested.width=1.5&child.child.text=x",
            {"nested": {"width": 1.5}, "child": {"child": {"text": "x"}}},
            id="nested",
        ),
        pytest.param("numbers=1&texts=a&numbers=2&texts=", {"numbers": ["1", "2"], "texts": ["a", ""]}, id="repeated"),
        pytest.param(
            "genre=POETRY&genres=1&genres=SCIENCE", {"genre": "POETRY", "genres": ["FICTION", "SCIENCE"]}, id="enums"
        ),
        pytest.param(
            "time=2020-01-02T03:04:05Z&span=1.500s", {"time": "2020-01-02T03:04:05Z", "span": "1.500s"}, id="times"
        ),
        pytest.param(
            "times=2020-01-02T03:04:05Z&times=2021-01-02T03:04:05Z",
            {"times": ["2020-01-02T03:04:05Z", "2021-01-02T03:04:05Z"]},
            id="repeated-time",
        ),
        pytest.param("mask=a_b.c,dE", {"mask": "aB.c,dE"}, id="field-mask-in-either-spelling"),
        pytest.param(
            "boolWrapper=false&int64Wrapper=7&stringWrapper=s&bytesWrapper=aGk",
            {"boolWrapper": False, "int64Wrapper": "7", "stringWrapper": "s", "bytesWrapper": "aGk="},
            id="wrappers",
        ),
        pytest.param("data=-_8%3D", {"data": "+/8="}, id="bytes-url-safe"),
        pytest.param("optional_number=0&word=", {"optionalNumber": 0, "word": ""}, id="presence"),
        pytest.param("renamed=x&original_name=y".partition("&")[0], {"renamed": "x"}, id="json-name"),
        pytest.param("area.width=2", {"area": {"width": 2.0}}, id="oneof-message"),
    ],
)
def test_query(query: str, expected: Any) -> None:
    assert request(f"/v1/trials/mirror?{query}") == expected


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("nope=1", "'nope'"),
        ("nested.nope=1", "'nested.nope'"),
        ("text.x=1", "'text.x'"),
        ("text=a&text=b", "'text'"),
        ("int32_value=x", "'int32_value'"),
        ("int32_value=2147483648", "'int32_value'"),
        ("int32_value=", "'int32_value'"),
        ("bool_value=1", "'bool_value'"),
        ("genre=NOPE", "'genre'"),
        ("time=yesterday", "'time'"),
        ("span=3", "'span'"),
        ("object=x", "google.protobuf.Struct"),
        ("value=1", "google.protobuf.Value"),
        ("list=1", "ListValue"),
        ("any=1", "Any"),
        ("labels=1", "a map"),
        ("labels.a=1", "'labels.a'"),
        ("child=x", "library.v1.Everything"),
        ("times.seconds=1", "'times.seconds'"),
        ("word=a&amount=1", "exclude each other"),
        ("text=%ff", "UTF-8"),
    ],
)
def test_a_wrong_parameter_is_named(query: str, named: str) -> None:
    assert named in refused(f"/v1/trials/mirror?{query}")


def test_unknown_names_pass_where_that_is_allowed() -> None:
    lenient = options_of("allow-unknown, preserve-names,nonsense")
    assert lenient == Options(allow_unknown=True, preserve_names=True)
    assert request("/v1/trials/mirror?nope=1&text=a", options=lenient) == {"text": "a"}
    assert request("/v1/trials/mirror", "POST", b'{"nope":1,"text":"a"}', options=lenient) == {"text": "a"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param(b"{", "line 1 column 2", id="place"),
        pytest.param(b'{"text":"a",\n"text" 1}', "line 2 column 8", id="place-by-line"),
        pytest.param(b'{"nope":1}', '"nope"', id="unknown"),
        pytest.param(b'{"child":{"nested":{"width":"x"}}}', "child.nested.width", id="path-of-a-number"),
        pytest.param(b'{"child":{"int32Value":"x"}}', "child.int32Value: expected an integer, found 'x'", id="integer"),
        pytest.param(b'{"child":{"text":1}}', "child.text: expected a string, found a number", id="path-of-a-text"),
        pytest.param(b'{"texts":"a"}', "texts", id="no-list"),
        pytest.param(b'{"time":"x"}', "Everything.time", id="time"),
        pytest.param(b'{"genre":"NOPE"}', "NOPE", id="enum"),
        pytest.param(b'{"text":"a","text":"b"}', "twice", id="twice"),
        pytest.param(b"[]", "Everything", id="array-for-a-message"),
        pytest.param(b'"x"', "Everything", id="text-for-a-message"),
        pytest.param(b'{"child":{"child":[]}}', "child.child: expected an object, found a list", id="inner-array"),
        pytest.param(b'{"measures":{"a":""}}', "measures[a]: expected an object, found a text", id="text-in-a-map"),
        pytest.param(b'{"sizes":[{},[]]}', "sizes[1]", id="array-in-a-list"),
        pytest.param(b"\xff", "UTF-8", id="not-utf-8"),
        pytest.param(b"[" * 100_000, "bad JSON", id="deep-text"),
        pytest.param(b'{"child":' * 120 + b"{}" + b"}" * 120, "deep", id="deep-message"),
        pytest.param(b'{"text":"\\ud800"}', "text", id="lone-surrogate"),
        pytest.param(b'{"int64Value":' + b"9" * 5000 + b"}", "bad JSON", id="long-number"),
    ],
)
def test_a_wrong_body_says_where(body: bytes, named: str) -> None:
    assert named in refused("/v1/trials/mirror", "POST", body)


def test_the_path_beats_the_body_and_the_query() -> None:
    target = "/v1/trials/mirror/path/2.5?text=query&int32_value=7&nested.width=9"
    got = request(target, "POST", b'{"text":"inside","int32Value":3}')
    assert got == {
        "text": "path",
        "nested": {"width": 2.5},
        "int32Value": 7,
        "child": {"text": "inside", "int32Value": 3},
    }
    assert "in the body" in refused("/v1/trials/mirror/a/1?child.text=b", "POST", b"{}")


@pytest.mark.parametrize(
    ("target", "body", "mask"),
    [
        (
            "/v1/shelves/1/books/2",
            {"title": "T", "size": {"width": 1}, "loanPeriod": "3s"},
            "title,size.width,loanPeriod",
        ),
        ("/v1/shelves/1/books/2", {"authors": [], "size": {}}, "authors,size"),
        ("/v1/shelves/1/books/2?update_mask=title", {"title": "T", "isbn": "1"}, "title"),
    ],
)
def test_a_patch_without_mask_changes_what_its_body_has(target: str, body: Any, mask: str) -> None:
    got = request(target, "PATCH", json.dumps(body).encode())
    assert (got["updateMask"], got["book"]["name"]) == (mask, "shelves/1/books/2")
    assert "updateMask" not in request(target.partition("?")[0], "PUT", json.dumps(body).encode())


@pytest.mark.parametrize(
    ("verb", "path", "method", "variables"),
    [
        ("GET", "/v1/shelves/1", "GetShelf", {"name": "shelves/1"}),
        ("GET", "/v1/shelves/1:watch", "WatchShelf", {"name": "shelves/1"}),
        ("POST", "/v1/books:add", "AddBooks", {}),
        ("LOCK", "/v1/shelves/1/books/2", "LendBook", {"name": "shelves/1/books/2"}),
        ("GET", "/v1/categories/a/b", "GetCategory", {"path": "a/b"}),
        ("POST", "/library.v1.LibraryService/Ping", "Ping", {}),
    ],
)
def test_find(verb: str, path: str, method: str, variables: dict[str, str]) -> None:
    match = BINDINGS.find(verb, path)
    assert (match.method.name, match.variables) == (method, variables)


def test_what_is_not_served_says_what_is() -> None:
    with pytest.raises(NotAllowedError) as caught:
        BINDINGS.find("PUT", "/v1/shelves/1")
    assert caught.value.allow == ("DELETE", "GET") and caught.value.status.http_status == 405
    with pytest.raises(RefusedError) as missing:
        BINDINGS.find("GET", "/v2/shelves")
    assert missing.value.status.http_status == 404


def _answer(name: str, message: dict[str, Any], response_body: str, options: Options | None = None) -> Any:
    codec = Codec(POOL, options or Options())
    method = next(each for each in SCHEMA.methods if each.output == name)
    match = Match(method, Binding("GET", "/x", "", response_body), {})
    filled = codec.new(name)
    codec.fill(filled, message)
    return json.loads(Answers(codec, match).to_json(filled.SerializeToString()))


@pytest.mark.parametrize(
    ("message", "field", "expected"),
    [
        ({"texts": ["a"]}, "texts", ["a"]),
        ({}, "texts", []),
        ({}, "labels", {}),
        ({"labels": {"a": "b"}}, "labels", {"a": "b"}),
        ({}, "text", ""),
        ({}, "int64_value", "0"),
        ({"nested": {}}, "nested", {}),
        ({}, "nested", None),
        ({}, "time", None),
        ({"genre": "POETRY"}, "genre", "POETRY"),
        ({}, "optional_text", None),
        ({"text": "x"}, "", {"text": "x"}),
    ],
)
def test_one_field_as_the_answer(message: dict[str, Any], field: str, expected: Any) -> None:
    assert _answer(EVERYTHING, message, field) == expected


def test_options_of_printing() -> None:
    chosen = options_of("preserve-names,emit-defaults,enum-numbers")
    printed = _answer(EVERYTHING, {"genre": "POETRY"}, "", chosen)
    assert printed["genre"] == 3 and printed["int64_value"] == "0" and "optional_number" not in printed


def test_a_body_of_any_type() -> None:
    match = BINDINGS.find("PUT", "/v1/shelves/1/books/2/cover")
    codec = Codec(POOL, Options())
    requests = Requests(codec, match, ())
    message: Any = codec.parse(requests.from_raw(Raw("image/png", b"\x89")), match.method.input)
    assert requests.http_body
    assert (message.name, message.cover.content_type, message.cover.data) == ("shelves/1/books/2", "image/png", b"\x89")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "text": NAMES,
    "int64Value": st.integers(-(2**63), 2**63 - 1).map(str),
    "uint32Value": st.integers(0, 2**32 - 1),
    "doubleValue": st.floats(allow_nan=False, allow_infinity=False),
    "boolValue": st.booleans(),
    "genre": st.sampled_from(["FICTION", 2, "GENRE_UNSPECIFIED"]),
    "data": st.binary(max_size=6).map(lambda data: base64.b64encode(data).decode()),
    "texts": st.lists(NAMES, max_size=3),
    "labels": st.dictionaries(NAMES, NAMES, max_size=3),
    "flags": st.dictionaries(st.integers(-5, 5).map(str), st.booleans(), max_size=3),
    "object": st.dictionaries(NAMES, st.none() | st.booleans() | NAMES, max_size=2),
    "time": st.datetimes().map(lambda at: at.isoformat() + "Z"),
    "int64Wrapper": st.integers(0, 9).map(str),
}
MESSAGES = st.recursive(
    st.fixed_dictionaries({}, optional=LEAVES),
    lambda inner: st.builds(
        lambda outer, child: {**outer, "child": child}, st.fixed_dictionaries({}, optional=LEAVES), inner
    ),
    max_leaves=3,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES)
def test_as_protobuf_itself_both_ways(value: dict[str, Any]) -> None:
    codec = Codec(POOL, Options())
    text = json.dumps(value)
    expected = codec.new(EVERYTHING)
    json_format.Parse(text, expected, descriptor_pool=POOL)
    match = BINDINGS.find("POST", "/v1/trials/mirror")
    got = codec.parse(Requests(codec, match, ()).from_json(text), EVERYTHING)
    assert got == expected
    printed = json.loads(Answers(codec, match).to_json(got.SerializeToString()))
    assert printed == json_format.MessageToDict(expected, descriptor_pool=POOL)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text().map(str.encode))
def test_noise_is_refused_or_taken(body: bytes) -> None:
    try:
        request("/v1/trials/mirror", "POST", body)
    except RefusedError as error:
        assert error.status.code == 3 and str(error)
