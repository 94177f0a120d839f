"""Writes docs/differences-from-nginx.md from the differences that tests/replay accepts. `make docs` runs it.

A family's differences.yaml says what may differ from a real nginx, and why; those tests fail where it is not so.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "replay" / "cases"
PAGE = ROOT / "docs" / "differences-from-nginx.md"
EVERYWHERE = "everywhere"  # differences.yaml beside the families, for all of them


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One difference: the requests (`METHOD host/path`), its kind as `isthmus compare` words it, and what both sides
    have. `place` is where in a body. A `*` stands for anything, in all of them."""

    requests: tuple[str, ...]
    kind: str
    reason: str
    nginx: str = "*"
    isthmus: str = "*"
    place: str = ""


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What differences.yaml holds. `about` says what is sent."""

    title: str
    about: str
    accepted: tuple[Accepted, ...] = ()


def read(path: Path) -> Family:
    """A differences.yaml. Raises ValidationError where it is none."""
    return msgspec.convert(yaml.safe_load(path.read_text()), Family)


def families() -> dict[str, Family]:
    """All of them by folder, and what holds everywhere."""
    found = {path.parent.name: read(path) for path in sorted(CASES.glob("*/differences.yaml"))}
    return {EVERYWHERE: read(CASES / "differences.yaml")} | found


def page() -> str:
    """The page."""
    head = (
        "# Differences from a real nginx\n\n"
        "The tests send the same requests to a real nginx, configured as ingress-nginx configures it for the same "
        "annotations, and to Isthmus, with the library behind [isthmus compare](compare.md). What is listed here is "
        "all in which the answers differed, and what reached the servers behind them; anything else fails the test, "
        "and so does a difference that is listed and no longer shows.\n"
    )
    return head + "".join(_section(family) for family in families().values())


def _section(family: Family) -> str:
    text = f"\n## {family.title}\n\n{_line(family.about)}\n\n"
    if not family.accepted:
        return text + "No difference.\n"
    rows = "".join(map(_row, family.accepted))
    return f"{text}| Requests | Difference | nginx | Isthmus | Why |\n|---|---|---|---|---|\n{rows}"


def _row(each: Accepted) -> str:
    requests = "<br>".join(map(_code, each.requests))
    kind = f"{each.kind} at {_code(each.place)}" if each.place else each.kind
    return f"| {requests} | {kind} | {_side(each.nginx)} | {_side(each.isthmus)} | {_line(each.reason)} |\n"


def _side(value: str) -> str:
    return "any" if value == "*" else _code(value)


def _code(value: str) -> str:
    return "`" + value.replace("|", "\\|").replace("\r", "\\r").replace("\n", "\\n") + "`"


def _line(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(page())
