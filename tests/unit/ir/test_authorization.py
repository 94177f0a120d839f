"""Policies of the authorization helper: their encoding and their names."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from isthmus.ir.authorization import (
    ApiKeys,
    Authorization,
    BasicAuth,
    CacheTime,
    Jwt,
    Question,
    decode,
    digest,
    digest_of,
    encode,
)
from isthmus.ir.backend import Backend, ServicePortRef, Trust
from isthmus.ir.private import PrivateBytes, PrivateText
from isthmus.ir.template import Of, Variable

SERVER = Backend(ServicePortRef("n", "s", 80), tls=True, trust=Trust(name="s.n", key_pem=PrivateBytes(b"\xff\0key")))
WHOLE = Authorization(
    place="n/i",
    any_of=True,
    allow=("10.0.0.0/8",),
    deny=("10.1.0.0/16",),
    basic=BasicAuth("realm", (("ann", PrivateText("hash")),)),
    question=Question(
        SERVER, ("s.n",), ("/auth?u=", Variable(Of.ESCAPED_TARGET)), cache_times=(CacheTime((200,), 300),)
    ),
    common_name="CN=x",
    jwt=Jwt("realm", PrivateText('{"keys": []}'), Variable(Of.COOKIE, "token")),
    api_keys=ApiKeys(("x-key",), (), (("client", PrivateText("00")),)),
)
EMPTY = Authorization("n/i")


@pytest.mark.parametrize("policy", [WHOLE, EMPTY, replace(WHOLE, question=None)])
def test_a_policy_comes_back_whole(policy: Authorization) -> None:
    back = decode(encode(policy))
    assert back == policy
    assert encode(back) == encode(policy)
    assert back.basic is None or "hash" not in repr(back)


def test_a_name_is_for_one_policy() -> None:
    others = [WHOLE, EMPTY, replace(WHOLE, place="n/j"), replace(WHOLE, any_of=False), replace(WHOLE, allow=())]
    assert len({digest(each) for each in others}) == len(others)
    assert digest(WHOLE) == digest_of(encode(WHOLE))
    assert len(digest(WHOLE)) == 32


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"place": 1}', b"\xff"])
def test_what_is_no_policy_is_refused(body: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        decode(body)


def test_what_envoy_can_decide_itself() -> None:
    assert not replace(EMPTY, common_name="CN=x").needs_helper
    assert EMPTY.needs_helper  # it asks for nothing, so it must not open anything
    assert replace(EMPTY, common_name="CN=x", deny=("10.0.0.0/8",)).needs_helper
