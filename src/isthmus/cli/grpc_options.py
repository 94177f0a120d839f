"""What `list`, `describe` and `call` share: grpcurl's flags, with one dash or two, and the server that they describe.

Long flags may be written with a single dash, as grpcurl's users do: `-plaintext`, `-max-time=5`. May not know what a
verb does with the server.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from isthmus.cli.options import Failure

_F = TypeVar("_F", bound=Callable[..., object])
CANNOT_REACH = 3


class GrpcCommand(click.Command):
    """A command that takes long flags with one dash too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name for param in self.params for name in param.opts if name.startswith("--")}
        return super().parse_args(ctx, [_two_dashes(arg, known) for arg in args])


def _two_dashes(arg: str, known: set[str]) -> str:
    name = arg.partition("=")[0]
    return f"-{arg}" if re.fullmatch(r"-[a-z][a-z-]+", name) and f"-{name}" in known else arg


class ServerOptions(NamedTuple):
    """How a server is reached and where its schema comes from; times in seconds."""

    plaintext: bool = False
    insecure: bool = False
    cacert: str = ""
    cert: str = ""
    key: str = ""
    authority: str = ""
    servername: str = ""
    user_agent: str = ""
    connect_timeout: float = 10.0
    keepalive_time: float = 0.0
    max_msg_sz: int = 16 * 1024 * 1024
    header: tuple[str, ...] = ()
    reflect_header: tuple[str, ...] = ()
    expand_headers: bool = False
    proto: tuple[str, ...] = ()
    protoset: tuple[str, ...] = ()
    import_path: tuple[str, ...] = ()
    use_reflection: bool | None = None
    protoset_out: str = ""

    @property
    def wants_tls(self) -> str:
        """The flag that asks for TLS; empty where none does."""
        given = {"insecure": self.insecure, "cacert": self.cacert, "cert": self.cert, "servername": self.servername}
        return next((name for name, value in given.items() if value), "")


def server_options(function: _F) -> _F:
    """The flags."""
    for option in _OPTIONS:
        function = option(function)
    return function


_FILE = click.Path(exists=True, dir_okay=False)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--protoset-out", default="", metavar="FILE", help="Write the schema there, as a FileDescriptorSet."),
    click.option("--use-reflection/--no-use-reflection", default=None, help="Ask the server although files are given."),
    click.option("-I", "--import-path", multiple=True, type=click.Path(exists=True, file_okay=False)),
    click.option("--protoset", multiple=True, type=_FILE, help="A FileDescriptorSet, in place of reflection."),
    click.option("--proto", multiple=True, metavar="FILE", help="A .proto file, in place of reflection."),
    click.option("--expand-headers", is_flag=True, help="Replace ${NAME} in headers by environment variables."),
    click.option("--reflect-header", multiple=True, metavar="NAME: VALUE", help="Metadata for reflection only."),
    click.option("-H", "--header", multiple=True, metavar="NAME: VALUE", help="Metadata for calls and reflection."),
    click.option("--max-msg-sz", type=click.IntRange(1), default=16 * 1024 * 1024, metavar="BYTES", show_default=True),
    click.option("--keepalive-time", type=click.FloatRange(0), default=0.0, metavar="SECONDS"),
    click.option("--connect-timeout", type=click.FloatRange(0), default=10.0, metavar="SECONDS", show_default=True),
    click.option("--user-agent", default="", metavar="TEXT"),
    click.option("--servername", default="", metavar="NAME", help="Name in TLS, if it is not that of the address."),
    click.option("--authority", default="", metavar="NAME", help=":authority; over TLS the server's name too."),
    click.option("--key", default="", metavar="FILE", help="PEM private key of -cert."),
    click.option("--cert", default="", metavar="FILE", help="PEM certificate to show to the server."),
    click.option("--cacert", default="", metavar="FILE", help="PEM authorities that the server is verified by."),
    click.option("--insecure", is_flag=True, help="TLS without verifying the server."),
    click.option("--plaintext", is_flag=True, help="No TLS; found out by default."),
)


def options_from(given: dict[str, Any]) -> ServerOptions:
    """The options out of a command's parameters, which lose them. Raises Failure."""
    found = ServerOptions(**{name: given.pop(name) for name in ServerOptions._fields})
    if found.plaintext and found.wants_tls:
        raise Failure(f"-plaintext and -{found.wants_tls} contradict each other")
    if bool(found.cert) != bool(found.key):
        raise Failure("-cert and -key go together")
    for path in (found.cacert, found.cert, found.key):
        if path and not os.path.isfile(path):
            raise Failure(f"{path}: no such file")
    return found


def metadata_of(lines: tuple[str, ...], expand: bool) -> tuple[tuple[str, str | bytes], ...]:
    """`name: value` as metadata; the values of -bin names are base64. Raises Failure."""
    found: list[tuple[str, str | bytes]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon or not re.fullmatch(r"[a-z0-9_.-]+", name):
            raise Failure(f"-H {line!r}: expected NAME: VALUE")
        if expand:
            value = re.sub(r"\$\{(\w+)\}", _variable, value)
        found.append((name, _binary(line, value) if name.endswith("-bin") else value))
    return tuple(found)


def _variable(found: re.Match[str]) -> str:
    if found[1] not in os.environ:
        raise Failure(f"-expand-headers: there is no environment variable {found[1]}")
    return os.environ[found[1]]


def _binary(line: str, value: str) -> bytes:
    import base64
    import binascii

    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        raise Failure(f"-H {line!r}: the value of a -bin header is base64") from None
