"""`isthmus run`: becomes the supervisor of a gateway. Imports nothing heavy: it is on the way to the first answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

import click

from isthmus.app.settings import Settings
from isthmus.cli.options import Failure, manifests, normal, parsed, standard_input
from isthmus.edge.child import Child, control_plane


@click.command("run")
@manifests
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--http-port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--https-port", type=click.IntRange(1, 65535), default=8443, show_default=True)
@click.option(
    "--concurrency", type=click.IntRange(0, 1024), default=0, help="Envoy's worker threads; one a processor by default."
)
@click.option(
    "--headers-with-underscores",
    "underscores",
    type=click.Choice(["reject", "drop", "allow"]),
    default="reject",
    show_default=True,
    help="What to do with requests that carry such header names.",
)
@click.option(
    "--drain-seconds", type=click.FloatRange(0, 3600), default=5.0, show_default=True, help="Time to finish on stop."
)
@click.option("--envoy", metavar="PATH", default="", help="The Envoy binary; the installed package's by default.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Events as text or JSON.")
def command(
    paths: tuple[str, ...],
    classes: tuple[str, ...],
    endpoints: tuple[str, ...],
    allow_external_name: bool,
    **options: str,
) -> None:
    """Serve manifests through Envoy and follow every change of the files.

    Binds to the loopback address unless --bind says otherwise. Ctrl-C drains and leaves nothing behind.

    \b
    isthmus run -f deploy/
    isthmus run -f deploy/ --endpoint default/web:80=127.0.0.1:3000 --endpoint default/api=127.0.0.1:4000
    kubectl get ing,svc,endpointslices,secret -o yaml | isthmus run -f - -o json
    """
    missing = [path for path in paths if path != "-" and not os.path.exists(path)]
    if missing:
        raise Failure(f"{', '.join(missing)}: no such file or folder")
    if options["http_port"] == options["https_port"]:
        raise Failure(f"--http-port and --https-port are both {options['http_port']}; give two different ports")
    settings = Settings(
        paths=normal(paths),
        bind="127.0.0.1" if options["bind"] == "localhost" else options["bind"],
        http_port=int(options["http_port"]),
        https_port=int(options["https_port"]),
        classes=classes,
        endpoints=parsed(endpoints),
        concurrency=int(options["concurrency"]),
        allow_external_name=allow_external_name,
        underscores=options["underscores"],
        output=options["output"],
        drain_seconds=float(options["drain_seconds"]),
    )
    child = click.get_current_context().find_object(Child) or control_plane()
    sys.exit(_supervise(settings, options["envoy"], standard_input(paths), child))


def _supervise(settings: Settings, envoy: str, stdin: bytes | None, child: Child) -> int:
    from isthmus.edge.envoy_process import EnvoyError, envoy_argv, find_envoy, heap_budget
    from isthmus.edge.ports import Port
    from isthmus.edge.runtime_dir import make_runtime_dir
    from isthmus.edge.supervisor import Plan, Supervisor
    from isthmus.xds.bootstrap import bootstrap

    try:
        binary = find_envoy(envoy)
    except EnvoyError as error:
        raise Failure(str(error), 3) from None
    runtime = make_runtime_dir()
    if stdin is not None:
        copy = runtime.path / "stdin.yaml"
        copy.write_bytes(stdin)
        settings = settings._replace(stdin=str(copy))
    child.orders = json.dumps({"runtime": str(runtime.path), "settings": settings})
    node = f"isthmus-{os.getpid()}"
    boot = bootstrap(runtime.sockets, node, heap_budget())
    runtime.bootstrap.write_text(json.dumps(boot))
    plan = Plan(
        control_plane=child,
        envoy=envoy_argv(binary, runtime.bootstrap, settings.concurrency),
        runtime=runtime,
        on_event=_teller(settings.output == "json"),
        ports=(
            Port(settings.bind, settings.http_port, "--http-port"),
            Port(settings.bind, settings.https_port, "--https-port"),
        ),
        drain_seconds=settings.drain_seconds,
    )
    return Supervisor(plan).run()


def _teller(as_json: bool) -> Callable[..., None]:
    """Prints what the supervisor says: all of it for programs, what matters to people."""
    from isthmus.edge.supervisor import Event

    def tell(event: Event) -> None:
        if as_json:
            print(json.dumps({"event": event.kind, "message": event.message, "pid": event.pid}), flush=True)
        elif event.kind == "error":
            print(f"Error: {event.message}", file=sys.stderr, flush=True)
        elif event.kind in ("control-plane-ended", "envoy-ended", "envoy-log", "draining"):
            print(event.message, file=sys.stderr, flush=True)

    return tell
