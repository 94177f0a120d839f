"""Findings about annotations (ISTH0110 to ISTH0118, ISTH0121 to ISTH0129)."""

from __future__ import annotations

from isthmus.kube.diagnostics import Code, Effect, Severity

UNTRANSLATED_ANNOTATION = Code(
    "ISTH0110",
    Severity.WARNING,
    "{annotation} is not translated{hint}",
    "remove it, or expect the behaviour without it",
    "The annotation is under a prefix that this class owns and Isthmus does not act on it. It does not weaken "
    "security, so the path is served without it.",
    Effect.KEEP,
)
SECURITY_ANNOTATION = Code(
    "ISTH0111",
    Severity.ERROR,
    "{annotation} restricts access and is not translated{hint}",
    "remove it if the restriction is not needed; until then the object's paths answer 503",
    "Authentication, allow and deny lists, client certificates, rate limits and their kin restrict who gets "
    "through. Serving the path without them would be less safe than asked, so it is closed instead.",
    Effect.CLOSE,
)
SNIPPET = Code(
    "ISTH0112",
    Severity.ERROR,
    "{annotation} holds raw nginx configuration, which Envoy cannot run",
    "say it with annotations; WebSocket needs none. Until then the object's paths answer 503",
    "A snippet may restrict access, and nobody can tell what leaving it out would open, so the paths are closed. "
    "ingress-nginx itself switches snippets off by default and rates them critical.",
    Effect.CLOSE,
)
WRONG_CLASS_ANNOTATION = Code(
    "ISTH0113",
    Severity.WARNING,
    "{annotation} belongs to {owner}; this object's class belongs to {controller}, which ignores it",
    "use the class of {owner}, or the annotation of {controller} that does the same",
    "Each controller reads only its own annotations. With an IngressClass among the objects its controller decides "
    "whose annotations count (k8s.io/ingress-nginx or nginx.org/ingress-controller); without one, ingress-nginx's.",
    Effect.KEEP,
)
INVALID_ANNOTATION = Code(
    "ISTH0114",
    Severity.ERROR,
    "{annotation} is {value}, expected {expected}",
    "correct the value; until then the default is used",
    "ingress-nginx falls back to the default for a value that it cannot read, and so does Isthmus.",
    Effect.KEEP,
)
AUTO_PROTOCOL = Code(
    "ISTH0116",
    Severity.WARNING,
    "{annotation} is AUTO_HTTP; HTTP is used for all requests",
    "say HTTP or HTTPS",
    "ingress-nginx would use the scheme of the client's request towards the backend.",
    Effect.KEEP,
)
SERVICE_NOT_USED = Code(
    "ISTH0117",
    Severity.WARNING,
    "{annotation} names Service {value}, which no rule of this Ingress uses{hint}",
    "correct the name or remove it from the list",
    "The list has an effect only on Services that the same Ingress refers to.",
    Effect.KEEP,
)
NO_EFFECT = Code(
    "ISTH0121",
    Severity.INFO,
    "{annotation} has no effect here: {why}",
    "nothing; it may stay for the controller that it comes from",
    "The annotation tunes something that Envoy does not have or does by itself. Nothing is lost without it.",
    Effect.NONE,
)
ANNOTATION_DIFFERS = Code(
    "ISTH0122",
    Severity.INFO,
    "{annotation} works otherwise than in nginx: {how}",
    "check that the difference does not matter to you",
    "Envoy does the same thing by other means, and in some cases one can tell. The family's page says when.",
    Effect.NONE,
)
REFUSED_ANNOTATION = Code(
    "ISTH0123",
    Severity.ERROR,
    "{annotation} cannot be honoured: {why}",
    "{instead}; until then the paths that it is for answer 503",
    "Left out without a word, the annotation would open, misroute or break something that its author relies on. So the "
    "paths are closed, and nothing else is.",
    Effect.CLOSE,
)
INVALID_RESTRICTION = Code(
    "ISTH0124",
    Severity.ERROR,
    "{annotation} is {value}, expected {expected}",
    "correct the value; until then the paths that it protects answer 503",
    "The annotation restricts access. With a value that cannot be read nobody knows whom it was to keep out, so "
    "nobody is let in.",
    Effect.CLOSE,
)
MISSING_REFERENCE = Code(
    "ISTH0125",
    Severity.ERROR,
    "{annotation} refers to {kind} {name}, which does not exist",
    "create it or correct the name; until then the paths that need it answer 503",
    "The object that the annotation needs is not there. The paths are closed until it is, which takes effect within "
    "milliseconds.",
    Effect.CLOSE,
)
BROKEN_REFERENCE = Code(
    "ISTH0126",
    Severity.ERROR,
    "{kind} {name}, which {annotation} refers to, cannot be used: {reason}",
    "correct the object; until then the paths that need it answer 503",
    "The object that the annotation needs is there and does not hold what it should. The paths are closed until it "
    "does.",
    Effect.CLOSE,
)
OVERRULED_ANNOTATION = Code(
    "ISTH0127",
    Severity.WARNING,
    "{annotation} of this object does not count for host {host}: {winner} says otherwise and came first",
    "say it once, or give both objects the same value",
    "The annotation is about a whole host and several objects disagree. The oldest object wins, except where access "
    "is restricted: then the stricter one does.",
    Effect.KEEP,
)
UNKNOWN_SETTING = Code(
    "ISTH0128",
    Severity.INFO,
    "key {key} of the controller's ConfigMap is not translated{hint}",
    "remove it, or expect the behaviour without it",
    "The ConfigMap configures the controller that the objects come from. The keys that change what annotations mean "
    "are read; this one is not among them.",
    Effect.KEEP,
)

CODES = (
    UNTRANSLATED_ANNOTATION,
    SECURITY_ANNOTATION,
    SNIPPET,
    WRONG_CLASS_ANNOTATION,
    INVALID_ANNOTATION,
    AUTO_PROTOCOL,
    SERVICE_NOT_USED,
    NO_EFFECT,
    ANNOTATION_DIFFERS,
    REFUSED_ANNOTATION,
    INVALID_RESTRICTION,
    MISSING_REFERENCE,
    BROKEN_REFERENCE,
    OVERRULED_ANNOTATION,
    UNKNOWN_SETTING,
)
