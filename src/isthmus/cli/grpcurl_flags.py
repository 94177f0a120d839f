"""Flags that grpcurl has and a verb has no use for: refused in words, or taken and left unused as grpcurl does.

Scripts that were written for grpcurl hit one of these sooner or later. Rule: nothing that was asked for is dropped
without a word, unless grpcurl drops it too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from isthmus.cli.options import Failure

_F = TypeVar("_F", bound=Callable[..., object])
_ALTS = "ALTS is TLS between machines of Google Cloud, which is not offered here: leave it out for TLS"
_REFUSED = {
    "alts": _ALTS,
    "alts_handshaker_service": _ALTS,
    "alts_target_service_account": _ALTS,
    "proto_out_dir": "sources are not written; -protoset-out FILE writes the same schema as a FileDescriptorSet",
}
_ONLY_CALLS = ("data", "rpc_header")  # which grpcurl warns of
_UNUSED = ("form", "emit_defaults", "allow_unknown_fields", "format_error", "vv")


def refused(function: _F) -> _F:
    """Flags that are known and not offered."""
    for name in _REFUSED:
        kind: dict[str, Any] = {"is_flag": True} if name == "alts" else {"default": ""}
        function = click.option(f"--{name.replace('_', '-')}", hidden=True, **kind)(function)
    return function


def refuse(given: dict[str, Any]) -> None:
    """Say so where one of them is given. Takes them out of the parameters. Raises Failure."""
    for name, why in _REFUSED.items():
        if given.pop(name):
            raise Failure(f"-{name.replace('_', '-')}: {why}")


def unused(function: _F) -> _F:
    """Flags of calls, for `list` and `describe`."""
    for option in (
        click.option("-d", "--data", default=None, hidden=True),
        click.option("--rpc-header", multiple=True, hidden=True),
        click.option("--format", "form", type=click.Choice(["json", "text"]), default="json", hidden=True),
        click.option("--emit-defaults", is_flag=True, hidden=True),
        click.option("--allow-unknown-fields", is_flag=True, hidden=True),
        click.option("--format-error", is_flag=True, hidden=True),
        click.option("--vv", is_flag=True, hidden=True),
    ):
        function = option(function)
    return function


def leave_unused(given: dict[str, Any]) -> None:
    """Take them out of the parameters, and say so where something was meant for a call."""
    for name in _ONLY_CALLS:
        if given.pop(name):
            flag = {"data": "d"}.get(name, name.replace("_", "-"))
            print(f"Warning: -{flag} is not used by list and describe.", file=sys.stderr)
    for name in _UNUSED:
        given.pop(name)
