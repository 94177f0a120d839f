"""Reads the configuration of rust-grpc-proxy as it is: its TOML file and its environment variable.

Decides what its keys mean here, and says of every key that means nothing or something else here. May not know how a
gateway is started. The rule: a key is never passed over in silence; defaults are rust-grpc-proxy's.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from isthmus.app.rust_grpc_proxy_keys import KEYS, LISTS, Kind, fits, lines_of

DEFAULT_FILE = "./src/config/config.toml"  # what rust-grpc-proxy reads when it is given no -c
_HEADER = re.compile(r"[a-z0-9._-]+")
# Belong to HTTP and gRPC themselves: as metadata they break the call.
_OF_HTTP = frozenset(
    {"connection", "content-length", "content-type", "host", "keep-alive", "te", "transfer-encoding", "upgrade"}
)
_NOT_METADATA = frozenset({*_OF_HTTP, "grpc-encoding", "grpc-timeout"})
_JSON = "application/json"
_ADDRESS = "expected HOST:PORT, for example 127.0.0.1:1234"


class Finding(NamedTuple):
    """`severity` is error, warning or info; `place` is FILE, FILE:LINE or an environment variable."""

    severity: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.message}"


class Upstream(NamedTuple):
    """A gRPC server. Names are unique. `prefix` chooses by path and changes none: rules hold whole paths."""

    name: str
    host: str
    port: int
    prefix: str = "/"


class Headers(NamedTuple):
    """Which headers become metadata and which metadata headers: lower-case names, and how they begin.

    `response_show_server` adds `proxy_server: rust-grpc-proxy`.
    """

    prefix: tuple[str, ...] = ("md-",)
    match: tuple[str, ...] = ()
    response_show_server: bool = True


class Config(NamedTuple):
    """`listen` is host and port. `wait_seconds` is how long a server may take to come up."""

    listen: tuple[str, int] = ("0.0.0.0", 6789)
    upstreams: tuple[Upstream, ...] = ()
    headers: Headers = Headers()
    wait_seconds: float = 300.0


class Reading(NamedTuple):
    """A configuration and what there is to say about it. With errors it is not to be used."""

    config: Config
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep it from being used."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def read_config(path: str, environ: Mapping[str, str]) -> Reading:
    """Read the file and the environment. A file that does not exist means defaults, as in rust-grpc-proxy."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        missing = Finding("info", path, "there is no such file; rust-grpc-proxy's defaults count")
        reading = parse_config("", path, environ)
        return Reading(reading.config, (missing, *reading.findings))
    except OSError as error:
        return Reading(Config(), (Finding("error", path, f"cannot be read: {error.strerror}"),))
    except UnicodeDecodeError:
        return Reading(Config(), (Finding("error", path, "is not UTF-8 text"),))
    return parse_config(text, path, environ)


def parse_config(text: str, source: str, environ: Mapping[str, str]) -> Reading:
    """Read TOML; `source` is the file's name in findings."""
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Reading(Config(), (Finding("error", source, f"is no TOML: {error}"),))
    reader = _Reader(source, lines_of(text), tables)
    config = reader.config(environ)
    return Reading(config, tuple(sorted(reader.findings, key=lambda finding: _line(finding.place))))


def _line(place: str) -> int:
    found = re.search(r":(\d+)$", place)
    return int(found[1]) if found else 1_000_000


