"""One nginx and one gateway for all replays, and what came of every family's requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import replay_pair
from replay_pair import Found, Pair


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with replay_pair.running(tmp_path_factory.mktemp("replay")) as running:
        yield running


@pytest.fixture(scope="session")
def outcomes(pair: Pair) -> dict[str, list[Found]]:
    """By family."""
    return {family: replay_pair.replayed(pair, family) for family in replay_pair.families()}
