"""The command group. Verbs are imported by name when they run, so `isthmus --help` stays within 150 ms.

A new verb is a file here and a line in VERBS. Exit codes: 0 fine, 1 findings or difference, 2 usage,
3 cannot serve or reach, 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from isthmus import __version__
from isthmus.cli import at_once, in_order

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# verb -> the line in `isthmus --help`; the module of that name holds `command`.
VERBS = {
    "run": "Serve gRPC servers (HOST:PORT) or manifests (-f) to any client.",
    "demo": "Real gRPC, WebSocket and HTTP servers behind a gateway, with lines to paste.",
    "list": "List the services of a gRPC server, or the methods of one.",
    "describe": "Show services, methods and messages as they are declared.",
    "call": "Call a method of a gRPC server, streams too.",
    "openapi": "Print the OpenAPI document of a gRPC server's API over HTTP.",
    "check": "Find every mistake in manifests; for editors and CI.",
    "explain": "Say what happens to a request and which object and line decides it.",
    "routes": "List what is served: hosts, paths, protocols, backends.",
    "translate": "Print the neutral form (ir) or the Envoy resources (xds) of manifests.",
    "migrate": "Say what becomes of manifests of ingress-nginx, and rewrite them.",
    "compare": "Send recorded requests to two gateways and report where their answers differ.",
    "version": "Print the versions of Isthmus and its Envoy.",
    "completion": "Print the completion script for bash, zsh or fish.",
}

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Verbs(click.Group):
    """A group that knows its verbs without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"isthmus.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            difflib = importlib.import_module("difflib")
            close = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {close[0]}?" if close else " See isthmus --help."
            raise click.UsageError(f"there is no command {args[0]}.{hint}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem  # only shells ask

        verbs = [CompletionItem(verb, help=line) for verb, line in VERBS.items() if verb.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.version_option(__version__, prog_name="isthmus")
@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def isthmus() -> None:
    """Let any client reach unmodified gRPC, WebSocket and HTTP services through stock Envoy.

    The manifests are the Kubernetes objects that you already have; no cluster is needed.
    """
    if signal.getsignal(signal.SIGINT) is at_once:  # the verb is imported; from here on it has things to put in order
        signal.signal(signal.SIGINT, in_order)


def main(control_plane: object = None) -> None:
    """Run the command line; `run` is given its control plane, which has been started already."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    try:
        sys.exit(isthmus.main(standalone_mode=True, obj=control_plane, color=False if plain else None))
    except OSError as error:
        if error.errno not in _FULL:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to write has no place to go
        sys.exit(f"Error: the output cannot be written: {error.strerror}")
