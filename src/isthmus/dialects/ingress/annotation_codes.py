"""Findings about annotations (ISTH0110 to ISTH0118, ISTH0121 to ISTH0129)."""

from __future__ import annotations

from isthmus.kube.diagnostics import Code, Effect, Severity

UNTRANSLATED_ANNOTATION = Code(
    "ISTH0110",
    Severity.WARNING,
    "{annotation} is not translated{hint}",
    "correct its name or remove it; until then the object is served without it",
    "The annotation is under a prefix that this class owns and Isthmus does not act on it. It does not weaken "
    "security, so the path is served without it.",
    Effect.KEEP,
)
SECURITY_ANNOTATION = Code(
    "ISTH0111",
    Severity.ERROR,
    "{annotation} restricts access and is not translated{hint}",
    "correct its name, or remove it if the restriction is not needed; until then the object's paths answer 503",
    "Authentication, allow and deny lists, client certificates, rate limits and their kin restrict who gets "
    "through. Serving the path without them would be less safe than asked, so it is closed instead.",
    Effect.CLOSE,
)
WRONG_CLASS_ANNOTATION = Code(
    "ISTH0113",
    Severity.WARNING,
    "{annotation} belongs to {owner}; this object's class belongs to {controller}, which ignores it",
    "if {owner} serves this class, put its IngressClass among the manifests; else use the annotation of {controller} "
    "that does the same",
    "Each controller reads only its own annotations. With an IngressClass among the objects its controller decides "
    "whose annotations count (k8s.io/ingress-nginx or nginx.org/ingress-controller); without one, ingress-nginx's.",
    Effect.KEEP,
)
INVALID_ANNOTATION = Code(
    "ISTH0114",
    Severity.ERROR,
    "{annotation} is {value}, expected {expected}",
    "correct the value; until then the default is used",
    "ingress-nginx falls back to the default for a value that it cannot read, and so does Isthmus. NGINX Inc's "
    "controller rejects the whole object for it; here all else in the object counts.",
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
ALONE = Code(
    "ISTH0150",
    Severity.WARNING,
    "{annotation} counts only together with {other}",
    "add what is missing, or remove the annotation",
    "The annotation says how something is to be done that nothing asks for. ingress-nginx ignores it without a word.",
    Effect.KEEP,
)
UNUSABLE_PASSWORD = Code(
    "ISTH0170",
    Severity.WARNING,
    "{name}, which {annotation} refers to, has a user who can never log in: {reason}",
    "make the line anew with htpasswd -B; the other users are not affected",
    "Passwords are kept as hashes: bcrypt, apr1 (htpasswd's MD5), SHA-crypt, {SHA}, {SSHA} or the crypt of old. A line "
    "without one, with a plain password or with a hash that would take seconds to judge lets nobody in.",
    Effect.KEEP,
)
AUTH_SERVER_MISSING = Code(
    "ISTH0171",
    Severity.ERROR,
    "{annotation} leads to {server}, which cannot be asked: {reason}",
    "correct the URL or create the Service; until then the paths that it protects answer 503",
    "Who may use the paths is another server's decision. Without one that can be asked nobody is let in.",
    Effect.CLOSE,
)
CIPHERS_LEFT_OUT = Code(
    "ISTH0190",
    Severity.WARNING,
    "{annotation} has ciphers that Envoy does not have, which are left out: {names}",
    "nothing, if clients can do without them",
    "Envoy speaks fewer ciphers than OpenSSL: none with DHE, CBC with SHA-2, CAMELLIA, ARIA, PSK, 3DES or RC4. The "
    "others of the list count, in its order.",
    Effect.KEEP,
)
OTHER_AUTHORITIES = Code(
    "ISTH0191",
    Severity.ERROR,
    "{annotation} of this object and that of {winner} judge the client certificates of host {host} differently",
    "use the same Secret and the same auth-tls-match-cn for all objects of a host, or give the paths a host of their "
    "own; until then this object's paths answer 503",
    "A handshake happens before anybody knows the path, so one Secret judges all clients of a host: that of the oldest "
    "object. Its verdicts say nothing about what another object wants, so that one's paths are closed.",
    Effect.CLOSE,
)
CLOSED_WITH_HOST = Code(
    "ISTH0192",
    Severity.ERROR,
    "host {host} is closed: {annotation} of {winner} is for the whole host and cannot be honoured",
    "see the findings of that object; until then all paths of the host answer 503",
    "Client certificates are asked for by host. As long as they cannot be judged nobody is let in, by whichever "
    "object's path.",
    Effect.CLOSE,
)
NOT_DECRYPTED = Code(
    "ISTH0193",
    Severity.WARNING,
    "over TLS the paths of this object are not served: {annotation} of {winner} passes all connections for host "
    "{host} through",
    "give the paths a host of their own",
    "Connections that are passed through are not decrypted, so nobody here knows their paths.",
    Effect.DROP,
)

CODES = (
    UNTRANSLATED_ANNOTATION,
    SECURITY_ANNOTATION,
    WRONG_CLASS_ANNOTATION,
    INVALID_ANNOTATION,
    SERVICE_NOT_USED,
    NO_EFFECT,
    ANNOTATION_DIFFERS,
    REFUSED_ANNOTATION,
    INVALID_RESTRICTION,
    MISSING_REFERENCE,
    BROKEN_REFERENCE,
    OVERRULED_ANNOTATION,
    UNKNOWN_SETTING,
    ALONE,
    UNUSABLE_PASSWORD,
    AUTH_SERVER_MISSING,
    CIPHERS_LEFT_OUT,
    OTHER_AUTHORITIES,
    CLOSED_WITH_HOST,
    NOT_DECRYPTED,
)
