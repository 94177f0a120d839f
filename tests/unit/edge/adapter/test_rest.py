"""REST over the adapter's socket: streams in every format, errors where callers see them, bodies, limits, ends."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from adapters import Running, running


@pytest_asyncio.fixture(scope="module")
async def adapted() -> AsyncIterator[Running]:
    async with running() as found:
        yield found


FAILING = "/v1/trials/count?count=2&fail_with=5&message=gone&details=BAD_REQUEST&details=OUT_OF_STOCK&details=UNKNOWN"
DETAILS = [
    {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": "book.title", "description": "is too long"}],
    },
    {"@type": "type.googleapis.com/library.v1.OutOfStock", "book": "shelves/2/books/1", "lentTo": "Ada"},
    {"@type": "type.googleapis.com/library.v9.Unheard", "value": "CAc="},
]


@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        ("", "application/json", '[{"number":"1"},{"number":"2"}]'),
        ("text/html, */*;q=0.1", "application/json", '[{"number":"1"},{"number":"2"}]'),
        ("application/x-ndjson", "application/x-ndjson", '{"number":"1"}\n{"number":"2"}\n'),
        ("application/json;q=0.5, application/jsonl", "application/x-ndjson", '{"number":"1"}\n{"number":"2"}\n'),
        ("application/json-seq", "application/json-seq", '\x1e{"number":"1"}\n\x1e{"number":"2"}\n'),
        (
            "text/event-stream",
            "text/event-stream",
            'data: {"number":"1"}\n\ndata: {"number":"2"}\n\nevent: end\ndata: {}\n\n',
        ),
    ],
)
async def test_formats_of_a_stream(adapted: Running, accept: str, content_type: str, body: str) -> None:
    async with adapted.http.get("http://x/v1/trials/count?count=2", headers={"accept": accept}) as response:
        assert (response.status, response.headers["content-type"]) == (200, content_type)
        assert await response.text() == body


async def test_an_error_in_the_middle_is_the_last_element(adapted: Running) -> None:
    status, body = await adapted.json("GET", FAILING)
    assert status == 200
    assert body[:2] == [{"number": "1"}, {"number": "2"}]
    assert body[2:] == [{"error": {"code": 5, "message": "gone", "details": DETAILS}}]
    async with adapted.http.get(f"http://x{FAILING}", headers={"accept": "text/event-stream"}) as response:
        events = (await response.text()).split("\n\n")
    name, _, data = events[2].partition("\n")
    assert name == "event: error" and json.loads(data.removeprefix("data: "))["details"] == DETAILS
    assert "event: end" not in events
    async with adapted.http.get(f"http://x{FAILING}", headers={"accept": "application/x-ndjson"}) as response:
        assert json.loads((await response.text()).splitlines()[2])["error"]["code"] == 5


@pytest.mark.parametrize(
    ("verb", "path", "body", "expected"),
    [
        ("GET", "/v1/nothing", None, (404, 5, "/v1/nothing")),
        ("POST", "/v1/trials/count", b"{}", (405, 12, "GET")),
        ("GET", "/v1/trials/count?nope=1", None, (400, 3, "'nope'")),
        ("GET", "/v1/trials/count", b"x", (400, 3, "no body")),
        ("POST", "/v1/trials/sum", b'[{"number":1},{"number":"x"}]', (400, 3, "message 2: number")),
        ("POST", "/v1/trials/sum", b'[{"number":1}', (400, 3, "not closed")),
        ("POST", "/v1/trials/bounce", b'[{"failWith":6}]', (409, 6, "asked to fail")),
        ("POST", "/v1/trials/fail", b'{"failWith":16,"message":"who?"}', (401, 16, "who?")),
        ("GET", "/v1/trials/fill/5000000", None, (429, 8, "larger")),
        ("POST", "/v1/trials/mirror", b'{"text":"' + b"x" * 5_000_000 + b'"}', (413, 8, "larger")),
        ("POST", "/v1/trials/sum", b'[{"number":"' + b"1" * 5_000_000 + b'"}]', (413, 8, "larger")),
    ],
)  # fmt: skip
async def test_errors(
    adapted: Running, verb: str, path: str, body: bytes | None, expected: tuple[int, int, str]
) -> None:
    status, code, words = expected
    got, answer = await adapted.json(verb, path, data=io.BytesIO(body) if body else None)
    assert (got, answer["code"]) == (status, code), answer
    assert words in answer["message"] and isinstance(answer["details"], list)


async def test_headers_of_errors(adapted: Running) -> None:
    async with adapted.http.put("http://x/v1/shelves/1") as response:
        assert (response.status, response.headers["allow"]) == (405, "DELETE, GET")
    status, body = await adapted.json("POST", "/v1/trials/sum", data=b"x", headers={"content-type": "text/xml"})
    assert (status, body["code"]) == (415, 3)
    status, body = await adapted.json("GET", "/v1/trials/count", headers={"x-isthmus-schema": "00ff"})
    assert (status, body["code"]) == (503, 14)


@pytest.mark.parametrize(
    "body", [b'[{"number":1},{"number":"41"}]', b'{"number":40}\n{"number":2}', b'{"number":42}{}']
)
async def test_client_stream(adapted: Running, body: bytes) -> None:
    assert await adapted.json("POST", "/v1/trials/sum", data=body) == (200, {"sum": "42", "count": "2"})
    packed = {"content-encoding": "gzip"}
    assert (await adapted.json("POST", "/v1/trials/sum", data=gzip.compress(body), headers=packed))[0] == 200
    assert await adapted.json("POST", "/library.v1.TrialService/Sum", data=body) == (200, {"sum": "42", "count": "2"})


async def test_bodies_that_lie_about_their_compression(adapted: Running) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    for data, status in ((b"{}", 400), (gzip.compress(b'{"text":"abcdef"}')[:-9], 400), (bomb, 413)):
        got, _ = await adapted.json("POST", "/v1/trials/mirror", data=data, headers={"content-encoding": "gzip"})
        assert got == status
    got, body = await adapted.json("POST", "/v1/trials/mirror", data=b"{}", headers={"content-encoding": "zstd"})
    assert (got, body["code"]) == (501, 12)


async def test_both_sides_stream_at_once(adapted: Running) -> None:
    sent: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while (data := await sent.get()) is not None:
            yield data

    sent.put_nowait(b'[{"number":1}')
    async with adapted.http.post("http://x/v1/trials/bounce", data=body()) as response:
        assert await response.content.readuntil(b"}") == b'[{"number":"1"}'
        sent.put_nowait(b',{"number":2}')
        assert await response.content.readuntil(b"}") == b',{"number":"2"}'
        sent.put_nowait(b',{"number":"x"}')
        error = json.loads((await response.content.read()).lstrip(b",").removesuffix(b"]"))
        assert error["error"]["code"] == 3 and "message 3: number" in error["error"]["message"]
        sent.put_nowait(None)


async def test_answers_of_one_field(adapted: Running) -> None:
    status, title = await adapted.json("GET", "/v1/shelves/1/books/1/title")
    assert status == 200 and isinstance(title, str)
    status, authors = await adapted.json("GET", "/v1/authors")
    assert status == 200 and "Herman Melville" in authors


async def test_a_patch_changes_only_what_it_has(adapted: Running) -> None:
    _, before = await adapted.json("GET", "/v1/shelves/1/books/1")
    status, after = await adapted.json("PATCH", "/v1/shelves/1/books/1", json={"pages": 7})
    assert status == 200 and after == {**before, "pages": 7}


async def test_bodies_of_any_type(adapted: Running) -> None:
    async with adapted.http.get("http://x/v1/shelves/1/books/1/text") as response:
        assert response.headers["content-type"].startswith("text/plain")
        assert len((await response.text()).splitlines()) == 3
    put = adapted.http.put("http://x/v1/shelves/1/books/1/text", data=io.BytesIO(b"x" * 2_500_000))
    async with put as response:
        assert (await response.json())["bytes"] == "2500000"
    picture = {"content-type": "image/png"}
    async with adapted.http.put("http://x/v1/shelves/1/books/1/cover", data=b"\x89PNG", headers=picture) as response:
        assert response.status == 200
    async with adapted.http.get("http://x/v1/shelves/1/books/1/cover") as response:
        assert (response.headers["content-type"], await response.read()) == ("image/png", b"\x89PNG")


async def test_headers_and_metadata(adapted: Running) -> None:
    sent = {"Authorization": "Bearer t", "Grpc-Metadata-X-Echo-A": "1", "Cookie": "c=d", "X-Mine": "m"}
    sent |= {"x-isthmus-pass": "x-mine"}
    async with adapted.http.post("http://x/v1/trials/sum", data=b"[]", headers=sent) as response:
        got = response.headers["x-got-metadata"].split(",")
        assert {"authorization", "x-echo-a", "x-mine", "x-isthmus-cluster"} <= set(got) and "cookie" not in got
        assert response.headers["x-echo-a"] == response.headers["grpc-trailer-x-echo-a"] == "1"


async def test_the_deadline(adapted: Running) -> None:
    slow = "/v1/trials/count?delay_ms=30000"
    for header in ({"grpc-timeout": "50m"}, {"x-server-timeout": "0.05"}):
        status, body = await adapted.json("GET", slow, headers=header)
        assert (status, body["code"]) == (504, 4)
    status, _ = await adapted.json("GET", slow, headers={"grpc-timeout": "soon"})
    assert status == 400


async def test_options(adapted: Running) -> None:
    chosen = {"x-isthmus-options": "preserve-names,emit-defaults,enum-numbers,allow-unknown"}
    _, body = await adapted.json("GET", "/v1/trials/mirror?genre=POETRY&nope=1", headers=chosen)
    assert body["genre"] == 3 and body["int64_value"] == "0"


async def test_a_request_that_names_no_schema(adapted: Running) -> None:
    connector = aiohttp.UnixConnector(adapted.orders.listen)
    async with aiohttp.ClientSession(connector=connector) as bare, bare.get("http://x/v1/trials/count") as response:
        assert (response.status, (await response.json())["code"]) == (503, 14)
