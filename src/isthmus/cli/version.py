"""`isthmus version`: Isthmus, its Envoy, Python."""

from __future__ import annotations

import json
import platform

import click

from isthmus import __version__
from isthmus.cli.options import Failure
from isthmus.edge.envoy_process import EnvoyError, envoy_version, find_envoy


@click.command("version")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(output: str) -> None:
    """Print the versions of Isthmus, Envoy and Python."""
    try:
        envoy = envoy_version(find_envoy())
    except EnvoyError as error:
        raise Failure(str(error), 3) from None
    found = {"isthmus": __version__, "envoy": envoy, "python": platform.python_version()}
    if output == "json":
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name:<8} {value}")
