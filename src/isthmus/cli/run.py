"""`isthmus run`: becomes the supervisor of a gateway. Imports nothing heavy: it is on the way to the first answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from isthmus.app.settings import Settings
from isthmus.cli.api_options import (
    offering_of,
    refuse_options_of_the_other,
    refuse_unreadable_files,
    servers,
    targets_of,
)
from isthmus.cli.grouped import GroupedCommand
from isthmus.cli.options import Failure, manifests_or_not, normal, parsed, read_once
from isthmus.cli.quantities import PORT, Real, Whole
from isthmus.edge.child import Child, control_plane
from isthmus.edge.runtime_dir import RuntimeDir


class _RunCommand(GroupedCommand):
    """What is served, where and how, in the order in which people ask."""

    groups = (
        ("Manifests", "--filename --class --endpoint --allow-external-name --controller-configmap --without"),
        (
            "Servers (HOST:PORT)",
            "--wait --plaintext --cacert --cert --key --server-name --insecure --rust-grpc-proxy",
        ),
        ("Schemas of servers", "--protoset --proto --import-path --mapping"),
        ("APIs of servers", "--origin --header --proto-names --emit-defaults --explorer-port"),
        ("Listening", "--bind --http-port --https-port --trusted-hops --headers-with-underscores"),
        ("Process", "--access-log --envoy --concurrency --drain-seconds --output --help"),
    )


@click.command("run", cls=_RunCommand)
@servers
@manifests_or_not
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--http-port", type=PORT, default=8080, show_default=True, help="Port for cleartext.")
@click.option("--https-port", type=PORT, default=8443, show_default=True, help="Port for TLS.")
@click.option(
    "--concurrency", type=Whole(0, 1024), default=0, help="Envoy's worker threads; one a processor by default."
)
@click.option(
    "--trusted-hops",
    type=Whole(0, 100),
    default=0,
    show_default=True,
    help="Proxies before this gateway whose X-Forwarded-For and -Proto count.",
)
@click.option(
    "--headers-with-underscores",
    "underscores",
    type=click.Choice(["reject", "drop", "allow"]),
    default="reject",
    show_default=True,
    help="What to do with requests that carry such header names.",
)
@click.option("--access-log", metavar="FILE", default="", help="Write a line of JSON for each request to this file.")
@click.option("--drain-seconds", type=Real(0, 3600), default=5.0, show_default=True, help="Time to finish on stop.")
@click.option("--envoy", metavar="PATH", default="", help="The Envoy binary; the installed package's by default.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Events as text or JSON.")
def command(targets: tuple[str, ...], paths: tuple[str, ...], **options: Any) -> None:
    """Serve manifests, or bare gRPC servers, through Envoy and follow every change.

    Given HOST:PORT, it asks the server for its schema and serves gRPC, gRPC-Web, Connect, REST and WebSocket clients on
    one port. Given -f, it serves what the manifests describe. Binds to the loopback address unless --bind says
    otherwise. Ctrl-C drains and leaves nothing behind.

    \b
    isthmus run localhost:50051
    isthmus run -f deploy/ --endpoint default/web:80=127.0.0.1:3000 --endpoint default/api=127.0.0.1:4000
    kubectl get ing,svc,endpointslices,secret -o yaml | isthmus run -f - -o json
    """
    refuse_options_of_the_other(targets, paths)
    settings = _settings(targets, paths, options)
    refuse_unreadable_files(settings.offering)
    child = click.get_current_context().find_object(Child) or control_plane()
    sys.exit(_supervise(settings, options["envoy"], read_once(settings.paths), child))


def _settings(targets: tuple[str, ...], paths: tuple[str, ...], options: dict[str, Any]) -> Settings:
    """What was asked for. Raises Failure."""
    proxy_file = options["rust_grpc_proxy"]
    as_proxy = proxy_file is not None or not (targets or paths or "RUST_GRPC_PROXY_ADDR" not in os.environ)
    if as_proxy and (targets or paths):
        raise Failure("-c names the servers already; leave out HOST:PORT and -f")
    if bool(targets) == bool(paths) and not as_proxy:
        what = "both" if targets else "neither"
        raise Failure(f"expected either HOST:PORT of a gRPC server or manifests with -f; found {what}")
    missing = [path for path in paths if path != "-" and not os.path.exists(path)]
    if missing:
        raise Failure(f"{', '.join(missing)}: no such file or folder")
    offering = offering_of(options, bare=bool(targets) or as_proxy)
    settings = Settings(
        paths=normal(paths),
        bind="127.0.0.1" if options["bind"] == "localhost" else options["bind"],
        http_port=options["http_port"],
        https_port=options["https_port"],
        classes=options["classes"],
        endpoints=parsed(options["endpoints"]),
        concurrency=options["concurrency"],
        allow_external_name=options["allow_external_name"],
        controller_config=options["controller_config"],
        without=options["without"],
        underscores=options["underscores"],
        trusted_hops=options["trusted_hops"],
        access_log=_writable(options["access_log"]),
        output=options["output"],
        drain_seconds=options["drain_seconds"],
        targets=targets_of(targets, options["plaintext"], offering),
        offering=offering,
    )
    if as_proxy:
        from isthmus.cli.rust_grpc_proxy import configured

        settings = configured(settings, proxy_file, settings.output == "text")
    _check_ports(settings)
    return settings


def _writable(path: str) -> str:
    """The absolute path of a file that lines can be added to. Raises Failure."""
    if not path:
        return ""
    try:
        with open(path, "ab"):
            return os.path.abspath(path)
    except OSError as error:
        raise Failure(f"--access-log {path}: {error.strerror}") from None


def _supervise(settings: Settings, envoy: str, once: Mapping[str, bytes], child: Child) -> int:
    from isthmus.edge.envoy_process import EnvoyError, envoy_argv, find_envoy, heap_budget
    from isthmus.edge.ports import Port
    from isthmus.edge.runtime_dir import make_runtime_dir
    from isthmus.edge.supervisor import Plan, Supervisor
    from isthmus.xds.bootstrap import Own, bootstrap

    try:
        binary = find_envoy(envoy)
    except EnvoyError as error:
        raise Failure(str(error), 3) from None
    runtime = make_runtime_dir()
    copies = {path: runtime.path / f"once-{number}" for number, path in enumerate(once)}
    for path, copy in copies.items():
        copy.write_bytes(once[path])
    settings = settings._replace(once=tuple((path, str(copy)) for path, copy in copies.items()))
    child.orders = json.dumps({"runtime": str(runtime.path), "settings": settings})
    node = f"isthmus-{os.getpid()}"
    own = Own(settings.bind, settings.http_port, 0 if settings.targets else settings.https_port)
    boot = bootstrap(runtime.sockets, node, heap_budget(), own=own)
    runtime.bootstrap.write_text(json.dumps(boot))
    plan = Plan(
        control_plane=child,
        envoy=envoy_argv(binary, runtime.bootstrap, settings.concurrency),
        runtime=runtime,
        on_event=_teller(settings.output == "json"),
        ports=tuple(Port(*each) for each in _ports(settings)),
        drain_seconds=settings.drain_seconds,
        helpers=_helpers(runtime, settings),
    )
    return Supervisor(plan).run()


def _check_ports(settings: Settings) -> None:
    """Raises Failure for a port that is wanted twice: Envoy would take it, and the explorer never get it."""
    flags: dict[int, str] = {}
    for _, port, flag in _ports(settings):
        if port in flags:
            raise Failure(f"{flags[port]} and {flag} are both {port}; give two different ports")
        flags[port] = flag


def _ports(settings: Settings) -> Iterator[tuple[str, int, str]]:
    yield settings.bind, settings.http_port, "--http-port"
    if not settings.targets:
        yield settings.bind, settings.https_port, "--https-port"
    if settings.offering.explorer_port:
        yield "127.0.0.1", settings.offering.explorer_port, "--explorer-port"


def _helpers(runtime: RuntimeDir, settings: Settings) -> dict[str, Child]:
    """Processes that the control plane may ask for, with their orders."""
    sockets = runtime.sockets
    adapter = {"listen": sockets.adapter, "grpc_listen": sockets.adapter_grpc, "egress": sockets.egress}
    orders = {
        "adapter": {**adapter, "schemas": str(runtime.schemas)},
        "authorization": {
            "listen": sockets.authorization,
            "egress": sockets.egress,
            "policies": str(runtime.policies),
        },
        "explorer": {"runtime": str(runtime.path), "port": settings.offering.explorer_port},
    }
    return {
        name: Child((sys.executable, "-m", f"isthmus.app.{name}"), takes_status=True, orders=json.dumps(each))
        for name, each in orders.items()
    }


def _teller(as_json: bool) -> Callable[..., None]:
    """Prints what the supervisor says: all of it for programs, what matters to people."""
    from isthmus.edge.supervisor import Event

    def tell(event: Event) -> None:
        if as_json:
            line = json.dumps({"event": event.kind, "message": event.message, "pid": event.pid})
            sys.stdout.write(f"{line}\n")  # in one piece: the control plane writes there too
            sys.stdout.flush()
        elif event.kind == "error":
            print(f"Error: {event.message}", file=sys.stderr, flush=True)
        elif event.kind in ("control-plane-ended", "envoy-ended", "envoy-log", "draining"):
            print(event.message, file=sys.stderr, flush=True)

    return tell
