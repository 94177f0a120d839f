"""Options of `isthmus run` about bare gRPC servers and how their APIs are offered."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isthmus.cli.quantities import Whole

if TYPE_CHECKING:
    from isthmus.schema.model import Binding

from isthmus.app.settings import Offering, SettingsError, Target, parse_target
from isthmus.cli.options import Failure

_F = TypeVar("_F", bound=Callable[..., object])
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


class Span(click.ParamType[float]):
    """A length of time: 300s, 5m, 500ms or bare seconds; as seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = _SPAN.fullmatch(str(value))
        if not found:
            self.fail(f"{value} is no time; expected for example 300s, 5m or 500ms", param, ctx)
        return float(found[1]) * _SECONDS[found[2] or ""]


def servers(function: _F) -> _F:
    """HOST:PORT arguments, and the options that count for them."""
    for option in _OPTIONS:
        function = option(function)
    return function


_FILE = click.Path(exists=True, dir_okay=False)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--explorer-port",
        type=Whole(0, 65535),
        default=None,
        help="Port of the web explorer, on the loopback address; 0 for none. By default 8081 with HOST:PORT.",
    ),
    click.option("--emit-defaults", is_flag=True, help="Print fields that have their default value, in JSON answers."),
    click.option("--proto-names", is_flag=True, help="Answer with proto field names instead of lowerCamelCase."),
    click.option(
        "--header", "headers", multiple=True, metavar="NAME", help="Request header that becomes metadata. Repeatable."
    ),
    click.option(
        "--origin",
        "origins",
        multiple=True,
        metavar="URL",
        help="Web origin whose pages may call; * for any. Pages on this machine may. Repeatable.",
    ),
    click.option("--insecure", is_flag=True, help="Do not verify the servers' certificates."),
    click.option("--server-name", default="", metavar="NAME", help="Name that the servers' certificates are for."),
    click.option("--key", default=None, type=_FILE, help="PEM private key of --cert."),
    click.option("--cert", default=None, type=_FILE, help="PEM certificate to show to the servers."),
    click.option("--cacert", "ca", default=None, type=_FILE, help="PEM authorities that the servers are verified by."),
    click.option("--plaintext", is_flag=True, help="The servers speak cleartext; found out by default."),
    click.option(
        "--wait", default="300s", type=Span(), show_default=True, help="How long a server may take to come up."
    ),
    click.option(
        "--mapping", default=None, type=_FILE, help="HTTP rules (google.api.Service YAML) that add to the schemas' own."
    ),
    click.option(
        "-I",
        "--import-path",
        "import_paths",
        multiple=True,
        type=click.Path(exists=True, file_okay=False),
        help="A folder that .proto files are imported from. Repeatable.",
    ),
    click.option("--proto", "protos", multiple=True, metavar="FILE", help="A .proto file, in place of reflection."),
    click.option(
        "--protoset", "protosets", multiple=True, type=_FILE, help="A FileDescriptorSet, in place of reflection."
    ),
    click.option(
        "-c",
        "--rust-grpc-proxy",
        default=None,
        metavar="FILE",
        help="Take servers, address and header rules from a configuration of rust-grpc-proxy, as it is.",
    ),
    click.argument("targets", nargs=-1, metavar="[HOST:PORT]..."),
)
LOOPBACK_ORIGINS = ("http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*")


# Options that only one of the two can mean, by the names of their parameters.
_OF_SERVERS = frozenset(
    (
        "protosets",
        "protos",
        "import_paths",
        "mapping",
        "wait",
        "plaintext",
        "ca",
        "cert",
        "key",
        "server_name",
        "insecure",
        "origins",
        "headers",
        "proto_names",
        "emit_defaults",
    )
)
_OF_MANIFESTS = frozenset(("classes", "endpoints", "allow_external_name", "controller_config", "without"))


def refuse_options_of_the_other(targets: tuple[str, ...], paths: tuple[str, ...]) -> None:
    """Raises Failure for an option that would be passed over: one of bare servers with manifests, or the reverse."""
    if bool(targets) == bool(paths):
        return
    context = click.get_current_context()
    wrong = _OF_MANIFESTS if targets else _OF_SERVERS
    source = click.core.ParameterSource.COMMANDLINE
    for each in context.command.params:
        if each.name in wrong and context.get_parameter_source(each.name) is source:
            flag = max(each.opts, key=len)
            if targets:
                raise Failure(f"{flag} is about manifests (-f), and a server is given as HOST:PORT; leave it out")
            raise Failure(
                f"{flag} is about servers that are given as HOST:PORT, and here are manifests (-f){_how(flag)}"
            )


