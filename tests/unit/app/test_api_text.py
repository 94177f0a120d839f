"""What is printed when a gateway of bare servers is ready: only what is true of what is known."""

from __future__ import annotations

import pytest
from descriptor_files import raw, service, simple

from isthmus.app.api_text import api_text
from isthmus.app.schema_keeper import Known
from isthmus.app.settings import Offering, Settings
from isthmus.edge.schema_process import plan_schema
from isthmus.ir.backend import ServicePortRef

SETTINGS = Settings((), offering=Offering(explorer_port=8081))
PORT = ServicePortRef("upstream", "localhost", 50051)
ONLY_GRPC = "gRPC and gRPC-Web, without a schema, on http://127.0.0.1:8080"


async def test_with_a_schema_every_client_is_served() -> None:
    planned = await plan_schema(raw(service(simple("p.proto"), "T", {"Get": None})))
    said = api_text(SETTINGS, [Known(PORT, planned), Known(PORT, state="unimplemented"), Known(PORT, planned)])
    assert said.count("POST /p.T/Get") == 1
    assert "\ngRPC, gRPC-Web, Connect, REST, WebSocket and reflection on http://127.0.0.1:8080\n" in said
    assert said.endswith("OpenAPI   http://127.0.0.1:8081/_isthmus/api/openapi.json")


@pytest.mark.parametrize(
    ("states", "says"),
    [
        (("unimplemented",), ONLY_GRPC),
        (("tls", "unimplemented"), ONLY_GRPC),
        (("tls",), "no server can be used yet; the gateway is on http://127.0.0.1:8080"),
    ],
)
def test_without_one_nothing_is_promised_that_is_not_served(states: tuple[str, ...], says: str) -> None:
    said = api_text(SETTINGS, [Known(PORT, state=state, failing="why") for state in states])
    assert said.splitlines() == [says, "Explorer  http://127.0.0.1:8081/_isthmus/"]
