"""What a running gateway says to people and to programs."""

from __future__ import annotations

import json

import pytest

from isthmus.app.events import Applied, Events
from isthmus.app.settings import Settings

APPLIED = Applied("abc", 12.3, 3)


def test_people_hear_of_changes_once_the_gateway_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    events = Events("text")
    events.applied(APPLIED, lambda: (1, 2))
    assert capsys.readouterr() == ("", "")
    events.ready(Settings(paths=("x",)), 1, 2)
    events.applied(APPLIED, lambda: (2, 1))
    assert capsys.readouterr().err == "live after 12 ms: 2 hosts, 1 route\n"


def test_programs_hear_of_every_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    Events("json").applied(APPLIED, lambda: (1, 2))
    assert json.loads(capsys.readouterr().out) == {
        "event": "applied",
        "version": "abc",
        "milliseconds": 12.3,
        "resources": 3,
    }
