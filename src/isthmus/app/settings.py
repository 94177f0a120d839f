"""What the user asked for on the command line: read once, frozen, passed on as JSON to the control plane."""

from __future__ import annotations

import re
from typing import NamedTuple

# A name without what would be another part of an address, or an IPv6 address; nothing is localhost.
_HOST = re.compile(r"[^\s:,/@\[\]]*|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?\]?")

Given = tuple[str, str, int, tuple[tuple[str, int], ...]]  # namespace, service, port or 0, addresses


class SettingsError(ValueError):
    """A setting that cannot be used; the message says which and what was expected."""


class Target(NamedTuple):
    """A bare gRPC server. `tls` is `auto`, `on` or `off`; only its HTTP rules whose paths begin with `prefix` count."""

    host: str
    port: int
    tls: str = "auto"
    prefix: str = ""

    @property
    def name(self) -> str:
        """HOST:PORT."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Offering(NamedTuple):
    """How APIs are offered. Files are paths: descriptors, sources, HTTP rules, certificates for the servers.

    `wait_seconds` is how long bare servers may take to come up; `origins` are web origins that may call; `headers` are
    request headers that become metadata beside the usual ones; `explorer_port` 0 is none.
    """

    protosets: tuple[str, ...] = ()
    protos: tuple[str, ...] = ()
    import_paths: tuple[str, ...] = ()
    mapping: str = ""
    wait_seconds: float = 300.0
    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""
    insecure: bool = False
    origins: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    only_headers: bool = False
    lenient: bool = False
    answer_headers: tuple[tuple[str, str], ...] = ()
    preserve_names: bool = False
    emit_defaults: bool = False
    explorer_port: int = 0


class Settings(NamedTuple):
    """`endpoints` are addresses given by hand. `controller_config` is the `namespace/name` of a ConfigMap, or empty for
    the usual one; `without` are quirks that are left out. `once` are
    pairs of a path that can be read only once, such as `-`, and a file that holds what it held.

    A plain tuple, because the supervisor must stay small and start at once.
    """

    paths: tuple[str, ...]
    bind: str = "127.0.0.1"
    http_port: int = 8080
    https_port: int = 8443
    classes: tuple[str, ...] = ("nginx",)
    endpoints: tuple[Given, ...] = ()
    concurrency: int = 0
    allow_external_name: bool = False
    controller_config: str = ""
    without: tuple[str, ...] = ()
    underscores: str = "reject"
    trusted_hops: int = 0
    access_log: str = ""
    output: str = "text"
    drain_seconds: float = 5.0
    once: tuple[tuple[str, str], ...] = ()
    targets: tuple[Target, ...] = ()
    offering: Offering = Offering()

    @property
    def http_address(self) -> str:
        """HOST:PORT of the HTTP listener."""
        return f"[{self.bind}]:{self.http_port}" if ":" in self.bind else f"{self.bind}:{self.http_port}"

    @property
    def addresses(self) -> dict[tuple[str, str, int], tuple[tuple[str, int], ...]]:
        """The given endpoints as the store wants them."""
        return {(namespace, service, port): found for namespace, service, port, found in self.endpoints}


def parse_endpoint(text: str) -> Given:
    """Read `NS/SVC[:PORT]=HOST:PORT,...`; HOST is an IP address or localhost. Raises SettingsError."""
    wanted = "expected NAMESPACE/SERVICE[:PORT]=IP:PORT,..., for example default/web:80=127.0.0.1:3000"
    left, mark, right = text.partition("=")
    name, _, port = left.partition(":")
    namespace, slash, service = name.partition("/")
    if not (mark and slash and namespace and service and (not port or (port.isascii() and port.isdigit()))):
        raise SettingsError(f"--endpoint {text}: {wanted}")
    addresses = tuple(_address(part.strip(), text) for part in right.split(",") if part.strip())
    return namespace, service, int(port or 0), addresses


def parse_target(text: str) -> Target:
    """Read `HOST:PORT`, `:PORT` or `PORT`, with an optional http:// or https://. Raises SettingsError."""
    wanted = "expected HOST:PORT, for example localhost:50051"
    scheme, mark, rest = text.rpartition("://")
    if mark and scheme not in ("http", "https", "grpc", "grpcs"):
        raise SettingsError(f"{text}: {wanted}")
    host, _, port = rest.rstrip("/").rpartition(":")
    if not (port.isascii() and port.isdigit()):
        raise SettingsError(f"{text}: {wanted}")
    if not 0 < int(port[:6]) < 65536:
        raise SettingsError(f"{text}: a port is between 1 and 65535")
    if not _HOST.fullmatch(host):
        several = "; several servers are arguments of their own" if "," in host or " " in host else ""
        raise SettingsError(f"{text}: {wanted}{several}")
    tls = {"": "auto", "http": "off", "grpc": "off"}.get(scheme, "on")
    return Target(host.strip("[]") or "localhost", int(port), tls)


def _address(text: str, whole: str) -> tuple[str, int]:
    import ipaddress  # noqa: PLC0415 - needed for this option only, on the way to the first answer

    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if host == "localhost":
        host = "127.0.0.1"
    try:
        ipaddress.ip_address(host)
        number = int(port)
    except ValueError:
        raise SettingsError(f"--endpoint {whole}: {text} is not IP:PORT") from None
    if not 0 < number < 65536:
        raise SettingsError(f"--endpoint {whole}: port {number} is not between 1 and 65535")
    return host, number