def _how(flag: str) -> str:
    """What says the same with manifests."""
    annotation = {
        "--origin": "transcode-origins",
        "--header": "transcode-headers",
        "--proto-names": "transcode-options",
        "--emit-defaults": "transcode-options",
    }.get(flag)
    return f"; the annotation isthmus.dev/{annotation} says it there" if annotation else "; leave it out"


def refuse_unreadable_files(offering: Offering) -> None:
    """Raises Failure for files with schemas or HTTP rules that cannot be used, before anything is started."""
    if offering.protosets or offering.protos:
        from isthmus.app.apis import given_descriptors  # not on the way of everybody else
        from isthmus.edge.proto_files import ProtoError

        try:
            given_descriptors(offering)
        except (ProtoError, OSError) as error:
            raise Failure(str(error)) from None
    if offering.mapping:
        rules_of(offering.mapping)


def rules_of(path: str) -> dict[str, tuple[Binding, ...]]:
    """The HTTP rules of a file. Raises Failure."""
    from isthmus.schema.mapping import parse_mapping

    try:
        read = parse_mapping(Path(path).read_bytes(), path)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    if read.errors:
        raise Failure("\n".join(read.errors))
    return read.rules


def targets_of(texts: tuple[str, ...], plaintext: bool, offering: Offering) -> tuple[Target, ...]:
    """The servers named on the command line. Raises Failure."""
    try:
        found = tuple(parse_target(text) for text in texts)
    except SettingsError as error:
        raise Failure(str(error)) from None
    addresses = Counter((each.host, each.port) for each in found)
    twice = [each.name for each in found if addresses[each.host, each.port] > 1]
    if twice:
        raise Failure(f"{twice[0]} is named twice")
    wants_tls = [name for name in ("ca", "cert", "insecure", "server_name") if getattr(offering, name)]
    if plaintext and wants_tls:
        raise Failure(f"--plaintext and --{wants_tls[0].replace('ca', 'cacert')} contradict each other")
    if bool(offering.cert) != bool(offering.key):
        raise Failure("--cert and --key go together")
    tls = "off" if plaintext else "on" if wants_tls else "auto"
    return tuple(target if target.tls != "auto" else target._replace(tls=tls) for target in found)


_ORIGIN = re.compile(r"\*|https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::(?:[0-9]{1,5}|\*))?")
_HEADER = re.compile(r"[a-z0-9_-]+\*?|\*")


def _origin(text: str) -> str:
    """A web origin as browsers write it. Raises Failure."""
    found = text.lower()
    if not _ORIGIN.fullmatch(found):
        fit = found if "://" in found else f"https://{found}"
        origin = "/".join(fit.split("/")[:3])
        hint = f"; did you mean {origin}?" if _ORIGIN.fullmatch(origin) else ""
        raise Failure(f"--origin {text}: expected a web origin such as https://app.example.com, or *{hint}")
    return found


def _header(text: str) -> str:
    """The name of a header, or a prefix of names. Raises Failure."""
    if not _HEADER.fullmatch(text.lower()):
        raise Failure(f"--header {text}: expected a header's name; a * after it makes a prefix of it, * alone is all")
    return text.lower()


def offering_of(options: dict[str, Any], bare: bool) -> Offering:
    """The offering that the options describe; takes them out of `options`."""
    port = options.pop("explorer_port")
    origins = tuple(map(_origin, options.pop("origins")))
    return Offering(
        protosets=_absolute(options.pop("protosets")),
        protos=options.pop("protos"),
        import_paths=_absolute(options.pop("import_paths")),
        mapping=_path(options.pop("mapping")),
        wait_seconds=options.pop("wait"),
        ca=_path(options.pop("ca")),
        cert=_path(options.pop("cert")),
        key=_path(options.pop("key")),
        server_name=options.pop("server_name"),
        insecure=options.pop("insecure"),
        origins=(*LOOPBACK_ORIGINS, *origins) if bare else origins,
        headers=tuple(map(_header, options.pop("headers"))),
        preserve_names=options.pop("proto_names"),
        emit_defaults=options.pop("emit_defaults"),
        explorer_port=(8081 if bare else 0) if port is None else port,
    )


def _path(path: str | None) -> str:
    return os.path.abspath(path) if path else ""


def _absolute(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(os.path.abspath, paths))
