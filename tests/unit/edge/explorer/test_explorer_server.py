"""What the explorer's server tells the page, and whom it does not speak to."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from explorer_world import World, WorldCatalog, open_world
from msgspec.structs import replace

from isthmus.edge.explorer import Upstream, make_app
from isthmus.schema import openapi

API = "/_isthmus/api"


async def ask(world: World, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    async with ClientSession() as session, session.get(world.url + path, headers=headers) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def test_the_catalog_names_services_methods_comments_and_rules(world):
    _, text, _ = await ask(world, f"{API}/catalog")
    told = json.loads(text)
    (upstream,) = told["upstreams"]
    greeter, kinds = upstream["services"]
    hello = next(each for each in greeter["methods"] if each["name"] == "SayHello")
    assert told["publicUrl"] == world.catalog.public_url and upstream["state"] == "reflection v1alpha, 3 s old"
    assert greeter["doc"].startswith("Greets people") and kinds["name"] == "world.v1.Kinds"
    assert hello["doc"] == "Says hello to one person." and hello["idempotency"] == "no_side_effects"
    rules = [(each["verb"], each["template"], each["source"]) for each in hello["bindings"]]
    assert rules[0] == ("GET", "/v1/hello/{name}", "annotation") and rules[-1][2] == "default"
    assert [each["name"] for each in greeter["methods"] if each["deprecated"]] == ["OldHello"]


async def test_where_calls_go_is_not_told(world):
    _, text, _ = await ask(world, f"{API}/catalog")
    assert "x-route" not in text


async def test_types_hold_all_that_a_form_needs(world):
    _, text, _ = await ask(world, f"{API}/types?upstream=world&method=/world.v1.Kinds/Echo")
    types = json.loads(text)["types"]
    fields = {each["name"]: each for each in types["world.v1.Everything"]["fields"]}
    assert fields["large"]["type"] == "int64" and not fields["large"]["optional"]
    assert fields["maybe"]["optional"] and fields["maybe"]["oneof"] == ""
    assert [each["name"] for each in fields.values() if each["oneof"] == "choice"] == ["word", "number", "spot"]
    assert (fields["numbered"]["key"], fields["numbered"]["of"]) == ("int32", "world.v1.Place")
    assert fields["words"]["repeated"] and not fields["scores"]["repeated"] and fields["old"]["deprecated"]
    assert types["world.v1.Mood"]["values"][1]["doc"] == "As after tea."
    assert types["world.v1.Place"]["fields"][1]["of"] == "world.v1.Place"
    assert types["world.v1.Place"]["fields"][1]["doc"] == "A place may lie within another."


async def test_required_is_read_from_the_annotation(world):
    _, text, _ = await ask(world, f"{API}/types?upstream=world&method=/world.v1.Greeter/SayHello")
    fields = json.loads(text)["types"]["world.v1.HelloRequest"]["fields"]
    assert [each["required"] for each in fields] == [True, False]


@pytest.mark.parametrize("query", ["upstream=no&method=/a/b", "upstream=world&method=/world.v1.Kinds/No", ""])
async def test_unknown_things_are_not_found(world, query):
    assert (await ask(world, f"{API}/types?{query}"))[0] == 404


async def test_a_server_without_a_schema_is_listed(world):
    there = world.catalog.upstreams
    world.catalog.upstreams = (Upstream("away", "127.0.0.1:1", state="unreachable", stale=True),)
    try:
        told = json.loads((await ask(world, f"{API}/catalog"))[1])["upstreams"][0]
        assert (told["ready"], told["stale"], told["services"], told["digest"]) == (False, True, [], "")
        assert (await ask(world, f"{API}/openapi.json"))[0] == 404
    finally:
        world.catalog.upstreams = there


async def test_a_change_is_told_to_pages_that_listen(world):
    before = world.catalog.version
    async with asyncio.timeout(10), ClientSession() as session, session.get(f"{world.url}{API}/events") as events:
        assert await events.content.readline() == f"data: {before}\n".encode()
        world.catalog.version = "another"
        while not (line := await events.content.readline()).startswith(b"data:"):
            pass
        assert line == b"data: another\n"
    world.catalog.version = before


async def test_the_openapi_document_has_the_public_address(world):
    status, text, _ = await ask(world, f"{API}/openapi.json?upstream=world")
    document = json.loads(text)
    assert status == 200 and document["openapi"].startswith("3.1")
    assert document["servers"][0]["url"] == world.catalog.public_url


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]:1", ""])
async def test_other_names_are_refused(world, host):
    for path in ("/_isthmus/", f"{API}/catalog"):
        assert (await ask(world, path, Host=host))[0] == 421


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8080"])
async def test_own_names_are_answered(world, host):
    assert (await ask(world, f"{API}/catalog", Host=host))[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1", "http://localhost"])
async def test_a_socket_opens_only_for_our_own_page(world, origin):
    async with ClientSession() as session:
        with pytest.raises(WSServerHandshakeError) as refused:
            await session.ws_connect(f"{world.url}{API}/call", headers={"Origin": origin})
        assert refused.value.status == 403
        async with session.ws_connect(f"{world.url}{API}/call", headers={"Origin": world.url}) as socket:
            assert not socket.closed


async def test_other_sites_scripts_are_refused_and_links_are_not(world):
    assert (await ask(world, f"{API}/catalog", **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await ask(world, f"{API}/catalog", **link))[0] == 200


@pytest.mark.parametrize("path", ["/_isthmus/", f"{API}/catalog", "/nowhere", f"{API}/types", "/_isthmus/assets/no"])
async def test_every_answer_carries_the_policy(world, path):
    _, _, headers = await ask(world, path)
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("name", ["..%2findex.html", "%2e%2e%2f%2e%2e%2fserver.py", "%00"])
async def test_only_assets_are_served_as_assets(world, name):
    assert (await ask(world, f"/_isthmus/assets/{name}"))[0] in (400, 404)


async def test_a_page_that_was_not_built_says_how(tmp_path):
    app = make_app(WorldCatalog(public_url="http://127.0.0.1:1"), static=tmp_path)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/_isthmus/")
        assert answer.status == 503 and "make venv" in await answer.text()


async def test_a_trial_goes_to_the_public_address_and_nowhere_else():
    async def echo(request: web.Request) -> web.Response:
        told = {"path": request.raw_path, "body": await request.text(), "headers": dict(request.headers)}
        return web.json_response(told, status=418, headers={"Set-Cookie": "a=b", "X-Answer": "yes"})

    gateway = web.Application()
    gateway.router.add_route("*", "/{path:.*}", echo)
    async with TestServer(gateway) as server:
        catalog = WorldCatalog(public_url=str(server.make_url("/")))
        async with TestClient(TestServer(make_app(catalog))) as client:
            headers = {"X-Isthmus-Explorer": "1", "Cookie": "secret=1", "Authorization": "Bearer x"}
            answer = await client.post("/_isthmus/try/v1/a%2Fb?c=d%26", data=b"{}", headers=headers)
            told = await answer.json()
            assert answer.status == 418 and answer.headers["X-Answer"] == "yes" and "Set-Cookie" not in answer.headers
            assert (told["path"], told["body"]) == ("/v1/a%2Fb?c=d%26", "{}")
            assert told["headers"]["Authorization"] == "Bearer x" and "Cookie" not in told["headers"]
            assert (await client.get("/_isthmus/try/v1/a")).status == 403
            for path in ("//evil.example/a", "/@evil.example/"):
                inside = await client.get(f"/_isthmus/try{path}", headers=headers)
                assert (await inside.json())["headers"]["Host"] == f"127.0.0.1:{server.port}"


async def test_a_gateway_that_is_down_is_said_to_be():
    catalog = WorldCatalog(public_url="http://127.0.0.1:1")
    async with TestClient(TestServer(make_app(catalog))) as client:
        answer = await client.get("/_isthmus/try/a", headers={"X-Isthmus-Explorer": "1"})
        assert answer.status == 502 and (await answer.json())["code"] == 14


async def test_schemas_of_two_servers_do_not_meet(world):
    there = world.catalog.upstreams
    world.catalog.upstreams = (*there, replace(there[0], name="second"))
    try:
        told = json.loads((await ask(world, f"{API}/catalog"))[1])["upstreams"]
        assert [each["name"] for each in told] == ["world", "second"]
        assert (await ask(world, f"{API}/types?upstream=second&method=/world.v1.Kinds/Echo"))[0] == 200
    finally:
        world.catalog.upstreams = there


async def test_a_document_that_takes_long_holds_up_nobody_and_is_made_once(monkeypatch):
    began, go_on, made = threading.Event(), threading.Event(), []

    def slow(*given, **named):
        began.set()
        made.append(named["title"])
        assert go_on.wait(30)
        return openapi.openapi(*given, **named)

    whole = SimpleNamespace(openapi=slow)
    async with open_world() as own:
        monkeypatch.setitem(sys.modules, "isthmus.schema.openapi", whole)
        waiting = [asyncio.create_task(ask(own, f"{API}/openapi.json")) for _ in range(3)]
        await asyncio.to_thread(began.wait, 30)
        assert (await ask(own, f"{API}/catalog"))[0] == 200, "answered meanwhile"
        go_on.set()
        documents = {text for _, text, _ in await asyncio.gather(*waiting)}
        documents.add((await ask(own, f"{API}/openapi.json"))[1])
    assert len(documents) == len(made) == 1
    assert json.loads(documents.pop())["openapi"] == "3.1.0"
