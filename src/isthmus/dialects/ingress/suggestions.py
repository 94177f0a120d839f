"""Changes of an Ingress that say the same in today's words: its class, old names, annotations that change nothing.

What cannot be said otherwise without a decision of its author is only told, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Vocabulary
from isthmus.dialects.ingress.claims import CLASS_ANNOTATION
from isthmus.dialects.ingress.handling import Handling
from isthmus.kube.objects import Ingress


class Suggestion(Struct, frozen=True):
    """`drop` are annotations to leave out; `rename` are old keys with their new key and value; `ingress_class` is to
    be written into the spec. `told` are words about keys that have to be changed by hand."""

    drop: tuple[str, ...] = ()
    rename: Mapping[str, tuple[str, str]] = {}
    ingress_class: str = ""
    told: Mapping[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self.drop or self.rename or self.ingress_class)

    def instead(self, key: str) -> str:
        """What to write instead of an annotation, in words; empty where it may stay."""
        if key == CLASS_ANNOTATION and self.ingress_class:
            return f"spec.ingressClassName: {self.ingress_class}"
        if key in self.rename:
            new, value = self.rename[key]
            return f"{new}: {value}"
        return "remove it" if key in self.drop else self.told.get(key, "")

    def applied(self, ingress: Ingress) -> Ingress:
        """The object with all the changes."""
        annotations: dict[str, str] = {}
        for key, value in ingress.metadata.annotations.items():
            if key in self.rename:
                new, renamed = self.rename[key]
                annotations[new] = renamed
            elif key not in self.drop:
                annotations[key] = value
        changed = replace(ingress, metadata=replace(ingress.metadata, annotations=annotations))
        if self.ingress_class:
            changed = replace(changed, spec=replace(changed.spec, ingress_class_name=self.ingress_class))
        return changed

    def lines(self) -> tuple[str, ...]:
        """The changes in words, one a line."""
        renamed = (f"{old} -> {self.instead(old)}" for old in self.rename)
        moved = (f"{CLASS_ANNOTATION} -> {self.instead(CLASS_ANNOTATION)}",) if self.ingress_class else ()
        return (*moved, *renamed, *(f"{key} removed" for key in self.drop if key != CLASS_ANNOTATION or not moved))


NOTHING = Suggestion()


def suggestion(vocabulary: Vocabulary, ingress: Ingress) -> Suggestion:
    """What to change in an Ingress whose annotations are of a controller."""
    given = ingress.metadata.annotations
    drop: list[str] = []
    rename: dict[str, tuple[str, str]] = {}
    told: dict[str, str] = {}
    for key, value in given.items():
        known, old = vocabulary.known.get(key), vocabulary.old_names.get(key)
        if vocabulary.is_harmless(key, value) or (known is not None and known.handling is Handling.NO_EFFECT):
            drop.append(key)
        elif old is None:
            continue
        elif old.asks_nothing(value) or (old.now in given and known is None):
            drop.append(key)
        elif old.now and old.now not in given and (new := old.value(value)) is not None:
            rename[key] = (old.now, new)
        else:
            told[key] = f"{old.why}{f'; write {old.now}' if old.now else ''}"
    wanted = [new for new, _ in rename.values()]
    for key in [key for key, (new, _) in rename.items() if wanted.count(new) > 1]:
        told[key] = f"write {rename.pop(key)[0]}, for both"
    return _with_class(Suggestion(tuple(drop), rename, told=told), ingress)


def _with_class(found: Suggestion, ingress: Ingress) -> Suggestion:
    """A class that is said in both ways, differently, is left to the author."""
    given, named = ingress.metadata.annotations.get(CLASS_ANNOTATION), ingress.spec.ingress_class_name
    if not given or (named and named != given):
        return found
    return replace(found, drop=(*found.drop, CLASS_ANNOTATION), ingress_class="" if named else given)
