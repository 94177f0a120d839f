"""auth-type and its kin: who can log in, and what closes the path."""

from __future__ import annotations

import base64

import pytest
from htpasswd_hashes import HASHES
from ingress_drafts import NONSENSE, Drafted, drafted

from isthmus.dialects.ingress.nginx.basic_auth import FEATURE
from isthmus.ir.authorization import BasicAuth
from isthmus.kube.objects import Meta, Secret

GOOD = HASHES["apr1"]
ASKED = {"auth-type": "basic", "auth-secret": "users"}


def secret(namespace: str = "shop", **values: str) -> Secret:
    return Secret(metadata=Meta("users", namespace), string_data=values)


def asked(annotations: dict[str, str], *objects: Secret) -> Drafted:
    return drafted(FEATURE, annotations, objects=objects)


def basic(found: Drafted) -> BasicAuth | None:
    policy = found.draft.policy.authorization
    return policy.basic if policy is not None else None


def test_a_file() -> None:
    found = asked({**ASKED, "auth-realm": "Staff only"}, secret(auth=f"ann:{GOOD}\nbob:{HASHES['bcrypt']}\n"))
    assert basic(found) == BasicAuth("Staff only", (("ann", GOOD), ("bob", HASHES["bcrypt"])))  # type: ignore[arg-type]
    assert (found.draft.closed, found.codes) == (False, [])


def test_a_map() -> None:
    found = asked({**ASKED, "auth-secret-type": "auth-map"}, secret(bob=f"{GOOD}\n", ann=GOOD))
    assert basic(found) == BasicAuth("", (("ann", GOOD), ("bob", GOOD)))  # type: ignore[arg-type]


def test_encoded_data() -> None:
    data = {"auth": base64.b64encode(f"ann:{GOOD}".encode()).decode()}
    assert basic(asked(ASKED, Secret(metadata=Meta("users", "shop"), data=data))) is not None


def test_without_annotations_nothing_is_asked() -> None:
    found = asked({"auth-realm": "x"})
    assert (found.draft.policy.authorization, found.draft.closed) == (None, False)


@pytest.mark.parametrize(
    ("annotations", "objects", "code"),
    [
        (ASKED, [], "ISTH0125"),
        (ASKED, [secret("other", auth=f"ann:{GOOD}")], "ISTH0125"),
        ({**ASKED, "auth-secret": "other/users"}, [secret("other", auth=f"ann:{GOOD}")], "ISTH0123"),
        (ASKED, [secret()], "ISTH0126"),
        (ASKED, [secret(auth="")], "ISTH0126"),
        (ASKED, [secret(auth="# nobody")], "ISTH0126"),
        (ASKED, [secret(auth="ann:plain")], "ISTH0126"),
        (ASKED, [secret(users=f"ann:{GOOD}")], "ISTH0126"),
        (ASKED, [Secret(metadata=Meta("users", "shop"), data={"auth": "%%%"})], "ISTH0126"),
        (ASKED, [Secret(metadata=Meta("users", "shop"), data={"auth": "//79"})], "ISTH0126"),
        ({**ASKED, "auth-secret-type": "auth-map"}, [secret(ann="plain")], "ISTH0126"),
        ({**ASKED, "auth-secret-type": "auth-files"}, [secret(auth=f"ann:{GOOD}")], "ISTH0124"),
        ({"auth-type": "basic"}, [secret(auth=f"ann:{GOOD}")], "ISTH0123"),
        ({"auth-secret": "users"}, [secret(auth=f"ann:{GOOD}")], "ISTH0123"),
        ({**ASKED, "auth-type": "digest"}, [secret(auth=f"ann:{GOOD}")], "ISTH0123"),
        ({**ASKED, "auth-type": "Basic"}, [secret(auth=f"ann:{GOOD}")], "ISTH0124"),
    ],
)
def test_what_closes_the_path(annotations: dict[str, str], objects: list[Secret], code: str) -> None:
    found = asked(annotations, *objects)
    assert found.draft.closed
    assert code in found.codes


@pytest.mark.parametrize("key", ["auth-type", "auth-secret", "auth-secret-type"])
@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_closes_the_path(key: str, value: str) -> None:
    found = asked({**ASKED, key: value}, secret(auth=f"ann:{GOOD}"))
    assert found.draft.closed
    assert found.codes


@pytest.mark.parametrize("value", NONSENSE)
def test_any_realm_keeps_the_path_protected(value: str) -> None:
    found = asked({**ASKED, "auth-realm": value}, secret(auth=f"ann:{GOOD}"))
    assert basic(found) is not None
    assert not found.draft.closed


def test_one_bad_line_costs_one_user() -> None:
    found = asked(ASKED, secret(auth=f"ann:{GOOD}\nbob:hunter2\n"))
    auth = basic(found)
    assert auth is not None
    assert ([name for name, _ in auth.users], found.codes) == (["ann"], ["ISTH0170"])
    assert "line 2" in found.messages
    assert "hunter2" not in found.messages
