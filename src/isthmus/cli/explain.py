"""`isthmus explain`: what happens to one request, and which object and line decides it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlsplit

import click
from msgspec import Struct

from isthmus.app.offline import Offline
from isthmus.cli.notes import notes, said, tell_errors
from isthmus.cli.options import Failure, manifests, ports, settings_of
from isthmus.cli.reading import read
from isthmus.ir.host import Origin
from isthmus.ir.listener import HTTP, HTTPS
from isthmus.ir.match import Pattern
from isthmus.kube.refs import FieldPath, ObjectRef
from isthmus.xds import names
from isthmus.xds.simulate import Request, Verdict, simulate

_SENT = "".join(map(chr, range(0x21, 0x7F)))  # what Envoy takes in a request's path


@click.command("explain")
@click.argument("words", nargs=-1, required=True, metavar="[METHOD] URL|HOST/pkg.Service/Method")
@manifests
@ports
@click.option("-H", "--header", "headers", multiple=True, metavar="K:V", help="A request header. Repeatable.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(
    words: tuple[str, ...],
    paths: tuple[str, ...],
    classes: tuple[str, ...],
    endpoints: tuple[str, ...],
    allow_external_name: bool,
    **options: Any,
) -> None:
    """Say what happens to a request: listener, certificate, host, rule, cluster, endpoints.

    A URL without scheme that ends in /pkg.Service/Method is a gRPC call over TLS; start it with http:// for
    cleartext.

    \b
    isthmus explain https://demo.kubesre.com/ -f examples/demo
    isthmus explain demo.kubesre.com/helloworld.Greeter/SayHello -f examples/demo
    isthmus explain GET http://localhost/chat -H 'Upgrade: websocket' -H 'Connection: Upgrade' -f examples/demo
    """
    request = parse_request(words, tuple(options["headers"]))
    controller = (options["controller_config"], options["without"])
    settings = settings_of(paths, classes, endpoints, allow_external_name, *controller)
    settings = settings._replace(http_port=options["http_port"], https_port=options["https_port"])
    offline = read(settings, paths)
    tell_errors(offline, paths)
    verdict = simulate(offline.snapshot, request)
    steps = explain(offline, request, verdict)
    if options["output"] == "json":
        click.echo(json.dumps({"schema": "isthmus.explain/v1", "steps": [_as_json(step) for step in steps]}, indent=2))
        return
    for step in steps:
        click.echo(f"{step.name:<12} {step.text}" + (f"\n{'':<12}   from {step.source}" if step.source else ""))


class Step(Struct, frozen=True):
    """One line of an explanation; `source` is the object, field and place that it came from."""

    name: str
    text: str
    source: str = ""


def parse_request(words: tuple[str, ...], headers: tuple[str, ...]) -> Request:
    """Read `[METHOD] URL`. Raises Failure."""
    if len(words) > 2 or (len(words) == 2 and not words[0].isalpha()):
        raise Failure("expected [METHOD] URL, for example: GET https://demo.example.com/path")
    url = words[-1]
    path = url.partition("://")[2].partition("/")[2] or url.partition("/")[2]
    written = quote(path, safe=_SENT)
    if written != path:
        raise Failure(f"the path {f'/{path}'!r} cannot be sent so: Envoy answers 400 Bad Request; write /{written}")
    bare = "://" not in url
    try:
        parts = urlsplit(f"https://{url}" if bare else url)
        host = parts.hostname or ""
    except ValueError as error:
        raise Failure(f"{url}: {error}") from None
    schemes = {"http": HTTP, "https": HTTPS, "ws": HTTP, "wss": HTTPS, "grpc": HTTP, "grpcs": HTTPS}
    if parts.scheme not in schemes or not host:
        raise Failure(f"{url} is not a URL with one of the schemes {', '.join(schemes)}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    given = [_header(text) for text in headers]
    service = parts.path.strip("/").split("/")
    if parts.scheme.startswith("grpc") or (bare and len(service) == 2 and "." in service[0]):
        given.append(("content-type", "application/grpc"))
    if parts.scheme.startswith("ws"):
        given += [("connection", "Upgrade"), ("upgrade", "websocket")]
    grpc = ("content-type", "application/grpc") in given
    method = words[0].upper() if len(words) == 2 else ("POST" if grpc else "GET")
    return Request(parts.netloc.rpartition("@")[2] or host, path, method, schemes[parts.scheme], host, tuple(given))


def _header(text: str) -> tuple[str, str]:
    name, mark, value = text.partition(":")
    if not mark or not name.strip():
        raise Failure(f"-H {text}: expected NAME:VALUE")
    return name.strip().lower(), value.strip()


def explain(offline: Offline, request: Request, verdict: Verdict) -> list[Step]:
    """The way of the request, step by step, with the origin of each step."""
    steps = [Step("listener", f"{verdict.listener or request.listener} for {request.host}")]
    if verdict.certificate:
        steps.append(Step("certificate", f"for SNI {verdict.certificate}", _certificate(offline, verdict.certificate)))
    if verdict.host:
        steps.append(Step("host", verdict.host + (f" (scope {verdict.scope})" if verdict.scope else "")))
    if verdict.route:
        steps.append(Step("rule", _rule(offline, verdict.route), _source(offline, names.origin_of(verdict.route))))
    for lost in verdict.lost:
        origin = names.origin_of(lost.route)
        if origin is not None:  # routes of our own take only what no rule takes
            steps.append(Step("not", f"{origin.ref}: {lost.why}", _source(offline, origin)))
    if verdict.rewritten:
        steps.append(Step("rewritten", f"the backend gets {verdict.rewritten}"))
    if verdict.filters:
        steps.append(Step("filters", ", ".join(verdict.filters)))
    steps += [Step("policy", said(offline, text)) for text in verdict.asked]
    if verdict.cluster:
        ref = names.service_of(verdict.cluster)
        source = _place(offline, ObjectRef("Service", ref.namespace, ref.service), FieldPath(("spec", "ports")))
        shares = [f" ({100 * weight / sum(verdict.shares):.3g}%)" for weight in verdict.shares] or [""]
        steps.append(Step("cluster", verdict.cluster + shares[0], source))
        steps.append(Step("endpoints", ", ".join(verdict.endpoints) or "none"))
        steps += [Step("or", other + share) for other, share in zip(verdict.others, shares[1:], strict=True)]
    steps += [Step("note", text) for text in notes(offline, request, verdict)]
    steps.append(Step("answer", _answer(request, verdict)))
    return steps


def _rule(offline: Offline, route: str) -> str:
    origin = names.origin_of(route)
    if origin is None:
        return f"{route} (made by Isthmus)"
    routes = (r for t in offline.pipeline.memo.hosts.values() for c in t.hosts for r in c.routes if r.origin == origin)
    found = next(routes, None)
    kinds = {"Exact": "exactly", "SegmentPrefix": "path elements", "Prefix": "text prefix", "Pattern": "pattern"}
    if found is None:
        return route
    path = found.match.path
    return f"{kinds[type(path).__name__]} {path.shown if isinstance(path, Pattern) else path.path}"


def _certificate(offline: Offline, sni: str) -> str:
    wanted = (sni.lower(), "*." + sni.lower().partition(".")[2])
    certificates = (c for t in offline.pipeline.memo.hosts.values() for c in t.certificates if c.host in wanted)
    found = next(certificates, None)
    return _source(offline, found.origin) if found else ""


def _source(offline: Offline, origin: Origin | None) -> str:
    return _place(offline, origin.ref, origin.path) if origin else ""


def _place(offline: Offline, ref: ObjectRef, path: FieldPath) -> str:
    pos = offline.place(ref, path)
    return f"{ref}, {path}" + (f" ({pos})" if pos else "")


def _answer(request: Request, verdict: Verdict) -> str:
    if verdict.status is None and not verdict.cluster:
        return verdict.reason
    if verdict.status is None:
        return "the backend's" + (", as a WebSocket" if verdict.upgraded else "")
    text = f"{verdict.status} {verdict.reason}" + (f" to {verdict.location}" if verdict.location else "")
    return f"{text} (grpc-status {verdict.grpc_status()})" if request.grpc else text


def _as_json(step: Step) -> dict[str, str]:
    return {"step": step.name, "text": step.text, **({"source": step.source} if step.source else {})}
