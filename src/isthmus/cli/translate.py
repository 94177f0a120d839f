"""`isthmus translate`: the neutral form or the Envoy resources of manifests, as YAML or JSON."""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec
import yaml

from isthmus.app.offline import Offline
from isthmus.cli.notes import tell_errors
from isthmus.cli.options import manifests, ports, settings_of
from isthmus.cli.reading import read
from isthmus.ir.private import PrivateBytes, PrivateText
from isthmus.kube.refs import FieldPath, ObjectRef
from isthmus.xds.printed import printed


@click.command("translate")
@manifests
@ports
@click.option("--to", type=click.Choice(["ir", "xds"]), required=True, help="The neutral form, or Envoy resources.")
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def command(
    paths: tuple[str, ...],
    classes: tuple[str, ...],
    endpoints: tuple[str, ...],
    allow_external_name: bool,
    **options: Any,
) -> None:
    """Print what manifests are translated to. Private keys are never printed.

    \b
    isthmus translate -f examples/demo --to ir
    isthmus translate -f examples/demo --to xds | less
    isthmus translate -f examples/demo --to xds -o json | jq '.Cluster[].name'
    """
    controller = (options["controller_config"], options["without"])
    settings = settings_of(paths, classes, endpoints, allow_external_name, *controller)
    settings = settings._replace(http_port=options["http_port"], https_port=options["https_port"])
    offline = read(settings, paths)
    tell_errors(offline, paths)
    document = _neutral(offline) if options["to"] == "ir" else printed(offline.snapshot.all())
    if options["output"] == "json":
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    plain = json.loads(json.dumps(document))  # protobuf gives ordered mappings, which YAML would tag
    click.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), nl=False)


def _neutral(offline: Offline) -> dict[str, Any]:
    memo = offline.pipeline.memo
    hosts = [config for host in sorted(memo.hosts) for config in memo.hosts[host].hosts]
    ports = [memo.endpoints[port] for port in sorted(memo.endpoints)]
    return {"hosts": [_plain(config) for config in hosts], "endpoints": [_plain(found) for found in ports]}


def _plain(value: object) -> Any:
    """Structs as plain values; references and paths as people write them, values at their default left out."""
    if isinstance(value, ObjectRef | FieldPath):
        return str(value)
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        found = {f.name: getattr(value, f.name) for f in fields if getattr(value, f.name) != f.default}
        tag = value.__struct_config__.tag
        return ({"kind": tag} if tag else {}) | {name: _plain(each) for name, each in found.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, PrivateText | PrivateBytes):
        return repr(value)  # secrets are for nobody's eyes
    return msgspec.to_builtins(value)
