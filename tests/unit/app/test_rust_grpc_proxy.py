"""rust-grpc-proxy's TOML and environment, read as they are, with a word on every key that means something else."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.app.rust_grpc_proxy import Config, Finding, Headers, Reading, Upstream, parse_config, read_config

ONE_SINK = '[[proxy_sink]]\naddr = "127.0.0.1:1"\n'
KEY = "RUST_GRPC_PROXY_ADDR"


def parsed(text: str, **environ: str) -> Reading:
    return parse_config(textwrap.dedent(text), "config.toml", environ)


def said(reading: Reading, severity: str = "") -> list[str]:
    return [str(finding) for finding in reading.findings if severity in ("", finding.severity)]


def test_the_configuration_of_its_metadata_example() -> None:
    reading = parsed(
        """
        [log]
        show_file_line = false

        [[proxy_sink]]
        name = "echo"
        addr = "127.0.0.1:1234"
        prefix = "/api/v1/echo"

        [[proxy_sink]]
        name = "hello"
        addr = "127.0.0.1:1235"
        prefix = "/api/v1/greet"

        [metadata_filters]
        prefix = ["echo-","greet-"]
        match = ["use-name","use-id"]
        """
    )
    assert reading.config == Config(
        upstreams=(
            Upstream("echo", "127.0.0.1", 1234, "/api/v1/echo"),
            Upstream("hello", "127.0.0.1", 1235, "/api/v1/greet"),
        ),
        headers=Headers(prefix=("echo-", "greet-"), match=("use-name", "use-id")),
    )
    assert said(reading, "error") == said(reading, "warning") == []
    assert [finding.place for finding in reading.findings] == ["config.toml:3"]


def test_every_key_that_counts() -> None:
    reading = parsed(
        """
        [server]
        addr = "[::]:8080"
        [log]
        level = "Warn"
        [metadata_filters]
        prefix = []
        response_show_server = false
        response_default_content_type = "text/plain"
        [env_sink]
        addr_env_key = "UPSTREAM"
        wait_time_max_sec = 60
        interval_sec = 1
        prefix = "/api"
        """,
        UPSTREAM="pod.local:50051",
    )
    assert reading.config == Config(
        listen=("::", 8080),
        upstreams=(Upstream("env", "pod.local", 50051, "/api"),),
        headers=Headers((), (), False),
        wait_seconds=60.0,
    )
    assert not reading.errors


def test_a_missing_file_and_the_environment_are_the_sidecar(tmp_path: Path) -> None:
    reading = read_config(str(tmp_path / "none.toml"), {KEY: "127.0.0.1:1234"})
    assert reading.config == Config(upstreams=(Upstream("env", "127.0.0.1", 1234),))
    assert reading.config.listen == ("0.0.0.0", 6789)
    assert [finding.severity for finding in reading.findings] == ["info"]
    assert "none.toml" in reading.findings[0].place


@pytest.mark.parametrize(
    ("disable", "upstreams", "severity"),
    [
        pytest.param("", 1, None, id="by-default-it-is-read"),
        pytest.param("disable = true", 1, "info", id="disabled-means-read"),
        pytest.param("disable = false", 0, "warning", id="not-disabled-means-not-read"),
    ],
)
def test_the_environment_is_read_when_it_is_disabled(disable: str, upstreams: int, severity: str | None) -> None:
    reading = parsed(f"[env_sink]\n{disable}\n", RUST_GRPC_PROXY_ADDR="10.0.0.1:2")
    assert len(reading.config.upstreams) == upstreams
    places = [finding.severity for finding in reading.findings if finding.place == "config.toml:2"]
    assert (severity in places) if severity else not places


def test_sinks_of_one_name_are_all_served_under_names_of_their_own() -> None:
    reading = parsed(ONE_SINK + ONE_SINK.replace(":1", ":2") + ONE_SINK.replace(":1", ":3"))
    assert [upstream.name for upstream in reading.config.upstreams] == ["default", "default-2", "default-3"]
    assert [upstream.port for upstream in reading.config.upstreams] == [1, 2, 3]
    assert [finding.place for finding in reading.findings] == ["config.toml:3", "config.toml:5"]
    assert not reading.errors


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param("[server]\naddr = 80", "config.toml:2", "addr is text in quotes, not 80", id="kind"),
        pytest.param("[log]\nshow_time = 'yes'", "config.toml:2", "show_time is true or false, not 'yes'", id="flag"),
        pytest.param("[env_sink]\nwait_time_max_sec = -1", "config.toml:2", "a whole number, 0 or more", id="count"),
        pytest.param("[env_sink]\ninterval_sec = true", "config.toml:2", "a whole number", id="a-flag-is-no-number"),
        pytest.param("[metadata_filters]\nmatch = 'a'", "config.toml:2", "a list of texts", id="list"),
        pytest.param("[proxy_sink]\naddr = '1.2.3.4:1'", "config.toml:1", "[[proxy_sink]] instead of", id="table"),
        pytest.param("server = 1", "config.toml:1", "server is a table; write [server]", id="no-table"),
        pytest.param("[[proxy_sink]]\nname = 'a'", "config.toml:1", "addr is missing", id="no-address"),
        pytest.param("[[proxy_sink]]\naddr = 'localhost'", "config.toml:2", "expected HOST:PORT", id="no-port"),
        pytest.param("[[proxy_sink]]\naddr = 'a:0'", "config.toml:2", "expected HOST:PORT", id="port-0"),
        pytest.param("[[proxy_sink]]\naddr = 'a:65536'", "config.toml:2", "expected HOST:PORT", id="large-port"),
        pytest.param("[[proxy_sink]]\naddr = 'http://a:1'", "config.toml:2", "expected HOST:PORT", id="a-url"),
        pytest.param("[[proxy_sink]]\naddr = '::1:80'", "config.toml:2", "expected HOST:PORT", id="bare-ipv6"),
        pytest.param("[server]\naddr = ':6789'", "config.toml:2", "expected HOST:PORT", id="no-host"),
        pytest.param(
            "[[proxy_sink]]\naddr = 'a:1'\nprefix = 'api'", "config.toml:3", "a prefix begins with /", id="prefix"
        ),
        pytest.param("[metadata_filters]\nprefix = ['a b']", "config.toml:2", "'a b' is no header name", id="header"),
        pytest.param("[server\n", "config.toml", "is no TOML", id="syntax"),
        pytest.param("", "config.toml", "no gRPC server is named", id="nothing-to-serve"),
    ],
)
def test_what_cannot_be_used_is_an_error_at_its_line(text: str, place: str, message: str) -> None:
    found = parsed(text).errors
    assert any(finding.place == place and message in finding.message for finding in found), found


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param("[log]\nlevle = 'info'", 4, "levle is no key of log and has no effect; did you mean level?"),
        pytest.param("[proxy-sink]\n", 3, "proxy-sink is no table and has no effect; did you mean proxy_sink?"),
        pytest.param("[quite_other]\n", 3, "quite_other is no table and has no effect"),
        pytest.param("[log]\nlevel = 'loud'", 4, "'loud' is none of debug, info, warn, error, panic; debug counts"),
        pytest.param("[log]\nout_file_path = 'x'", 4, "send standard error to a file"),
        pytest.param("[metadata_filters]\nmatch = ['te']", 4, "te belongs to the protocol"),
        pytest.param(
            "[metadata_filters]\nresponse_default_content_type = 'text/plain'", 4, "answers are application/json"
        ),
        pytest.param("[metadata_filters]\nprefix = ['']", 4, "an empty prefix passes every header on"),
    ],
)
def test_what_differs_is_a_warning(text: str, place: int, message: str) -> None:
    reading = parsed(ONE_SINK + text)
    assert not reading.errors
    warnings = [finding for finding in reading.findings if finding.severity == "warning"]
    assert [(finding.place, message in finding.message) for finding in warnings] == [(f"config.toml:{place}", True)]


@pytest.mark.parametrize("key", ["server.name = 'x'", "log.show_time = true", "dynamic_sink.enable = true"])
def test_keys_without_effect_are_named(key: str) -> None:
    reading = parsed(key + "\n" + ONE_SINK)
    assert [(each.severity, each.place, "no effect" in each.message) for each in reading.findings] == [
        ("info", "config.toml:1", True)
    ]


def test_header_names_count_in_any_case() -> None:
    reading = parsed(ONE_SINK + '[metadata_filters]\nmatch = ["X-User", "x-user", "Authorization"]')
    assert reading.config.headers.match == ("x-user", "authorization")
    assert [finding.severity for finding in reading.findings] == ["info", "info"]


def test_names_of_the_protocol_do_not_become_metadata() -> None:
    assert parsed(ONE_SINK + '[metadata_filters]\nmatch = ["TE", "a"]').config.headers.match == ("a",)


@pytest.mark.parametrize("value", ["nowhere", ":1", "a:b", "https://a:1"])
def test_an_address_in_the_environment_that_cannot_be_used(value: str) -> None:
    assert parsed("", RUST_GRPC_PROXY_ADDR=value).errors == (
        Finding("error", KEY, f"{value} cannot be used; expected HOST:PORT, for example 127.0.0.1:1234"),
    )


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    for path, reason in ((tmp_path, "cannot be read"), (tmp_path / "latin.toml", "is not UTF-8")):
        (finding,) = read_config(str(path), {}).errors
        assert finding.place == str(path)
        assert reason in finding.message


_VALUES = st.recursive(
    st.sampled_from(["1", "-1", "true", '"x"', '"a:1"', '"/p"', "1.5", "1979-05-27", "inf", "'''a\n[x]\nb'''"]),
    lambda inner: st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=3,
)
_TABLES = st.sampled_from(["server", "log", "proxy_sink", "metadata_filters", "env_sink", "dynamic_sink", "other"])
_NAMES = st.sampled_from(["name", "addr", "prefix", "match", "disable", "wait_time_max_sec", "level", "x"])


@given(st.lists(st.tuples(_TABLES, st.booleans(), _NAMES, _VALUES), max_size=5), st.text(max_size=12))
def test_whatever_the_file_says_it_is_a_value_and_never_an_exception(
    tables: list[tuple[str, bool, str, str]], address: str
) -> None:
    text = "".join(f"[[{t}]]\n{k} = {v}\n" if many else f"[{t}]\n{k} = {v}\n" for t, many, k, v in tables)
    reading = parse_config(text, "c.toml", {KEY: address})
    assert reading.errors or reading.config.upstreams
    assert all(finding.message and "\n" not in finding.place for finding in reading.findings)


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    assert isinstance(parse_config(text, "c.toml", {}), Reading)
