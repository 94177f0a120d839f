"""What every test may use: `--update-golden` rewrites golden files, and refuses to under CI."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)  # how long an example takes is the machine's affair
if not os.environ.get("CI"):  # there hypothesis has a profile of its own: patient, and the same examples every time
    settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    wanted = bool(request.config.getoption("--update-golden"))
    if wanted and os.environ.get("CI"):
        pytest.fail("golden files are written by people, who read the difference; not under CI")
    return wanted
