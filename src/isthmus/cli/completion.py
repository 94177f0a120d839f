"""`isthmus completion`: the script that makes a shell complete verbs and options."""

from __future__ import annotations

import importlib

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    isthmus completion bash > ~/.local/share/bash-completion/completions/isthmus
    isthmus completion zsh > "${fpath[1]}/_isthmus"
    isthmus completion fish > ~/.config/fish/completions/isthmus.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = importlib.import_module("isthmus.cli.main").isthmus
    source = kind(root, {}, "isthmus", "_ISTHMUS_COMPLETE").source()
    click.echo(source.replace('string split ","', 'string split --max 1 ","'))  # fish: descriptions have commas too
