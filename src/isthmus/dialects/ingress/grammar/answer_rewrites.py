"""nginx's proxy_cookie_domain, proxy_cookie_path and proxy_redirect: what is replaced in headers of answers.

Each takes two texts, from and to, with nginx's variables. Rule: what cannot be had is returned as a reason, and then
nothing of it is done. Regular expressions cannot: Envoy has none for parts of a header.
"""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.ir.policy import HeaderRewrite
from isthmus.ir.template import Template


def domain_rewrite(args: tuple[str, ...], names: Mapping[str, str]) -> HeaderRewrite | str:
    """nginx's proxy_cookie_domain, or the reason why it cannot be had."""
    pair = _two(args, names)
    if isinstance(pair, str):
        return pair
    return HeaderRewrite("set-cookie", _bare(pair[0]), _bare(pair[1]), "domain", whole=True)


def path_rewrite(args: tuple[str, ...], names: Mapping[str, str]) -> HeaderRewrite | str:
    """nginx's proxy_cookie_path, or the reason why it cannot be had."""
    pair = _two(args, names)
    return pair if isinstance(pair, str) else HeaderRewrite("set-cookie", *pair, "path")


def redirect_rewrites(args: tuple[str, ...], names: Mapping[str, str]) -> tuple[HeaderRewrite, ...] | str:
    """nginx's proxy_redirect, or the reason why it cannot be had."""
    pair = _two(args, names)
    if isinstance(pair, str):
        return pair
    return HeaderRewrite("location", *pair), HeaderRewrite("refresh", *pair, "url")


def _two(args: tuple[str, ...], names: Mapping[str, str]) -> tuple[Template, Template] | str:
    """From and to, with variables; or the reason why they are not that."""
    if len(args) != 2:
        return f"there are {len(args)}"
    if args[0].startswith("~"):
        return "a regular expression cannot be had"
    start, replacement = (parse(text, names) for text in args)
    if isinstance(start, str):
        return start
    if isinstance(replacement, str):
        return replacement
    return (start, replacement) if start else "what is to be replaced is empty"


def _bare(domain: Template) -> Template:
    """Without the leading dot, which nginx ignores."""
    first = domain[0] if domain else ""
    return (first[1:], *domain[1:]) if isinstance(first, str) and first.startswith(".") else domain
