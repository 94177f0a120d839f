"""The explorer as a user has it: what one sees, fills in, sends and gets, in Chromium, against a real gRPC server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from playwright.async_api import Page, expect


def call_button(page: Page):  # type: ignore[no-untyped-def]
    return page.get_by_role("button", name="Call", exact=True)


async def answer(page: Page) -> object:
    await expect(page.get_by_role("region", name="Response").get_by_role("status")).to_have_text("OK")
    return json.loads(await page.get_by_label("received message").inner_text())


async def code(page: Page, kind: str) -> str:
    await page.get_by_role("tab", name="Code").click()
    await page.get_by_role("button", name=kind, exact=True).click()
    await page.get_by_role("button", name="Copy", exact=True).click()
    await expect(page.get_by_text(f"{kind} copied")).to_be_visible()
    return await page.evaluate("navigator.clipboard.readText()")


def words(line: str) -> list[str]:
    """As a shell reads them; shlex knows no continued lines."""
    return shlex.split(line.replace("\\\n", ""))


async def test_a_form_is_filled_in_and_called(open_page, world):
    page = await open_page("Greeter/SayHello")
    await expect(page.get_by_text("Says hello to one person.")).to_be_visible()
    await expect(page.get_by_text("Who is greeted.")).to_be_visible()
    await expect(page.get_by_label("HTTP mapping")).to_contain_text("/v1/hello/{name}")
    await page.get_by_label("name", exact=True).fill("Ada")
    await page.get_by_label("times").fill("2")
    await page.get_by_role("tab", name="Metadata").click()
    await page.get_by_role("button", name="add metadata").click()
    await page.get_by_label("metadata key 0").fill("x-colour")
    await page.get_by_label("metadata value 0").fill("blue")
    await call_button(page).click()
    assert await answer(page) == {"message": "Hello, Ada!\nHello, Ada!"}
    assert world.server.seen[-1]["x-colour"] == "blue"
    await page.get_by_role("tab", name="Headers & trailers").click()
    await expect(page.get_by_role("region", name="Headers")).to_contain_text("served-by")
    await expect(page.get_by_role("region", name="Trailers")).to_contain_text("cost")


async def test_every_kind_of_field_has_its_input_and_the_json_keeps_in_step(open_page):
    page = await open_page("Kinds/Echo")
    wanted = {
        "text": "ä", "yes": True, "small": -7, "large": "9007199254740993", "real": 1.5, "mood": "MOOD_CALM",
        "maybe": "", "place": {"city": "Ys", "within": {"city": "Is"}}, "words": ["a", "b"], "places": [{"city": "c"}],
        "scores": {"k": 3}, "number": 0, "at": "2026-01-31T12:00:00Z", "lasting": "1.500s", "wrapped": "w",
        "struct": {"a": [1.0, None]}, "mask": "text,place.city", "data": "AP8=", "sure": False,
    }  # fmt: skip
    for label, text in {
        "text": "ä", "small": "-7", "large": "9007199254740993", "real": "1.5", "data": "AP8=",
        "at": "2026-01-31T12:00:00Z", "lasting": "1.5s", "wrapped": "w", "struct": '{"a": [1, null]}',
        "mask": "text,place.city",
    }.items():  # fmt: skip
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_label("yes", exact=True).check()
    await page.get_by_label("maybe", exact=True).fill("x")
    await page.get_by_label("maybe", exact=True).fill("")
    await page.get_by_label("mood", exact=True).select_option("MOOD_CALM")
    await page.get_by_label("sure", exact=True).select_option("false")
    await page.get_by_role("button", name="add place").click()
    await page.get_by_label("city").fill("Ys")
    await page.get_by_role("button", name="add within").click()
    await page.get_by_label("city").nth(1).fill("Is")
    for index, word in enumerate("ab"):
        await page.get_by_role("button", name="add to words").click()
        await page.get_by_label(f"{index} of words").fill(word)
    await page.get_by_role("button", name="add to places").click()
    await page.get_by_label("city").nth(2).fill("c")
    await page.get_by_role("button", name="add to scores").click()
    await page.get_by_label("key 0 of scores").fill("k")
    await page.get_by_label("key 0 of scores").press("Tab")
    await page.keyboard.type("3")
    await page.get_by_label("choice", exact=True).select_option("number")
    await call_button(page).click()
    assert await answer(page) == wanted

    await page.get_by_role("tab", name="JSON", exact=True).click()
    text = page.get_by_label("Request as JSON")
    assert json.loads(await text.input_value())["large"] == "9007199254740993"
    await text.fill('{"text": "new", "huge": 18446744073709551615, "place": {"city": "Ker"}}')
    await page.get_by_role("tab", name="Form").click()
    await expect(page.get_by_label("text", exact=True)).to_have_value("new")
    await expect(page.get_by_label("huge", exact=True)).to_have_value("18446744073709551615")
    await expect(page.get_by_label("city")).to_have_value("Ker")
    await page.get_by_label("small", exact=True).fill("3000000000")
    await expect(page.get_by_text("int32 goes from")).to_be_visible()


async def test_a_sample_is_a_message_that_is_taken(open_page):
    page = await open_page("Kinds/Echo")
    await page.get_by_role("button", name="Sample").click()
    await call_button(page).click()
    echoed = await answer(page)
    assert isinstance(echoed, dict) and {"place", "numbered", "any", "struct", "at"} <= echoed.keys()


async def test_json_that_is_not_complete_is_said_to_be_and_not_sent(open_page):
    page = await open_page("Greeter/SayHello")
    await page.get_by_role("tab", name="JSON", exact=True).click()
    await page.get_by_label("Request as JSON").fill('{"name": ')
    await expect(page.get_by_role("alert")).to_contain_text("JSON")
    await call_button(page).click()
    await expect(page.get_by_text("The answer appears here")).to_be_visible()


async def test_both_sides_stream_live(open_page):
    page = await open_page("Greeter/Chat")
    log = page.get_by_role("log")
    for count, name in enumerate(("Ada", "Grace"), 1):
        await page.get_by_label("name", exact=True).fill(name)
        await page.get_by_role("button", name=re.compile("Send message|Open and send")).click()
        await expect(log.get_by_label("received message")).to_have_count(count)
        await expect(log).to_contain_text(f"Hello, {name}!")
        await expect(page.get_by_role("region", name="Response").get_by_role("status")).to_have_text("open")
    await page.get_by_role("button", name="Half-close").click()
    await expect(log.get_by_label("status")).to_contain_text("OK")


async def test_a_server_stream_arrives_bit_by_bit_and_is_cancelled(open_page, world):
    page = await open_page("Greeter/CountDown")
    world.server.cancelled.clear()
    await page.get_by_label("from").fill("5")
    await call_button(page).click()
    log = page.get_by_role("log")
    for count in (1, 2):
        world.server.release.release()
        await expect(log.get_by_label("received message")).to_have_count(count)
    await page.get_by_role("button", name="Cancel").click()
    await expect(log.get_by_label("status")).to_contain_text("CANCELLED")
    await asyncio.wait_for(world.server.cancelled.wait(), 10)


async def test_an_error_is_shown_with_its_details(open_page):
    page = await open_page("Greeter/Refuse")
    await call_button(page).click()
    ending = page.get_by_role("article", name="status")
    await expect(ending).to_contain_text("INVALID ARGUMENT")
    await expect(ending).to_contain_text("'' is no name")
    await expect(ending).to_contain_text("is never polite")


async def test_a_server_that_is_down_says_what_to_do(open_page, world):
    page = await open_page("Greeter/SayHello")
    there = world.catalog.upstreams
    world.catalog.upstreams = tuple(type(each)(each.name, "127.0.0.1:1", schema=each.schema) for each in there)
    try:
        await call_button(page).click()
        await expect(page.get_by_role("article", name="status")).to_contain_text("Is it running?")
    finally:
        world.catalog.upstreams = there


async def test_history_brings_a_call_back_without_secrets(open_page):
    page = await open_page("Greeter/SayHello")
    await page.get_by_label("name", exact=True).fill("Ada")
    await page.get_by_role("tab", name="Metadata").click()
    for index, (key, value) in enumerate([("authorization", "Bearer hush"), ("x-note", "Basic aHVzaA=="), ("a", "b")]):
        await page.get_by_role("button", name="add metadata").click()
        await page.get_by_label(f"metadata key {index}").fill(key)
        await page.get_by_label(f"metadata value {index}").fill(value)
    await call_button(page).click()
    await answer(page)
    kept = await page.evaluate("localStorage.getItem('isthmus.history')")
    assert "Ada" in kept and "hush" not in kept and "aHVzaA" not in kept and '["a","b"]' in kept
    await page.goto("about:blank")
    await page.go_back()
    await page.get_by_role("tab", name="History 1").click()
    await page.get_by_role("link", name="SayHello").click()
    await expect(page.get_by_label("name", exact=True)).to_have_value("Ada")
    await page.get_by_role("button", name="Forget all").click()
    assert await page.evaluate("localStorage.getItem('isthmus.history')") == "[]"


async def test_curl_is_copied_for_the_chosen_rule(open_page, world):
    page = await open_page("Greeter/SayHello")
    await page.get_by_label("name", exact=True).fill("Ada & it's")
    await page.get_by_label("times").fill("2")
    get = words(await code(page, "curl"))
    assert get[:4] == ["curl", "-X", "GET", f"{world.catalog.public_url}/v1/hello/Ada%20%26%20it's?times=2"]
    await page.get_by_role("button", name="POST /v1/hello body").click()
    post = words(await code(page, "curl"))
    assert post[3] == f"{world.catalog.public_url}/v1/hello"
    assert json.loads(post[post.index("-d") + 1]) == {"name": "Ada & it's", "times": 2}


async def test_a_sample_fits_the_path_and_what_does_not_is_said(open_page, world):
    page = await open_page("Greeter/OldHello")
    await page.get_by_role("button", name="Sample").click()
    sampled = words(await code(page, "curl"))
    assert sampled[3] == f"{world.catalog.public_url}/v1/people/1/old:hello"
    misfit = page.get_by_text("This rule takes name only in the form people/*/old.")
    await expect(misfit).to_have_count(0)
    await page.get_by_role("tab", name="Form").click()
    await page.get_by_label("name", exact=True).fill("Ada")
    await page.get_by_role("tab", name="Code").click()
    await expect(misfit).to_be_visible()
    await page.get_by_role("button", name="Clear").click()
    await expect(page.get_by_text("name is empty, and the path of this rule needs it.")).to_be_visible()


@pytest.mark.parametrize("kind", ["grpcurl", "Python"])
async def test_copied_code_runs(open_page, kind):
    page = await open_page("Greeter/SayHello")
    await page.get_by_label("name", exact=True).fill('Ada\'s "ü"')
    text = await code(page, kind)
    command = [sys.executable, "-c", text] if kind == "Python" else ["sh", "-c", text]
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=env)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert json.loads(out) == {"message": 'Hello, Ada\'s "ü"!'}


async def test_keyboard_alone_is_enough(open_page):
    page = await open_page()
    await expect(page.get_by_role("treeitem", name="SayHello")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("hello person")
    await expect(page.get_by_role("treeitem")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("#/world/world.v1.Greeter/SayHello$"))
    await expect(page.get_by_label("name", exact=True)).to_be_visible()
    for _ in range(30):
        if await page.evaluate("document.activeElement.closest('.row')?.textContent.startsWith('name')"):
            break
        await page.keyboard.press("Tab")
    await page.keyboard.type("Ada")
    await page.keyboard.press("Control+Enter")
    assert await answer(page) == {"message": "Hello, Ada!"}
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("j")
    await expect(page).to_have_url(re.compile("CountDown$"))
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("next, previous method")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).not_to_be_visible()


CONTRAST = """() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const rgb = (colour) => {
    context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found[3] === 255) return found;
    }
    return rgb("Canvas");
  };
  const poor = [];
  for (const element of document.querySelectorAll("#app *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility({opacityProperty: true}) || element.matches(":disabled")) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((p, q) => q - p);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return [poor, light(ground(document.body))];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_in_light_and_dark(open_page, scheme):
    page = await open_page("Greeter/SayHello", color_scheme=scheme, reduced_motion="reduce")
    for method in ("SayHello", "Refuse", "Chat"):
        await page.get_by_role("treeitem", name=re.compile(f" {method}$")).click()
        await page.get_by_label("name", exact=True).fill("Ada")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("log")).to_contain_text(re.compile("Hello|INVALID"))
        poor, ground = await page.evaluate(CONTRAST)
        assert not poor
        assert (ground > 0.5) == (scheme == "light")


async def test_a_narrow_window_has_nothing_outside_it(open_page):
    page = await open_page("Kinds/Echo", viewport={"width": 380, "height": 800})
    await page.get_by_role("button", name="Sample").click()
    assert await page.evaluate("document.documentElement.scrollWidth") == 380


async def test_changes_of_the_catalog_appear_by_themselves(open_page, world):
    page = await open_page()
    await expect(page.get_by_role("region", name="world")).to_contain_text("3 s old")
    there, version = world.catalog.upstreams, world.catalog.version
    first = there[0]
    world.catalog.upstreams = (type(first)("gone", "127.0.0.1:1", state="unreachable for 5 s", stale=True),)
    world.catalog.version = "gone"
    try:
        await expect(page.get_by_role("region", name="gone")).to_contain_text("--protoset FILE")
    finally:
        world.catalog.upstreams, world.catalog.version = there, version
    await expect(page.get_by_role("region", name="world")).to_contain_text("7 methods")


async def test_swagger_ui_shows_the_document_offline(open_page):
    page = await open_page(path="/_isthmus/openapi")
    await expect(page.locator("[data-path='/v1/hello']")).to_be_visible()
    await expect(page.locator(".info")).to_contain_text("world")
    assert await page.locator(".errors-wrapper").count() == 0
