"""Findings about manifests as such, before anybody asks what they mean (ISTH0001 to ISTH0049)."""

from __future__ import annotations

from isthmus.kube.diagnostics import Code, Effect, Severity

SYNTAX = Code(
    "ISTH0001",
    Severity.ERROR,
    "this is not valid {language}: {problem}",
    "{fix}",
    "A document could not be read at all. Only that document is left out: the other documents of the file are "
    "read as usual, and in a running gateway the objects that the file had before go on being served.",
    Effect.UNREAD,
)
DUPLICATE_KEY = Code(
    "ISTH0002",
    Severity.ERROR,
    "the key {key} is here a second time; the first is on line {line}",
    "remove or rename one of the two",
    "YAML forbids the same key twice in one mapping, and tools differ in which of the two they take. A document "
    "with a doubtful meaning is not served.",
    Effect.UNREAD,
)
NOT_AN_OBJECT = Code(
    "ISTH0003",
    Severity.ERROR,
    "this is not a Kubernetes object: {problem}",
    "a manifest is a mapping with apiVersion, kind and metadata; move other YAML to another folder",
    "Every document must say which Kubernetes object it is. Values files of Helm charts and configuration of other "
    "tools do not, and nothing can be served from them.",
    Effect.UNREAD,
)
UNSUPPORTED_VERSION = Code(
    "ISTH0004",
    Severity.ERROR,
    "{kind} of {found} is not read; {wanted} is",
    "write it as apiVersion {wanted} (kubectl convert -f FILE --output-version {wanted} helps)",
    "Old versions of an API have other fields with other meanings. Kubernetes has stopped serving them, and so "
    "such an object is not guessed at.",
    Effect.UNREAD,
)
WRONG_TYPE = Code(
    "ISTH0005",
    Severity.ERROR,
    "expected {expected}, found {found}",
    "{fix}",
    "The API server would refuse this object, because a value has another type than the field. Plain YAML scalars "
    'such as 3600, on, yes and 010 are numbers and booleans; annotations need them in quotes ("3600").',
    Effect.UNREAD,
)
MISSING_FIELD = Code(
    "ISTH0006",
    Severity.ERROR,
    "the required field {field} is missing",
    "add {field}",
    "The API server would refuse this object, because a field that it cannot do without is absent or null.",
    Effect.UNREAD,
)
UNKNOWN_FIELD = Code(
    "ISTH0007",
    Severity.WARNING,
    "{kind} has no field {field} here{hint}",
    "correct the name or the indentation, or remove the field; it has no effect",
    "The field does not exist in the Kubernetes API at this place, so whatever it was meant to do does not happen. "
    "Most often it is a misspelling or an indentation that is off by one level.",
    Effect.KEEP,
)
UNUSED_KIND = Code(
    "ISTH0008",
    Severity.INFO,
    "{count} of kinds that Isthmus has no use for: {kinds}",
    "nothing",
    "These kinds do not describe traffic, and may stand in the same files. They are named once, all together, at the "
    "place of the first.",
)
SAME_OBJECT = Code(
    "ISTH0009",
    Severity.ERROR,
    "this object is already defined at {first}; this second definition is not used",
    "remove or rename one of the two",
    "Two documents describe an object of the same kind, namespace and name. A cluster can only hold one of them. "
    "The one that comes first (by the order of the -f options, then by path, then by line) is used.",
    Effect.DROP,
)
INVALID_NAME = Code(
    "ISTH0010",
    Severity.ERROR,
    "{value} is not a valid {what}: {rule}",
    "choose another name",
    "The API server would refuse this object. Names are lower-case DNS names (RFC 1123), so that they can stand in "
    "host names, file names and log lines without harm.",
    Effect.UNREAD,
)
TOO_LARGE = Code(
    "ISTH0011",
    Severity.ERROR,
    "{what} has {size}; at most {most} is read",
    "split it up or move the data elsewhere; the API server would not take it either",
    "Kubernetes refuses objects of several megabytes and annotations of more than 256 KiB in sum. The same bounds "
    "protect this process.",
    Effect.UNREAD,
)
ALIASES = Code(
    "ISTH0012",
    Severity.ERROR,
    "{problem}",
    "write the value out, or use fewer levels of anchors and aliases",
    "YAML aliases can make a small text stand for gigabytes (the billion laughs attack), or for something that "
    "contains itself. With all aliases written out a document may be no larger than without any.",
    Effect.UNREAD,
)
TOO_DEEP = Code(
    "ISTH0013",
    Severity.ERROR,
    "values are nested more than {most} levels deep here",
    "flatten it; no Kubernetes object that Isthmus reads is nested more than 12 levels deep",
    "Nesting of this depth is a mistake or an attack, and is not followed.",
    Effect.UNREAD,
)
UNREADABLE = Code(
    "ISTH0014",
    Severity.ERROR,
    "the file cannot be read: {problem}",
    "{fix}",
    "A file could not be opened or is not text.",
    Effect.UNREAD,
)
LAST_GOOD = Code(
    "ISTH0015",
    Severity.WARNING,
    "{count} of this file's objects cannot be read now and stay as they last were: {names}",
    "mend what the file's other findings say",
    "While a file holds a document that cannot be read, the objects which it defined before are neither changed "
    "nor withdrawn: a file that is half written or broken by a slip of the hand must not stop traffic.",
    Effect.LAST_GOOD,
)
UNREAD_TRAFFIC = Code(
    "ISTH0016",
    Severity.WARNING,
    "{count} of kind {kind} ({version}): this kind decides about traffic, and Isthmus does not read it",
    "say it with Ingress objects; until then nothing of it acts here",
    "The kind belongs to another way of describing traffic: the Gateway API, Istio, NGINX Ingress Controller's "
    "VirtualServer, or the own kinds of another gateway. Hosts and paths that only it names are not served, and a rule "
    "that only it holds is not kept. It is named once, with its first place.",
    Effect.DROP,
)
NOT_BUILT = Code(
    "ISTH0017",
    Severity.WARNING,
    "{count} of kind {kind} ({version}): the files are read as they are, without what this kind changes in them",
    "give what is built instead: kubectl kustomize FOLDER > built.yaml, and -f built.yaml",
    "Kustomize patches objects, and gives them other names and namespaces. Its bases, overlays and patches are only "
    "the parts: read as they are, they hold objects that no cluster gets, and patches look like objects defined twice.",
)
EMPTY_FOLDER = Code(
    "ISTH0018",
    Severity.WARNING,
    "there is no manifest in this folder",
    "give the folder that holds them; their names end with .yaml, .yml or .json",
    "Folders are searched with their sub-folders. Other files are not read, nor are hidden ones; a file that is named "
    "itself is read whatever its name.",
)
GONE = Code(
    "ISTH0019",
    Severity.ERROR,
    "the file or folder is gone",
    "put it back; its objects are withdrawn until then",
    "A path that a running gateway was given is no longer there. That is how objects are taken back on purpose, so "
    "what it held is withdrawn after a moment, as it is when a single file goes from a folder.",
    Effect.DROP,
)

CODES: tuple[Code, ...] = (
    SYNTAX,
    DUPLICATE_KEY,
    NOT_AN_OBJECT,
    UNSUPPORTED_VERSION,
    WRONG_TYPE,
    MISSING_FIELD,
    UNKNOWN_FIELD,
    UNUSED_KIND,
    SAME_OBJECT,
    INVALID_NAME,
    TOO_LARGE,
    ALIASES,
    TOO_DEEP,
    UNREADABLE,
    LAST_GOOD,
    UNREAD_TRAFFIC,
    NOT_BUILT,
    EMPTY_FOLDER,
    GONE,
)
