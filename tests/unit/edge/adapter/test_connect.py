"""Connect over the adapter's socket: one message and streams, JSON and protobuf, GET, errors, metadata, compression."""

import asyncio
import base64
import gzip
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from adapters import Running, running

from isthmus.schema import descriptors
from isthmus.schema.codec import Codec, Options
from isthmus.schema.envelopes import COMPRESSED, END, Envelope, Envelopes, enveloped

TRIALS = "http://x/library.v1.TrialService"
UNARY = {"connect-protocol-version": "1", "content-type": "application/json"}
STREAM = {"connect-protocol-version": "1", "content-type": "application/connect+json"}


@pytest_asyncio.fixture(scope="module")
async def adapted() -> AsyncIterator[Running]:
    async with running() as found:
        yield found


def packed(adapted: Running, name: str, /, **fields: Any) -> bytes:
    codec = Codec(descriptors.load(adapted.schema.descriptor_set), Options())
    message = codec.new(name)
    codec.fill(message, fields)
    return message.SerializeToString()


def opened(data: bytes) -> list[Envelope]:
    reader = Envelopes(10_000_000)
    found = reader.feed(data)
    reader.finish()
    return found


async def stream(adapted: Running, method: str, body: bytes, **headers: str) -> tuple[list[Any], dict[str, Any]]:
    """The messages as JSON, and the last envelope."""
    sent = STREAM | {name.replace("_", "-"): value for name, value in headers.items()}
    async with adapted.http.post(f"{TRIALS}/{method}", data=body, headers=sent) as response:
        assert (response.status, response.headers["content-type"]) == (200, "application/connect+json")
        *messages, last = opened(await response.read())
        assert last.flags & END
        return [json.loads(each.data) for each in messages], json.loads(last.data)


async def test_one_message_in_json(adapted: Running) -> None:
    sent = UNARY | {"x-echo-a": "1", "x-echo-b-bin": "AP8", "cookie": "a=b"}
    async with adapted.http.post(f"{TRIALS}/Mirror", json={"text": "ü", "ignored": 1}, headers=sent) as response:
        assert (response.status, response.headers["content-type"]) == (200, "application/json")
        assert await response.json() == {"text": "ü"}
        assert response.headers["x-echo-a"] == response.headers["trailer-x-echo-a"] == "1"
        assert response.headers["x-echo-b-bin"] == "AP8"
        assert not {"connect-protocol-version", "content-length"} & set(response.headers["x-got-metadata"].split(","))


async def test_one_message_in_protobuf(adapted: Running) -> None:
    body = packed(adapted, "library.v1.Everything", text="x")
    async with adapted.http.post(f"{TRIALS}/Mirror", data=body, headers={"content-type": "application/proto"}) as got:
        assert (got.headers["content-type"], await got.read()) == ("application/proto", body)


async def test_compression(adapted: Running) -> None:
    text = json.dumps({"text": "x" * 5000}).encode()
    sent = UNARY | {"content-encoding": "gzip", "accept-encoding": "gzip"}
    async with adapted.http.post(f"{TRIALS}/Mirror", data=gzip.compress(text), headers=sent) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert json.loads(gzip.decompress(await response.read())) == json.loads(text)
    async with adapted.http.post(f"{TRIALS}/Mirror", data=text, headers=UNARY | {"content-encoding": "br"}) as response:
        assert (response.status, (await response.json())["code"]) == (501, "unimplemented")


@pytest.mark.parametrize(
    ("method", "body", "status", "code"),
    [
        ("Mirror", b"{", 400, "invalid_argument"),
        ("Mirror", b'{"text":1}', 400, "invalid_argument"),
        ("Nope", b"{}", 404, "unimplemented"),
        ("Count", b"{}", 415, "invalid_argument"),
        ("Fail", b'{"failWith":1}', 499, "canceled"),
        ("Fail", b'{"failWith":8}', 429, "resource_exhausted"),
        ("Fill", b'{"size":"5000000"}', 429, "resource_exhausted"),
        ("Mirror", b" " * 5_000_000, 413, "resource_exhausted"),
    ],
)
async def test_errors(adapted: Running, method: str, body: bytes, status: int, code: str) -> None:
    async with adapted.http.post(f"{TRIALS}/{method}", data=io.BytesIO(body), headers=UNARY) as response:
        assert (response.status, (await response.json())["code"]) == (status, code)
        assert response.headers["content-type"].startswith("application/json")


async def test_an_error_with_details(adapted: Running) -> None:
    body = {"failWith": 5, "message": "50 % ü", "details": ["BAD_REQUEST", "UNKNOWN"]}
    async with adapted.http.post(f"{TRIALS}/Fail", json=body, headers=UNARY) as response:
        error = await response.json()
    assert (response.status, error["code"], error["message"]) == (404, "not_found", "50 % ü")
    bad_request, unknown = error["details"]
    assert bad_request["type"] == "google.rpc.BadRequest" and "=" not in bad_request["value"]
    assert bad_request["debug"] == {"fieldViolations": [{"field": "book.title", "description": "is too long"}]}
    assert unknown == {"type": "library.v9.Unheard", "value": "CAc"}


