"""What `list`, `describe` and `call` share: grpcurl's flags, with one dash or two, and the server that they describe.

Long flags may be written with a single dash, as grpcurl's users do: `-plaintext`, `-max-time=5`. May not know what a
verb does with the server.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import click

from isthmus.cli.grpcurl_flags import refuse, refused
from isthmus.cli.options import Failure
from isthmus.cli.quantities import Real, Whole

_F = TypeVar("_F", bound=Callable[..., object])
CANNOT_REACH = 3
_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")  # as Go's flag package reads them


class GrpcCommand(click.Command):
    """A command that takes flags as Go programs do: long ones with one dash too, `-flag=true`, `-d=VALUE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        if ctx.resilient_parsing:  # for completion
            args = _rejoined(args)
        return super().parse_args(ctx, list(_like_go(args, options)))


def _rejoined(args: list[str]) -> list[str]:
    """bash hands HOST:PORT to completion as three words, and flag=value too."""
    found: list[str] = []
    glue = False
    for arg in args:
        if found and (glue or re.fullmatch(r"[:=]+", arg)):
            found[-1] += arg
        else:
            found.append(arg)
        glue = bool(re.fullmatch(r"[:=]+", arg))
    return found


def _like_go(args: list[str], options: list[click.Option]) -> Iterator[str]:
    """The arguments as click takes them; values of options stay as they are."""
    known = {name: option for option in options for name in (*option.opts, *option.secondary_opts)}
    rest = iter(args)
    for arg in rest:
        name, equals, value = arg.partition("=")
        if arg == "--":
            yield from (arg, *rest)
            return
        if f"-{name}" in known or (re.fullmatch(r"-[a-z][a-z-]+", name) and name[:2] not in known):
            name = f"-{name}"
        option = known.get(name)
        if option is None:
            yield f"{name}{equals}{value}"
        elif equals and option.is_flag:
            if value.lower() not in _TRUE + _FALSE:
                raise click.BadOptionUsage(name, f"{name} is true or false, not {value!r}")
            if value.lower() in _TRUE:
                yield name
            elif option.secondary_opts:
                yield option.secondary_opts[0]
        else:
            yield name
            if equals:
                yield value
            elif not option.is_flag:
                yield from itertools.islice(rest, 1)


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
    unix: bool = False
    header: tuple[str, ...] = ()
    reflect_header: tuple[str, ...] = ()
    expand_headers: bool = False
    proto: tuple[str, ...] = ()
    protoset: tuple[str, ...] = ()
    import_path: tuple[str, ...] = ()
    use_reflection: bool | None = None
    protoset_out: str = ""
    max_time: float = 0.0

    @property
    def wants_tls(self) -> str:
        """The flag that asks for TLS; empty where none does."""
        given = {"insecure": self.insecure, "cacert": self.cacert, "cert": self.cert, "servername": self.servername}
        return next((name for name, value in given.items() if value), "")


def server_options(function: _F) -> _F:
    """The flags."""
    for option in _OPTIONS:
        function = option(function)
    return refused(function)


_FILE = click.Path(exists=True, dir_okay=False)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--protoset-out", default="", metavar="FILE", help="Write the schema of what is asked for, a FileDescriptorSet."
    ),
    click.option("--use-reflection/--no-use-reflection", default=None, help="Ask the server although files are given."),
    click.option("-I", "--import-path", multiple=True, type=click.Path(exists=True, file_okay=False)),
    click.option("--protoset", multiple=True, type=_FILE, help="A FileDescriptorSet, in place of reflection."),
    click.option("--proto", multiple=True, metavar="FILE", help="A .proto file, in place of reflection."),
    click.option("--expand-headers", is_flag=True, help="Replace ${NAME} in headers by environment variables."),
    click.option("--reflect-header", multiple=True, metavar="NAME: VALUE", help="Metadata for reflection only."),
    click.option("-H", "--header", multiple=True, metavar="NAME: VALUE", help="Metadata for calls and reflection."),
    click.option("--max-time", type=Real(0), default=0.0, metavar="SECONDS", help="For everything; 0: none."),
    click.option("--max-msg-sz", type=Whole(0), default=16 * 1024 * 1024, metavar="BYTES", show_default=True),
    click.option("--keepalive-time", type=Real(0), default=0.0, metavar="SECONDS"),
    click.option("--connect-timeout", type=Real(0), default=10.0, metavar="SECONDS", show_default=True),
    click.option("--unix", is_flag=True, help="ADDRESS is the path of a Unix socket."),
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
    refuse(given)
    found = ServerOptions(**{name: given.pop(name) for name in ServerOptions._fields})
    usual = ServerOptions()  # 0 is grpcurl's way to ask for it
    found = found._replace(
        connect_timeout=found.connect_timeout or usual.connect_timeout, max_msg_sz=found.max_msg_sz or usual.max_msg_sz
    )
    if found.plaintext and found.wants_tls:
        raise Failure(f"-plaintext and -{found.wants_tls} contradict each other")
    if bool(found.cert) != bool(found.key):
        raise Failure("-cert and -key go together")
    if found.use_reflection is False and not (found.proto or found.protoset):
        raise Failure("-use-reflection=false needs the schema as -protoset FILE or -proto FILE")
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
        if not (value.isascii() and value.isprintable()):
            raise Failure(f"-H {name}: a value is printable ASCII; give other bytes as base64 under a name in -bin")
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
        plain = value.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise Failure(f"-H {line!r}: the value of a -bin header is base64") from None
