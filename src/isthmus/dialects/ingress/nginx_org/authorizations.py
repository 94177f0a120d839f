"""What several families say about who may use a path, gathered in one Authorization: all of it must agree."""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.view import View
from isthmus.ir.authorization import ApiKeys, Authorization, BasicAuth, Jwt, Question


def authorized(view: View, draft: Draft, asked: BasicAuth | Jwt | ApiKeys | Question) -> Draft:
    """The draft, with one more thing to show."""
    found = draft.policy.authorization or Authorization(f"Ingress {view.namespace}/{view.name}")
    match asked:
        case BasicAuth():
            found = replace(found, basic=asked)
        case Jwt():
            found = replace(found, jwt=asked)
        case ApiKeys():
            found = replace(found, api_keys=asked)
        case Question():
            found = replace(found, question=asked)
    return replace(draft, policy=replace(draft.policy, authorization=found))
