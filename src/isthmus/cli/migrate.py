"""`isthmus migrate`: what becomes of the manifests of ingress-nginx and NGINX Inc's controller."""

from __future__ import annotations

import sys
from typing import Any

import click

from isthmus.cli.options import manifests


@click.command("migrate")
@manifests
@click.option("-o", "--output", type=click.Choice(["table", "json", "markdown"]), default="table")
@click.option("--to", type=click.Choice(["ingress"]), default=None, help="Write the manifests with changes suggested.")
@click.option("--output-dir", default="", metavar="DIR", help="Write them to files there; standard output by default.")
@click.option("--force", is_flag=True, help="Overwrite files that exist there.")
def command(**given: Any) -> None:
    """Say what becomes of every annotation, and what to write instead.

    Each is kept, kept by the authorization helper, works with a difference, has no effect and needs none, is invalid
    so that the default is used, is unknown, or is refused and its paths are closed. Keys of the controller's ConfigMap
    likewise. Exits with 0, 1 when something is refused or cannot be read, 2 for wrong usage.

    With --to ingress the manifests are written with the suggested changes and nothing else changed: the class out of
    its annotation, today's names of annotations, without those that have no effect. The report goes to standard error
    then, unless there is an --output-dir.

    \b
    isthmus migrate -f deploy/
    kubectl get ingress,ingressclass,svc,secret,configmap -A -o yaml | isthmus migrate -f -
    isthmus migrate -f deploy/ -o markdown > migration.md
    isthmus migrate -f deploy/ --to ingress --output-dir moved/
    """
    from isthmus.cli.migrate_work import Options, migrate

    if given["to"] is None and (given["output_dir"] or given["force"]):
        raise click.UsageError("--output-dir and --force say where --to ingress writes; add --to ingress")
    if given["force"] and not given["output_dir"]:
        raise click.UsageError("--force overwrites files, and there is no --output-dir")
    sys.exit(migrate(Options(**given)))
