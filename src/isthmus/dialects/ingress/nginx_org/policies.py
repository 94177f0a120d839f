"""nginx.org/policies and nginx.com/policies: Policy objects (k8s.nginx.org/v1) that count for the paths of an Ingress.

What the kinds mean is in policy_kinds.py. Rule: a Policy that is missing, broken or of a kind that cannot be had closes
the path; NGINX Inc's controller answers 500 then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from isthmus.dialects.ingress import annotation_codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.nginx_org.attached import Attached, Broken, Refused
from isthmus.dialects.ingress.nginx_org.mergeable import INHERITED
from isthmus.dialects.ingress.nginx_org.policy_kinds import KINDS
from isthmus.dialects.ingress.view import View
from isthmus.kube.objects import Policy
from isthmus.kube.policy_spec import PolicySpec

POLICIES = "nginx.org/policies"
PLUS = "nginx.com/policies"

_MOST = 50
_NAME = re.compile(r"(?:([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)/)?([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)")
_SEVERAL = ("access_control", "rate_limit")  # kinds of which several can count together
_PARTS = tuple(name for name in PolicySpec.__struct_fields__)


def _apply(view: View, draft: Draft) -> Draft:
    own: set[str] = set()
    inherited: set[str] = set()
    attached = [(key, *found) for key in (POLICIES, PLUS) for found in _attached(view, key)]
    for key, each, is_own in sorted(attached, key=lambda found: not found[2]):
        name = f"{each.metadata.namespace}/{each.metadata.name}"
        kind, had = _kind(each), own if is_own else inherited
        if kind is None:
            _broken(view, key, name, "it asks for nothing, or for several things")
        elif not is_own and kind in own:
            continue  # as in nginx, what a minion says about it replaces what its master says
        elif kind in had and kind not in _SEVERAL:
            view.say(codes.POLICY_OVERRULED, key, what=_written(kind), name=name)
        else:
            had.add(kind)
            draft = _with(view, draft, kind, Attached(each, key))
    return draft


def _attached(view: View, key: str) -> Iterator[tuple[Policy, bool]]:
    """The Policies that exist, in their order, and whether they are the Ingress's own. One that does not exist closes
    the path."""
    if view.text(key) is None:
        return
    names, own = view.names(key), True
    if len(names) > _MOST or {INHERITED}.issuperset(names):
        view.invalid(key, f"{len(names)} names", f"1 to {_MOST} names of Policies")
        return
    for name in names:
        if name == INHERITED:
            own = False
            continue
        found = _NAME.fullmatch(name)
        if found is None:
            view.invalid(key, name, "names of Policies, each as name or namespace/name")
            continue
        namespace = found[1] or view.namespace
        policy = view.look.policy(namespace, found[2]) if view.look is not None else None
        if policy is None:
            view.closed = True
            view.say(annotation_codes.MISSING_REFERENCE, key, kind="Policy", name=f"{namespace}/{found[2]}")
        else:
            yield policy, own


def _kind(policy: Policy) -> str | None:
    """The one part that is set."""
    parts = [name for name in _PARTS if getattr(policy.spec, name) is not None]
    return parts[0] if len(parts) == 1 else None


def _with(view: View, draft: Draft, kind: str, attached: Attached) -> Draft:
    name = f"{attached.policy.metadata.namespace}/{attached.policy.metadata.name}"
    changed = KINDS[kind](view, attached, draft)
    match changed:
        case Broken(reason):
            _broken(view, attached.key, name, reason)
        case Refused(why, instead):
            view.refuse(attached.key, f"Policy {name}: {why}", instead)
        case Draft():
            return changed
    return draft


def _broken(view: View, key: str, name: str, reason: str) -> None:
    view.closed = True
    view.say(annotation_codes.BROKEN_REFERENCE, key, kind="Policy", name=name, reason=reason)


def _written(kind: str) -> str:
    first, *rest = kind.split("_")
    return first + "".join(word.capitalize() for word in rest)


_KINDS = (
    "accessControl, rateLimit, basicAuth, jwt (keys in a Secret), apiKey, externalAuth, ingressMTLS, egressMTLS, cors "
    "and hsts can be had; cache is left out; waf, oidc, oidcNative, rate limits with a condition and jwt with a "
    "jwksURI close the path. externalAuth: of authSnippets only proxy_set_header; who is to sign in is redirected to "
    "authSigninURI, where nginx shows that page in place of its 401"
)

FEATURE = Feature(
    title="Policies",
    about="Policy objects of the group k8s.nginx.org that count for all paths of the Ingress. One that does not exist, "
    "or cannot be had, closes the paths.",
    annotations=(
        Annotation(POLICIES, "names, or namespace/names, between commas", "", Handling.DIFFERS, _KINDS, restricts=True),
        Annotation(PLUS, "names, or namespace/names, between commas", "", Handling.DIFFERS, _KINDS, restricts=True),
    ),
    apply=_apply,
)
