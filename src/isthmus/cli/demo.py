"""`isthmus demo`: everything at once on one machine, with lines to paste."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.options import Failure, parsed
from isthmus.cli.quantities import PORT

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from isthmus.app.demo import Served
    from isthmus.app.demo_lines import Answer, Line

_WIDEST = 200  # columns of the table


@click.command("demo")
@click.option("--check", is_flag=True, help="Run the printed lines, show their answers, and exit.")
@click.option("--http-port", type=PORT, default=8080, show_default=True)
@click.option("--https-port", type=PORT, default=8443, show_default=True)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Events as text or JSON.")
def command(check: bool, http_port: int, https_port: int, output: str) -> None:
    """Start real servers, put a gateway before them, and print lines to paste.

    Three replicas of a gRPC service, a WebSocket echo and an HTTP echo are served from the manifests in examples/demo,
    over TLS with a certificate made for the occasion and in the clear. Ctrl-C drains and leaves nothing behind.

    \b
    isthmus demo
    isthmus demo --check                 every line is asked; exit code 1 if an answer is not as expected
    isthmus demo --http-port 9080 --https-port 9443
    """
    from isthmus.app.demo import DemoError, Ports, run

    view = _Json() if output == "json" else _Text(check)
    try:
        sys.exit(run(Ports(http_port, https_port), check, view))
    except DemoError as error:
        raise Failure(str(error), 3) from None


class _Text:
    """For people."""

    def __init__(self, check: bool) -> None:
        self._check = check
        self._serving = False

    def served(self, served: Served) -> None:
        self._serving = True
        console = _console()
        table = _table(served)
        needed = console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum
        console.width = max(console.width, needed)  # addresses are for copying: none is folded or cut
        console.print(table)
        if self._check:
            return
        for line in served.lines:
            console.print(f"\n[dim]# {line.title}[/dim]")
            click.echo(line.command)
        console.print("\n[bold]Serving.[/bold] Paste the lines in another terminal. Change a file in")
        click.echo(f"{served.paths[0]} and it is live at once. Ctrl-C ends everything.")

    def event(self, event: Mapping[str, Any]) -> None:
        kind = event.get("event")
        if kind == "applied":
            if self._serving:  # what comes before is the start
                click.echo(f"live after {event['milliseconds']:.0f} ms", err=True)
        elif kind in ("diagnostic", "resolved"):
            self._finding(event, "" if kind == "diagnostic" else "resolved ")
        elif kind == "error":
            click.echo(f"Error: {event['message']}", err=True)
        elif kind in ("control-plane-ended", "envoy-ended", "draining"):
            click.echo(str(event["message"]), err=True)

    def answered(self, line: Line, answer: Answer) -> None:
        console = _console()
        console.print(f"\n[dim]# {line.title}[/dim]")
        click.echo(f"$ {line.command}")
        click.echo(answer.text.strip("\n"))
        if answer.fine:
            console.print("[green]as expected[/green]")
        else:
            console.print("[red]not as expected[/red], the answer lacks:")
            click.echo("\n".join(f"  {missing}" for missing in answer.missing))

    def checked(self, fine: int, of: int) -> None:
        click.echo(f"\n{fine} of {of} answers as expected")

    def _finding(self, event: Mapping[str, Any], before: str) -> None:
        if event["severity"] == "info":
            return
        place = f"{event['file']}:{event['line']}: " if "file" in event else ""
        click.echo(f"{before}{place}{event['severity']} {event['code']}: {event['message']}", err=True)


class _Json:
    """For programs: the gateway's own events and two more, `serving` and `answered`."""

    def served(self, served: Served) -> None:
        from msgspec import to_builtins

        self.event({"event": "serving", **to_builtins(served)})

    def event(self, event: Mapping[str, Any]) -> None:
        click.echo(json.dumps(event))

    def answered(self, line: Line, answer: Answer) -> None:
        found = {"title": line.title, "command": line.command, "answer": answer.text}
        self.event({"event": "answered", **found, "fine": answer.fine, "missing": answer.missing})

    def checked(self, fine: int, of: int) -> None:
        self.event({"event": "checked", "fine": fine, "of": of})


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def _table(served: Served) -> Table:
    """What is served, as the translation of the manifests has it: a row for each backend."""
    from rich import box
    from rich.table import Table

    urls: dict[str, list[str]] = {backend.service: [] for backend in served.backends}
    for name, url in _routes(served):
        if name in urls:  # else it is no backend: a redirect, a refusal
            urls[name].append(url)
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), leading=1)
    table.add_column("serves", no_wrap=True)
    table.add_column("protocol", no_wrap=True)
    table.add_column("by", no_wrap=True)
    for backend in served.backends:
        replicas = [f"  {name} {address}" for name, address in backend.replicas]
        table.add_row("\n".join(urls[backend.service]), backend.protocol, "\n".join([backend.service, *replicas]))
    return table


def _routes(served: Served) -> Iterator[tuple[str, str]]:
    """Backend, or what is answered instead, and URL of each route."""
    from isthmus.app.offline import Offline
    from isthmus.app.settings import Settings
    from isthmus.cli.routes import rows

    ports = {"http": served.http.rpartition(":")[2], "https": served.https.rpartition(":")[2]}
    endpoints = parsed(tuple(backend.endpoint for backend in served.backends))
    settings = Settings(paths=served.paths, endpoints=endpoints, https_port=int(ports["https"]))
    for row in rows(Offline(settings)):
        yield row["backend"], f"{row['listener']}://{row['host']}:{ports[row['listener']]}{row['path']}"
