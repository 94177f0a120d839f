"""The check of descriptors says what Envoy says: whatever it lets through Envoy takes, and it refuses no more.

One file that Envoy refuses has it refuse the whole host, so this is held against the real one.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
from descriptor_files import File, a_file, field, raw, service

from isthmus.edge.envoy_process import find_envoy
from isthmus.edge.schema_check import refusals
from isthmus.schema.assembly import assemble

HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
TRANSCODER = "type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def made(syntax: str = "proto3") -> File:
    file = service(a_file("a.proto", syntax=syntax), "S", {"Do": None})
    if syntax == "editions":
        file.edition = 1001  # type: ignore[assignment]
    field(file.message_type[0], "x", "int32")
    return file


def plain() -> File:
    return made()


def edition_2024() -> File:
    return made("editions")


def lite() -> File:
    file = made()
    file.options.optimize_for = 3  # type: ignore[assignment]
    return file


def shared_json_names() -> File:
    file = made("proto2")
    field(file.message_type[0], "two_words")
    field(file.message_type[0], "twoWords")
    return file


def reserved_name() -> File:
    file = made()
    file.message_type[0].reserved_name.append("x")
    return file


def enum_alias() -> File:
    file = made()
    enum = file.enum_type.add(name="E")
    enum.value.add(name="ZERO", number=0)
    enum.value.add(name="NULL", number=0)
    return file


def type_that_is_not_imported() -> File:
    file = made()
    field(file.message_type[0], "y", ".google.protobuf.Any")
    return file


def messages_32_levels_deep() -> File:
    file = made()
    message = file.message_type[0]
    for _ in range(32):
        message = message.nested_type.add(name="N")
    return file


def import_listed_twice() -> File:
    file = made()
    file.dependency.extend(["google/protobuf/any.proto"] * 2)
    return file


def json_name_in_brackets() -> File:
    file = made()
    file.message_type[0].field[0].json_name = "[x]"
    return file


def envoy_takes(descriptor_set: bytes, folder: Path) -> bool:
    filters = [
        {"name": "transcoder", "typed_config": {
            "@type": TRANSCODER, "services": ["a.S"], "proto_descriptor_bin": base64.b64encode(descriptor_set).decode(),
        }},
        {"name": "router", "typed_config": {"@type": ROUTER}},
    ]  # fmt: skip
    manager = {"@type": HCM, "stat_prefix": "x", "route_config": {}, "http_filters": filters}
    listener = {
        "name": "l",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }
    config = folder / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": [listener]}}))
    command = [str(find_envoy()), "--mode", "validate", "-c", str(config)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0 or "Unable to build proto descriptor pool" in ran.stderr, ran.stderr
    return ran.returncode == 0


@pytest.mark.parametrize("make", [plain, edition_2024, lite, shared_json_names])
def test_what_the_check_lets_through_envoy_takes(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assembled = assemble(raw(make()))
    assert assembled.services == ("a.S",)
    assert refusals(assembled.descriptor_set) == {}
    assert envoy_takes(assembled.descriptor_set, tmp_path)


@pytest.mark.parametrize("make", [
    reserved_name, enum_alias, type_that_is_not_imported, messages_32_levels_deep, import_listed_twice,
    json_name_in_brackets,
])  # fmt: skip
def test_what_the_check_refuses_envoy_refuses_too(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assembled = assemble(raw(make()))
    assert assembled.services == ("a.S",), "Python's runtime takes it"
    (reason,) = refusals(assembled.descriptor_set).values()
    assert reason and "cannot read" not in reason
    assert not envoy_takes(assembled.descriptor_set, tmp_path)
