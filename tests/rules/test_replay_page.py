"""The page of differences from a real nginx says what the tests accept, and every family of theirs is on it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import replay_pages  # noqa: E402 - found only now


def test_the_page_is_up_to_date() -> None:
    assert replay_pages.PAGE.read_text() == replay_pages.page(), "run: make docs"


def test_every_family_is_complete() -> None:
    files = {"manifests.yaml", "nginx.conf", "requests.jsonl", "differences.yaml"}
    for folder in filter(Path.is_dir, replay_pages.CASES.iterdir()):
        assert {each.name for each in folder.iterdir()} == files, folder.name
