"""Findings about what an Ingress asks of a whole host (ISTH0140 to ISTH0149)."""

from __future__ import annotations

from isthmus.kube.diagnostics import Code, Effect, Severity

CANARY_ALONE = Code(
    "ISTH0140",
    Severity.WARNING,
    "no other Ingress serves path {path} of host {host}, so its canary gets nothing",
    "create the Ingress that it is a canary of, with the same host, path and pathType",
    "A canary takes a part of what another Ingress gets. Without that one there is nothing to take; ingress-nginx "
    "answers 404 then, and so does Isthmus.",
    Effect.DROP,
)
CANARY_STRICTER = Code(
    "ISTH0141",
    Severity.ERROR,
    "{annotation} restricts access to this canary, and {main}, whose part it takes, says otherwise",
    "give both objects the same value; until then the canary gets nothing",
    "Only the annotations of the main Ingress count for the requests that a canary takes; ingress-nginx ignores the "
    "canary's own. Sending requests there without the restriction would be less safe than asked.",
    Effect.DROP,
)
CANARY_IGNORED = Code(
    "ISTH0142",
    Severity.INFO,
    "{annotations} of this canary do not count: {main} decides",
    "set them on the main Ingress, or remove them here",
    "A canary's own annotations count where they are about the canary or the choice of its endpoints: canary-*, "
    "load-balance, upstream-hash-by, service-upstream, affinity-canary-behavior. ingress-nginx has the same rule.",
    Effect.KEEP,
)
NAME_TAKEN = Code(
    "ISTH0143",
    Severity.WARNING,
    "{annotation} asks for host {host}, which {winner} has",
    "remove one of the two",
    "A host of a rule beats an alias, and an alias beats a redirect from or to www. Of several that ask for the same "
    "name the oldest object gets it.",
    Effect.DROP,
)
UNUSABLE_REGEX = Code(
    "ISTH0144",
    Severity.ERROR,
    "path {value} is a regular expression that Envoy cannot run: {reason}",
    "write it for RE2; until then everything below {closed} answers 503",
    "Paths of this host are regular expressions, because an Ingress of the host has use-regex or rewrite-target. "
    "nginx runs PCRE, Envoy RE2, which has no look around and no back references and takes linear time. Leaving the "
    "path out would give its requests to another path, so what begins as it does is closed.",
    Effect.CLOSE,
)
NO_CLUSTER_ADDRESS = Code(
    "ISTH0145",
    Severity.WARNING,
    "Service {service} has no address of its own, so its endpoints are used",
    "remove the annotation, or give the Service a clusterIP",
    "Headless Services have no address in the cluster. ingress-nginx falls back to their endpoints too.",
    Effect.KEEP,
)
NO_ERROR_PAGES = Code(
    "ISTH0146",
    Severity.WARNING,
    "{annotation} needs a Service that makes the pages, and there is none: answers stay as they are",
    "set nginx.ingress.kubernetes.io/default-backend to a Service of the same namespace",
    "ingress-nginx would ask the default backend that it was started with. Here it is named by the annotation "
    "default-backend.",
    Effect.KEEP,
)
WITHOUT_CANARY = Code(
    "ISTH0147",
    Severity.WARNING,
    "{annotation} does not count, because {other}",
    "complete the canary or remove the annotation",
    "The annotations canary-* say which requests a canary takes. They mean nothing on an Ingress that is none, and a "
    "header's value nothing without the header's name.",
    Effect.KEEP,
)
PATH_STRICTER = Code(
    "ISTH0148",
    Severity.WARNING,
    "what {other} asks of requests for path {path} of host {host} counts here too",
    "remove the path from one of the two, or give both the same annotations",
    "Two Ingresses of one namespace claim the same host and path. The oldest one answers; of what keeps people out "
    "(addresses, passwords, authorization servers, limits) that of both counts. ingress-nginx would forget the "
    "younger one's.",
    Effect.KEEP,
)
PATH_CLOSED = Code(
    "ISTH0149",
    Severity.ERROR,
    "path {path} of host {host} is closed: {other} claims it too and asks for what cannot be had beside this",
    "remove the path from one of the two, or give both the same annotations; until then it answers 503",
    "Two Ingresses of one namespace claim the same host and path, and what they ask to keep people out cannot be had "
    "together, or not at all: two password files, satisfy any on one of them, a setting that cannot be read.",
    Effect.CLOSE,
)
CODES = (
    CANARY_ALONE,
    CANARY_STRICTER,
    CANARY_IGNORED,
    NAME_TAKEN,
    UNUSABLE_REGEX,
    NO_CLUSTER_ADDRESS,
    NO_ERROR_PAGES,
    WITHOUT_CANARY,
    PATH_STRICTER,
    PATH_CLOSED,
)
