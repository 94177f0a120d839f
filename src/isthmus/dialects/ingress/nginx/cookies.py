"""proxy-cookie-domain and proxy-cookie-path: the Domain and Path of the backend's cookies, rewritten for clients.

A path is replaced where it begins with the text, a domain where it is the text. Rule: what cannot be read is left as
the backend says and reported.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.answer_rewrites import domain_rewrite, path_rewrite
from isthmus.dialects.ingress.grammar.nginx_directives import Fault, words
from isthmus.dialects.ingress.grammar.nginx_variables import constants
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

DOMAIN = "nginx.ingress.kubernetes.io/proxy-cookie-domain"
PATH = "nginx.ingress.kubernetes.io/proxy-cookie-path"

_NOTE = "regular expressions (~) are reported and left out"


def _apply(view: View, draft: Draft) -> Draft:
    names = constants(view.namespace, view.name, draft.service)
    found = []
    for key, rewrite in ((DOMAIN, domain_rewrite), (PATH, path_rewrite)):
        text = view.text(key)
        if not text or text == "off":
            continue
        args = words(text)
        rewritten = args.reason if isinstance(args, Fault) else rewrite(args, names)
        if isinstance(rewritten, str):
            view.invalid(key, text, f"two texts, from and to, or off ({rewritten})")
        else:
            found.append(rewritten)
    policy = draft.policy
    return replace(draft, policy=replace(policy, answer_rewrites=policy.answer_rewrites + tuple(found)))


FEATURE = Feature(
    title="Cookies of the backend",
    about="Backends that believe in another host or path than clients see set cookies for it. The gateway rewrites "
    "the attribute in each Set-Cookie header of the backend's answers.",
    annotations=(
        Annotation(
            DOMAIN,
            "off, or a domain and what it becomes; variables in both",
            "off",
            Handling.DIFFERS,
            _NOTE,
            setting="proxy-cookie-domain",
            met_by=".*~.*",
        ),
        Annotation(
            PATH,
            "off, or the beginning of a path and what it becomes; variables in both",
            "off",
            Handling.DIFFERS,
            _NOTE,
            setting="proxy-cookie-path",
            met_by=".*~.*",
        ),
    ),
    apply=_apply,
)
