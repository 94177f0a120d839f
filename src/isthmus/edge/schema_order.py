"""What goes into and comes out of the limited process that plans schemas, as MessagePack."""

from __future__ import annotations

import msgspec

from isthmus.ir.transcoding import Transcoding
from isthmus.schema.model import Problem

Rule = tuple[str, str]  # literal start, RE2 expression


class Order(msgspec.Struct, frozen=True):
    """What the process is asked for. `mapping` is the text of a file with HTTP rules, `source` its name."""

    raw: tuple[bytes, ...]
    mapping: bytes = b""
    source: str = ""
    prefix: str = ""
    seconds: int = 10
    memory: int = 0


class Line(msgspec.Struct, frozen=True):
    """One method as people see it: its kind of call, its HTTP rules, a curl command (with BASE for scheme and host)."""

    service: str
    method: str
    kind: str
    rules: tuple[str, ...]
    curl: str


BASE = "http://isthmus.invalid"  # stands for the gateway's address in the curl commands


class Planned(msgspec.Struct, frozen=True):
    """What it answers: the encoded Schema, the gateway's plan, and what people want to know of it."""

    schema: bytes
    transcoding: Transcoding
    services: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    methods: int = 0
    problems: tuple[Problem, ...] = ()
    lines: tuple[Line, ...] = ()


MAPPING = 4  # exit code: the mapping file cannot be used; the answer says why
MEMORY = 5  # exit code: it would have needed more than it may have
