"""All keys of rust-grpc-proxy's configuration: their kinds, and what is different about them here.

The lines of keys are found by reading the text, because the TOML reader does not tell them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Kind(NamedTuple):
    """`type` is text, flag, count (a whole number, 0 or more) or texts. `differs` is empty where it means the same."""

    type: str
    differs: str = ""
    severity: str = "info"

    @property
    def expected(self) -> str:
        """The kind, for messages."""
        return _EXPECTED[self.type]


_EXPECTED = {
    "text": "text in quotes",
    "flag": "true or false",
    "count": "a whole number, 0 or more",
    "texts": "a list of texts",
}
_LOG = "no effect; the log goes to standard error in one form"
KEYS: Mapping[str, Mapping[str, Kind]] = {
    "server": {
        "name": Kind("text", "no effect; rust-grpc-proxy puts it into its log only"),
        "addr": Kind("text"),
    },
    "log": {
        "level": Kind("text"),
        "show_time": Kind("flag", _LOG),
        "show_file_line": Kind("flag", _LOG),
        "out_file_path": Kind("text", "no effect; send standard error to a file instead", "warning"),
    },
    "proxy_sink": {"name": Kind("text"), "addr": Kind("text"), "prefix": Kind("text")},
    "metadata_filters": {
        "prefix": Kind("texts"),
        "match": Kind("texts"),
        "response_show_server": Kind("flag"),
        "response_default_content_type": Kind("text"),
    },
    "env_sink": {
        "disable": Kind("flag", "true means that the environment is read, false that it is not, as in rust-grpc-proxy"),
        "addr_env_key": Kind("text"),
        "wait_time_max_sec": Kind("count", "counts for the servers of proxy_sink, too"),
        "interval_sec": Kind("count", "no effect; a server that is not up is asked again within 2 s"),
        "prefix": Kind("text"),
    },
    "dynamic_sink": {
        "enable": Kind("flag", "no effect; rust-grpc-proxy declares it and never uses it"),
        "addr": Kind("text", "no effect; rust-grpc-proxy declares it and never uses it"),
    },
}
LISTS = frozenset({"proxy_sink"})

_TABLE = re.compile(r"\s*\[(\[?)\s*([^\[\]\s]+)\s*\]")
_KEY = re.compile(r"""\s*(["']?)([\w.-]+)\1\s*=""")


def fits(value: object, kind: str) -> bool:
    """Whether a value is of a kind."""
    match kind:
        case "text":
            return isinstance(value, str)
        case "flag":
            return isinstance(value, bool)
        case "count":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case _:
            return isinstance(value, list) and all(isinstance(each, str) for each in value)


def lines_of(text: str) -> dict[str, int]:
    """The lines (from 1) of tables and keys by path: `server`, `server.addr`, `proxy_sink[1].addr`.

    Keys inside inline tables and texts of several lines are not looked for.
    """
    found: dict[str, int] = {}
    seen: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = header[2]
            if header[1]:
                index = seen.get(table, 0)
                seen[table] = index + 1
                found.setdefault(table, number)
                table = f"{table}[{index}]"
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = f"{table}.{key[2]}" if table else key[2]
            found.setdefault(path, number)
            found.setdefault(path.partition(".")[0], number)
    return found