async def test_what_is_wrong_with_the_protocol(adapted: Running) -> None:
    async with adapted.http.post(f"{TRIALS}/Mirror", data=b"{}", headers=UNARY | {"content-type": "text/xml"}) as got:
        assert got.status == 415 and "application/proto" in got.headers["accept-post"]
    async with adapted.http.post(
        f"{TRIALS}/Mirror", data=b"{}", headers=UNARY | {"connect-protocol-version": "2"}
    ) as got:
        assert (got.status, (await got.json())["code"]) == (400, "invalid_argument")
    async with adapted.http.put(f"{TRIALS}/Mirror", data=b"{}", headers=UNARY) as got:
        assert (got.status, got.headers["allow"]) == (405, "POST")
    for value, status in (("soon", 400), ("0", 504)):
        async with adapted.http.post(
            f"{TRIALS}/Mirror", data=b"{}", headers=UNARY | {"connect-timeout-ms": value}
        ) as got:
            assert got.status == status


async def test_get(adapted: Running) -> None:
    path = "http://x/library.v1.LibraryService/GetShelf?connect=v1"
    plain = '{"name":"shelves/1"}'
    coded = base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
    zipped = base64.urlsafe_b64encode(gzip.compress(plain.encode())).decode()
    binary = base64.urlsafe_b64encode(packed(adapted, "library.v1.GetShelfRequest", name="shelves/1")).decode()
    for query in (
        f"&encoding=json&message={quote(plain)}",
        f"&encoding=json&base64=1&message={coded}",
        f"&encoding=json&base64=1&compression=gzip&message={quote(zipped)}",
    ):
        async with adapted.http.get(f"{path}{query}") as response:
            assert (response.status, (await response.json())["name"]) == (200, "shelves/1"), query
    async with adapted.http.get(f"{path}&encoding=proto&base64=1&message={quote(binary)}") as response:
        assert response.headers["content-type"] == "application/proto" and b"shelves/1" in await response.read()
    for query, status in (("&message=x", 415), ("&encoding=json", 400), ("&encoding=json&base64=1&message=*", 400)):
        async with adapted.http.get(f"{path}{query}") as response:
            assert response.status == status, query
    effects = "http://x/library.v1.LibraryService/DeleteShelf?connect=v1&encoding=json&message={}"
    async with adapted.http.get(effects) as response:
        assert (response.status, response.headers["allow"]) == (405, "POST")


async def test_streams(adapted: Running) -> None:
    messages, last = await stream(adapted, "Count", enveloped(b'{"count":2}'), x_echo_a="1")
    assert messages == [{"number": "1"}, {"number": "2"}] and last == {"metadata": {"x-echo-a": ["1"]}}
    three = b"".join(enveloped(b'{"number":%d}' % number) for number in (1, 2, 3))
    assert await stream(adapted, "Sum", three) == ([{"sum": "6", "count": "3"}], {})
    messages, last = await stream(adapted, "Bounce", three + enveloped(b'{"failWith":9}'))
    assert len(messages) == 3 and last["error"]["code"] == "failed_precondition"


async def test_a_stream_in_protobuf(adapted: Running) -> None:
    body = enveloped(packed(adapted, "library.v1.Tick", number=7))
    sent = STREAM | {"content-type": "application/connect+proto"}
    async with adapted.http.post(f"{TRIALS}/Bounce", data=body, headers=sent) as response:
        assert response.headers["content-type"] == "application/connect+proto"
        assert await response.read() == body + enveloped(b"{}", END)


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        pytest.param("Count", b"", "unimplemented", id="no-message"),
        pytest.param("Count", enveloped(b"{}") * 2, "unimplemented", id="two-messages"),
        pytest.param("Sum", enveloped(b"{}", END), "invalid_argument", id="end-flag"),
        pytest.param("Sum", enveloped(b"{}")[:-1], "invalid_argument", id="cut"),
        pytest.param("Sum", enveloped(b"x"), "invalid_argument", id="no-json"),
        pytest.param("Sum", enveloped(b"x", COMPRESSED), "internal", id="compressed-unasked"),
        pytest.param("Sum", b"\0\377\377\377\377", "resource_exhausted", id="too-large"),
        pytest.param("Nope", enveloped(b"{}"), "unimplemented", id="no-method"),
    ],
)
async def test_wrong_streams_end_with_an_error(adapted: Running, method: str, body: bytes, code: str) -> None:
    messages, last = await stream(adapted, method, body)
    assert messages == [] and last["error"]["code"] == code


async def test_compressed_streams(adapted: Running) -> None:
    body = enveloped(gzip.compress(b'{"number":4}'), COMPRESSED) + enveloped(b'{"number":5}')
    messages, _ = await stream(adapted, "Sum", body, connect_content_encoding="gzip")
    assert messages == [{"sum": "9", "count": "2"}]
    _, last = await stream(adapted, "Sum", body, connect_content_encoding="br")
    assert last["error"]["code"] == "unimplemented"


async def test_both_sides_stream_at_once(adapted: Running) -> None:
    sent: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while (data := await sent.get()) is not None:
            yield data

    sent.put_nowait(enveloped(b'{"number":1}'))
    async with adapted.http.post(f"{TRIALS}/Bounce", data=body(), headers=STREAM) as response:
        for number in (1, 2, 3):
            expected = enveloped(b'{"number":"%d"}' % number)
            assert await response.content.readexactly(len(expected)) == expected
            sent.put_nowait(enveloped(b'{"number":%d}' % (number + 1)) if number < 3 else None)
        assert opened(await response.read()) == [Envelope(END, b"{}")]
