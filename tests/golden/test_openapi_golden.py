"""echo.proto -> its OpenAPI document: how a whole one reads."""

from __future__ import annotations

from pathlib import Path

import yaml

from isthmus.edge.proto_files import compile_protos
from isthmus.schema.openapi import openapi
from isthmus.schema.plan import make_schema

GOLDEN = Path(__file__).parent / "openapi" / "echo.yaml"
EXAMPLES = Path(__file__).parents[2] / "examples" / "grpc"


def test_the_document_of_the_echo_server(update_golden: bool) -> None:
    schema = make_schema(compile_protos(["echo.proto"], [str(EXAMPLES)]))
    made = openapi(schema, title="Echo", server_url="http://localhost:8080")
    assert made["info"]["version"] == schema.digest[:12]  # type: ignore[index]
    made["info"]["version"] = "DIGEST"  # type: ignore[index]
    text = yaml.safe_dump(made, sort_keys=False, width=120, allow_unicode=True)
    if update_golden:
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "it differs; pytest --update-golden writes it anew"
