"""Options that several verbs share: which manifests, and how they are read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from isthmus.app.settings import Given, Settings, SettingsError, parse_endpoint
from isthmus.cli.patience import patience
from isthmus.cli.quantities import PORT
from isthmus.quirks import QUIRKS

_F = TypeVar("_F", bound=Callable[..., object])


class Failure(click.ClickException):
    """A clear message and an exit code; never a traceback."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self._code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override] # click has a class variable
        """What the process exits with."""
        return self._code


def manifests(function: _F) -> _F:
    """-f, --class, --endpoint, --allow-external-name, --controller-configmap and --without."""
    for option in _MANIFESTS:
        function = option(function)
    return function


def manifests_or_not(function: _F) -> _F:
    """The same for a verb that can do without manifests."""
    for option in _MANIFESTS[:-1]:
        function = option(function)
    path = click.Path(path_type=str, allow_dash=True)
    option = click.option("-f", "--filename", "paths", multiple=True, type=path, callback=_no_urls, help=_FILENAME_HELP)
    return option(function)


def ports(function: _F) -> _F:
    """--http-port and --https-port of a verb that says what a gateway on those ports would do."""
    for name, usual in (("--https-port", 443), ("--http-port", 80)):
        port = PORT
        what = "As given to isthmus run: redirects name it unless it is the usual one."
        function = click.option(name, type=port, default=usual, show_default=True, help=what)(function)
    return function


def _namespaced(_: click.Context, __: click.Parameter, value: str) -> str:
    namespace, slash, name = value.partition("/")
    if value and not (namespace and slash and name and "/" not in name):
        raise click.BadParameter(f"expected NAMESPACE/NAME, found {value}")
    return value


def _no_urls(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if "://" in value:
            raise Failure(f"{value}: -f takes files and folders; to read a URL: curl -sSf {value} | isthmus ... -f -")
    return values


def _some(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    if not values and not context.resilient_parsing:
        raise click.UsageError("expected manifests: add -f deploy/ (a file, a folder or - for standard input)", context)
    return _no_urls(context, parameter, values)


_MOST_BYTES = 256 * 1024 * 1024 + 1  # one more than is read of a file, so that the reader tells
_FILENAME_HELP = "A file, a folder (with its sub-folders) or - for standard input. Repeatable."


_MANIFESTS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--without",
        multiple=True,
        type=click.Choice(sorted(QUIRKS)),
        help="A habit of ingress-nginx to leave out. Repeatable.",
    ),
    click.option(
        "--controller-configmap",
        "controller_config",
        metavar="NS/NAME",
        default="",
        callback=_namespaced,
        help="The ConfigMap of the controller that the manifests come from; the usual one by default.",
    ),
    click.option(
        "--allow-external-name",
        is_flag=True,
        help="Forward to Services of type ExternalName, refused by default.",
    ),
    click.option(
        "--endpoint",
        "endpoints",
        multiple=True,
        metavar="NS/SVC[:PORT]=IP:PORT,...",
        help="Addresses of a Service, in place of its EndpointSlices. Repeatable.",
    ),
    click.option(
        "--class",
        "classes",
        multiple=True,
        default=("nginx",),
        show_default=True,
        help="IngressClass to serve. Repeatable.",
    ),
    click.option(
        "-f",
        "--filename",
        "paths",
        multiple=True,
        callback=_some,
        type=click.Path(path_type=str, allow_dash=True),
        help=_FILENAME_HELP,
    ),
)


def settings_of(
    paths: tuple[str, ...],
    classes: tuple[str, ...],
    endpoints: tuple[str, ...],
    allow_external_name: bool,
    controller_config: str = "",
    without: tuple[str, ...] = (),
) -> Settings:
    """The settings of an offline verb; ports are the usual ones, so that redirects look as they would."""
    return Settings(
        paths=normal(paths),
        classes=classes,
        endpoints=parsed(endpoints),
        allow_external_name=allow_external_name,
        controller_config=controller_config,
        without=without,
        http_port=80,
        https_port=443,
    )


def normal(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The paths as messages show them, without doubled or trailing slashes."""
    return tuple(path if path == "-" else os.path.normpath(path) for path in paths)


def parsed(endpoints: tuple[str, ...]) -> tuple[Given, ...]:
    """The --endpoint values. Raises Failure."""
    try:
        return tuple(parse_endpoint(text) for text in endpoints)
    except SettingsError as error:
        raise Failure(str(error)) from None


def standard_input(paths: tuple[str, ...]) -> bytes | None:
    """What `-f -` asks for; None where nobody asked."""
    return _from_standard_input() if "-" in paths else None


def read_once(paths: tuple[str, ...]) -> dict[str, bytes]:
    """What standard input and pipes among the paths hold: nobody could read them a second time. Raises Failure."""
    found: dict[str, bytes] = {}
    for path in paths:
        if path == "-":
            found[path] = _from_standard_input()
        elif not (os.path.isfile(path) or os.path.isdir(path)):
            try:
                with patience(f"waiting for manifests from {path}"), open(path, "rb") as pipe:
                    found[path] = pipe.read(_MOST_BYTES)
            except OSError as error:
                raise Failure(f"{path}: {error.strerror or error}") from None
    return found


def _from_standard_input() -> bytes:
    with patience("waiting for manifests from standard input"):
        return sys.stdin.buffer.read()
