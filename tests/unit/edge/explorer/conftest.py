"""One world for all tests of the explorer's server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from explorer_world import World, open_world


@pytest.fixture(scope="session")
async def world() -> AsyncIterator[World]:
    async with open_world() as opened:
        yield opened