class _Reader:
    """Takes the tables apart; `findings` grows."""

    def __init__(self, source: str, lines: Mapping[str, int], tables: Mapping[str, object]) -> None:
        self.findings: list[Finding] = []
        self._source = source
        self._lines = lines
        self._tables = {path: values for path, values in self._checked(tables)}

    def config(self, environ: Mapping[str, str]) -> Config:
        server, log, env = (self._tables.get(name, {}) for name in ("server", "log", "env_sink"))
        listen = self._address("server.addr", str(server.get("addr", "0.0.0.0:6789")))
        self._check_level(str(log.get("level", "debug")))
        upstreams = (*self._sinks(), *self._env_sink(environ))
        if not upstreams and not any(finding.severity == "error" for finding in self.findings):
            key = env.get("addr_env_key") or "RUST_GRPC_PROXY_ADDR"
            self._say("error", "", f"no gRPC server is named; add a [[proxy_sink]] with its addr, or set {key}")
        return Config(
            listen or Config().listen,
            tuple(_unique(upstreams)),
            self._headers(),
            _number(env.get("wait_time_max_sec", 300)),
        )

    def _checked(self, tables: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Tables by path (`proxy_sink[0]`) with the keys that are known and of the right kind."""
        for name, value in tables.items():
            if name not in KEYS:
                self._unknown(name, name, KEYS, "table")
            elif name in LISTS:
                if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
                    self._say("error", name, f"{name} is a list of tables; write [[{name}]] instead of [{name}]")
                    continue
                for index, each in enumerate(value):
                    yield f"{name}[{index}]", dict(self._known(f"{name}[{index}]", each, KEYS[name]))
            elif isinstance(value, dict):
                yield name, dict(self._known(name, value, KEYS[name]))
            else:
                self._say("error", name, f"{name} is a table; write [{name}]")

    def _known(
        self, table: str, values: Mapping[str, object], keys: Mapping[str, Kind]
    ) -> Iterator[tuple[str, object]]:
        for key, value in values.items():
            path = f"{table}.{key}"
            if key not in keys:
                self._unknown(path, key, keys, f"key of {table.partition('[')[0]}")
            elif not fits(value, keys[key].type):
                self._say("error", path, f"{key} is {keys[key].expected}, not {value!r:.60}")
            else:
                if keys[key].differs:
                    self._say(keys[key].severity, path, f"{key}: {keys[key].differs}")
                yield key, value

    def _sinks(self) -> Iterator[Upstream]:
        sinks = [(path, values) for path, values in self._tables.items() if path.startswith("proxy_sink[")]
        names = [str(values.get("name", "default")) for _, values in sinks]
        for index, (path, values) in enumerate(sinks):
            if names[index] in names[:index]:
                what = f"a second sink named {names[index]}, which would replace the first; here both are served"
                self._say("warning", f"{path}.name", what)
            prefix = self._prefix(path, str(values.get("prefix", "/")))
            if "addr" not in values:
                self._say("error", path, f"addr is missing; {_ADDRESS}")
            elif address := self._address(f"{path}.addr", str(values["addr"])):
                yield Upstream(names[index], *address, prefix)

    def _env_sink(self, environ: Mapping[str, str]) -> Iterator[Upstream]:
        """Quirk: rust-grpc-proxy reads the environment when `disable` is TRUE, which is the default."""
        table = self._tables.get("env_sink", {})
        key = str(table.get("addr_env_key", "RUST_GRPC_PROXY_ADDR"))
        given = environ.get(key, "").strip()
        if not table.get("disable", True):
            if given:
                what = f"{key} is set but not read: rust-grpc-proxy reads it only when disable is true"
                self._say("warning", "env_sink.disable", what)
        elif given:
            try:
                host, port = _host_port(given)
            except ValueError:
                self.findings.append(Finding("error", key, f"{given} cannot be used; {_ADDRESS}"))
            else:
                yield Upstream("env", host, port, self._prefix("env_sink", str(table.get("prefix", "/"))))

    def _headers(self) -> Headers:
        table = self._tables.get("metadata_filters", {})
        usual = Headers()
        kind = str(table.get("response_default_content_type", _JSON))
        if kind != _JSON:
            path = "metadata_filters.response_default_content_type"
            self._say("warning", path, f"answers are {_JSON}, not {kind}")
        return Headers(
            self._names("prefix", table.get("prefix", usual.prefix)),
            self._names("match", table.get("match", usual.match)),
            bool(table.get("response_show_server", usual.response_show_server)),
        )

    def _names(self, key: str, values: object) -> tuple[str, ...]:
        """Header names that can be used; a name in capitals would never match in rust-grpc-proxy."""
        path = f"metadata_filters.{key}"
        found: dict[str, None] = {}
        for value in values if isinstance(values, list | tuple) else ():
            name = str(value).lower()
            if name != value:
                self._say("info", path, f"{value} is read as {name}; rust-grpc-proxy would never match it")
            if key == "prefix" and not name:
                self._say("warning", path, "an empty prefix passes every header on, cookies and credentials too")
            elif not _HEADER.fullmatch(name):
                self._say("error", path, f"{value!r} is no header name")
                continue
            elif key == "match" and name in _NOT_METADATA:
                self._say("warning", path, f"{name} belongs to the protocol and is never passed on")
                continue
            found[name] = None
        return tuple(found)

    def _prefix(self, table: str, prefix: str) -> str:
        if prefix.startswith("/"):
            return prefix
        self._say("error", f"{table}.prefix", f"{prefix!r} matches no path; a prefix begins with /")
        return "/"

    def _check_level(self, level: str) -> None:
        if level.lower() not in _LEVELS:
            self._say("warning", "log.level", f"{level!r} is none of {', '.join(_LEVELS)}; debug counts")

    def _address(self, path: str, text: str) -> tuple[str, int] | None:
        try:
            return _host_port(text)
        except ValueError:
            self._say("error", path, f"{text!r} cannot be used; {_ADDRESS}")
            return None

    def _unknown(self, path: str, name: str, known: Mapping[str, object], what: str) -> None:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        self._say("warning", path, f"{name} is no {what} and has no effect{hint}")

    def _say(self, severity: str, path: str, message: str) -> None:
        """`path` is a key's; where its line is not known, the table's is taken."""
        line = self._lines.get(path) or self._lines.get(path.rpartition(".")[0])
        self.findings.append(Finding(severity, f"{self._source}:{line}" if line else self._source, message))


_LEVELS = ("debug", "info", "warn", "error", "panic")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int) else 0.0


def _host_port(text: str) -> tuple[str, int]:
    """Raises ValueError."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    number = int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0
    if not bare or not 0 < number < 65536 or re.search(r"[\s/@]", bare) or (":" in bare and bare == host):
        raise ValueError(text)
    return bare, number


def _unique(upstreams: tuple[Upstream, ...]) -> Iterator[Upstream]:
    taken: set[str] = set()
    for upstream in upstreams:
        name, number = upstream.name, 1
        while name in taken:
            number += 1
            name = f"{upstream.name}-{number}"
        taken.add(name)
        yield upstream._replace(name=name)
