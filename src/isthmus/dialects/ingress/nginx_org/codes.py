"""Findings that only NGINX Inc's annotations give (ISTH0180 to ISTH0189)."""

from __future__ import annotations

from isthmus.kube.diagnostics import Code, Effect, Severity

NEEDS_OTHER = Code(
    "ISTH0180",
    Severity.WARNING,
    "{annotation} changes nothing without {other}",
    "add {other}, or remove the annotation",
    "The annotation only says more about what another one asks for, and that one is not there. NGINX Inc's controller "
    "rejects some objects for it; here they are served, without what was not asked for.",
    Effect.KEEP,
)
BESIDE = Code(
    "ISTH0181",
    Severity.WARNING,
    "{annotation} does not count beside {other}",
    "remove one of the two",
    "The two annotations say the same thing in different ways. As in NGINX Inc's controller one of them wins.",
    Effect.KEEP,
)
NO_MASTER = Code(
    "ISTH0182",
    Severity.ERROR,
    "there is no master for host {host}, so this minion is not served",
    "create an Ingress with nginx.org/mergeable-ingress-type: master for the host, or remove the annotation",
    "A minion has only paths. TLS and everything that is about the whole host is said by the master, so without one "
    "the paths might be served in clear, or to everyone.",
    Effect.DROP,
)
WRONG_ROLE = Code(
    "ISTH0183",
    Severity.ERROR,
    "{problem}",
    "give the master one host and no paths, and each minion one host, paths and no TLS",
    "Masters and minions split one host over several objects: the master has the host, its TLS and what is about the "
    "whole host, minions have the paths. An object with something else is not served, as in NGINX Inc's controller.",
    Effect.DROP,
)
NOT_FOR_ROLE = Code(
    "ISTH0184",
    Severity.WARNING,
    "{annotation} does not count on a {role}",
    "move it to the {other}",
    "As in NGINX Inc's controller, what is about a whole host is said by the master and what is about single Services "
    "by the minions.",
    Effect.KEEP,
)
OTHER_MASTER = Code(
    "ISTH0185",
    Severity.ERROR,
    "{winner} is already the master of host {host}",
    "leave one master for each host; until then this one does not count",
    "Each host has one master. The oldest one is kept (by creationTimestamp; objects without one are ordered by "
    "namespace and name).",
    Effect.DROP,
)
POLICY_OVERRULED = Code(
    "ISTH0186",
    Severity.WARNING,
    "{annotation}: of several {what} policies only the first counts, {name} does not",
    "leave one policy of each kind",
    "Policies of one kind cannot be combined, except rate limits and access control. As in NGINX Inc's controller the "
    "first one in the list counts.",
    Effect.KEEP,
)

CODES = (NEEDS_OTHER, BESIDE, NO_MASTER, WRONG_ROLE, NOT_FOR_ROLE, OTHER_MASTER, POLICY_OVERRULED)
