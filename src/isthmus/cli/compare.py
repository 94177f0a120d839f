"""`isthmus compare`: recorded requests to two gateways, and where their answers differ."""

from __future__ import annotations

import sys
from typing import Any

import click

from isthmus.cli.quantities import Real, Whole

_NAME = "NAME"


@click.command("compare")
@click.option("--old", multiple=True, required=True, metavar="URL", help="The gateway that is: http[s]://HOST[:PORT].")
@click.option("--new", multiple=True, required=True, metavar="URL", help="The gateway that shall be.")
@click.option("--host", default="", metavar=_NAME, help="Host of requests whose line names none.")
@click.option("--only-safe/--all-methods", default=True, help="Send only GET, HEAD and OPTIONS (default), or all.")
@click.option("--limit", type=Whole(1), default=None, metavar="N", help="Send at most N different requests.")
@click.option("--concurrency", type=Whole(1, 1024), default=8, show_default=True, metavar="N")
@click.option("--rate", type=Real(0, above=True), default=None, metavar="N", help="Requests a second.")
@click.option("--timeout", type=Real(0, above=True), default=30.0, show_default=True, metavar="SECONDS")
@click.option("--drop-header", multiple=True, metavar=_NAME, help="Do not send this recorded header. Repeatable.")
@click.option("--ignore-header", multiple=True, metavar=_NAME, help="Do not compare this header. Repeatable.")
@click.option("--compare-header", multiple=True, metavar=_NAME, help="Compare a header ignored by default. Repeatable.")
@click.option("--ignore-body", is_flag=True, help="Do not compare bodies.")
@click.option("--ignore-error-body", is_flag=True, help="Do not compare bodies of 4xx and 5xx.")
@click.option("--exact-body", is_flag=True, help="Compare bodies byte by byte.")
@click.option("--ignore-json-path", multiple=True, metavar="PATH", help="Such as $.items[*].id. Repeatable.")
@click.option("--cacert", default="", metavar="FILE", help="PEM authorities that both gateways are verified by.")
@click.option("--insecure", is_flag=True, help="TLS without verifying the gateways.")
@click.option("--examples", type=Whole(0), default=3, show_default=True, help="Shown of each difference.")
@click.option("-o", "--output", type=click.Choice(["table", "json", "markdown"]), default="table")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def command(files: tuple[str, ...], **given: Any) -> None:
    """Send recorded requests to two gateways and report where their answers differ.

    FILE holds a request a line: JSON, an access log of nginx or ingress-nginx, or Envoy's in JSON; also as .gz; - is
    standard input. Only --old and --new are connected to. Both may be repeated, once for http and once for https.
    Exits with 0 when nothing differs, 1 when something does, 2 for wrong usage, 3 when a gateway cannot be reached.

    \b
    isthmus compare --old http://10.0.0.5 --new http://localhost:8080 requests.jsonl
    isthmus compare --old https://10.0.0.5 --new https://localhost:8443 --insecure --host shop.example access.log
    kubectl logs -n ingress-nginx deploy/ingress-nginx-controller | isthmus compare --old ... --new ... -
    """
    from isthmus.cli.compare_work import compare, options_from

    sys.exit(compare(files, options_from(given)))
