"""The route of error pages takes what Envoy asks, which is a GET, and leaves clients' own requests to other routes."""

from __future__ import annotations

import pytest

from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.policy import ErrorPages
from isthmus.xds.filters.error_pages import Inside, page_route, path_of
from isthmus.xds.route_match import mismatch

PAGES = ErrorPages((503,), Backend(ServicePortRef("default", "pages", 80)))

INSIDE = Inside("secret")


@pytest.mark.parametrize(("method", "taken"), [("GET", True), ("POST", False), ("DELETE", False), ("OPTIONS", False)])
def test_methods(method: str, taken: bool) -> None:
    headers = {":method": method, ":path": path_of(PAGES, INSIDE)}
    assert (mismatch(page_route(PAGES, INSIDE).match, path_of(PAGES, INSIDE), headers.get) is None) is taken
