"""`isthmus run -c FILE`: a configuration of rust-grpc-proxy, or its environment variable, in place of arguments."""

from __future__ import annotations

import os
import sys

from isthmus.app.rust_grpc_proxy import DEFAULT_FILE, Config, read_config
from isthmus.app.settings import Offering, Settings, Target
from isthmus.cli.options import Failure


def configured(settings: Settings, file: str | None, show_findings: bool) -> Settings:
    """The settings with what the configuration says. Raises Failure."""
    if file is not None and not os.path.isfile(file):
        raise Failure(f"{file}: {'this is a folder' if os.path.isdir(file) else 'no such file'}; -c takes a TOML file")
    reading = read_config(file or DEFAULT_FILE, os.environ)
    if reading.errors:
        raise Failure("\n".join(map(str, reading.errors)))
    if show_findings:
        for finding in reading.findings:
            print(finding, file=sys.stderr)
    config = reading.config
    host, port = config.listen
    names = (*config.headers.match, *config.headers.prefix)
    return settings._replace(
        underscores="allow" if any("_" in name for name in names) else settings.underscores,
        bind="127.0.0.1" if host == "localhost" else host,
        http_port=port,
        targets=tuple(Target(each.host, each.port, "off", each.prefix) for each in config.upstreams),
        offering=_offering(settings.offering, config),
    )


def _offering(offering: Offering, config: Config) -> Offering:
    """Its header rules and its ways: proto field names, unknown parameters ignored, nothing else made metadata."""
    shown = (("proxy_server", "rust-grpc-proxy"),) if config.headers.response_show_server else ()
    return offering._replace(
        headers=(*config.headers.match, *(f"{prefix}*" for prefix in config.headers.prefix)),
        only_headers=True,
        lenient=True,
        answer_headers=shown,
        preserve_names=True,
        wait_seconds=config.wait_seconds,
    )
