"""A real Chromium on the explorer's page. Nothing outside this machine may be asked for, in any test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from explorer_world import World, open_world
from playwright.async_api import Browser, Page, Route, async_playwright

from isthmus.edge.explorer.server import STATIC

Open = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
async def world() -> AsyncIterator[World]:
    if not (STATIC / "index.html").is_file():
        pytest.fail("the explorer's page is not built; run: make venv")
    async with open_world() as opened:
        yield opened


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("there is no Chromium on PATH; run: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def open_page(world: World, chromium: Browser) -> AsyncIterator[Open]:
    """open_page(METHOD="", **options of the context): a page of its own. Errors in it fail the test."""
    wrong: list[str] = []
    contexts = []

    async def block(route: Route) -> None:
        wrong.append(f"asked for {route.request.url}")
        await route.abort()

    async def open_one(method: str = "", path: str = "/_isthmus/", **options: object) -> Page:
        options = {"viewport": {"width": 1300, "height": 850}} | options
        context = await chromium.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        contexts.append(context)
        await context.route(lambda url: not url.startswith((world.url, "data:", "blob:")), block)
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        await page.goto(world.url + path + (f"#/world/world.v1.{method}" if method else ""))
        return page

    yield open_one
    for context in contexts:
        await context.close()
    assert not wrong
