"""Headers that the controller's ConfigMap asks for, for all Ingresses."""

from __future__ import annotations

import pytest
from ingress_drafts import drafted

from isthmus.dialects.ingress.nginx.headers import FEATURE as HEADERS
from isthmus.dialects.ingress.nginx.shared_headers import FEATURE
from isthmus.ir.policy import Edit, HeaderEdit
from isthmus.ir.template import Of, Variable
from isthmus.kube.objects import ConfigMap, Meta


def headers(namespace: str = "ingress", **data: str) -> ConfigMap:
    return ConfigMap(metadata=Meta("h", namespace), data={name.replace("_", "-"): text for name, text in data.items()})


def test_to_backends_with_variables() -> None:
    found = drafted(FEATURE, {}, {"proxy-set-headers": "ingress/h"}, [headers(X_A="t=${msec}", X_B="")])
    edits = (HeaderEdit("X-A", ("t=", Variable(Of.SECONDS))), HeaderEdit("X-B", edit=Edit.REMOVE))
    assert (found.draft.policy.request_headers, found.codes) == (edits, [])


def test_on_answers_after_what_is_hidden_and_before_the_objects_own() -> None:
    given = {"custom-headers": "own"}
    own = ConfigMap(metadata=Meta("own", "shop"), data={"X-A": "own"})
    shared = {"add-headers": "ingress/h", "hide-headers": "x-powered-by, server"}
    found = drafted((FEATURE, HEADERS), given, shared, [headers(X_A="all"), own])
    removed = [HeaderEdit(name, edit=Edit.REMOVE) for name in ("x-powered-by", "server")]
    assert found.draft.policy.answer_headers == (*removed, HeaderEdit("X-A", ("all",)), HeaderEdit("X-A", ("own",)))
    assert found.codes == []


@pytest.mark.parametrize(
    "settings",
    [
        {"add-headers": "ingress/nobody"},
        {"add-headers": "h"},
        {"add-headers": "other/h"},
        {"proxy-set-headers": "ingress/bad"},
        {"hide-headers": "a b"},
        {"hide-headers": "content-length"},
    ],
)
def test_what_cannot_be_used_is_reported_and_left_out(settings: dict[str, str]) -> None:
    bad = ConfigMap(metadata=Meta("bad", "ingress"), data={"X-A": "a", "X-B": "$nobody"})
    found = drafted(FEATURE, {}, settings, [headers(X_A="a"), bad])
    assert (found.draft.policy.request_headers, found.draft.policy.answer_headers) == ((), ())
    assert (found.draft.closed, found.codes) == (False, ["ISTH0114"])
    assert "controller" in str(found.findings[0].ref)


def test_without_a_configmap_there_are_none() -> None:
    assert drafted(FEATURE, {}).draft.policy.request_headers == ()
