"""What becomes of manifests that move here, and the same manifests with the suggested changes in them.

Reads what a translation without a gateway found. Rule: a text is changed only if decoding it again gives exactly the
objects that were wanted; otherwise it stays as it is and the object is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from isthmus.app.offline import Offline
from isthmus.app.settings import Settings
from isthmus.dialects.ingress.migration import Moved, migrate
from isthmus.dialects.ingress.suggestions import Suggestion
from isthmus.kube.decode import decode
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.objects import Base, Ingress, ref_of
from isthmus.kube.refs import FieldPath, ObjectRef, SourcePos
from isthmus.kube.yaml_edits import Drop, Edit, Put, Rename, edited

_ANNOTATIONS = FieldPath(("metadata", "annotations"))
_SPEC = FieldPath(("spec",))


_Change = tuple[Ingress, Suggestion]
_Changes = Sequence[_Change]


class Migration(Struct, frozen=True):
    """`unread` are findings about documents of which nothing else can be said. `places` are those of the objects."""

    classes: tuple[str, ...]
    moved: tuple[Moved, ...]
    unread: tuple[Diagnostic, ...]
    places: Mapping[ObjectRef, SourcePos]


class Rewritten(Struct, frozen=True):
    """All texts by the names of their files, and the objects whose suggestions could not be written into them."""

    texts: Mapping[str, str]
    by_hand: tuple[ObjectRef, ...] = ()


def migration(offline: Offline, settings: Settings) -> Migration:
    """What becomes of everything."""
    moved = migrate(offline.store, offline.findings(), settings.controller_config)
    found = ((each.ref, offline.place(each.ref, FieldPath(()))) for each in moved)
    places = {ref: place for ref, place in found if place is not None}
    return Migration(settings.classes, moved, offline.unread, places)


def rewritten(offline: Offline, moved: Iterable[Moved]) -> Rewritten:
    """The files with the suggestions in them."""
    by_file: dict[str, list[_Change]] = {}
    for each in moved:
        ingress = offline.store.get(each.ref)
        if each.suggested and isinstance(ingress, Ingress) and ingress.source is not None:
            by_file.setdefault(ingress.source.file, []).append((ingress, each.suggested))
    texts = {}
    by_hand: list[ObjectRef] = []
    for file, text in offline.texts.items():
        texts[file], left = _file(file, text, by_file.get(file, ()))
        by_hand += left
    return Rewritten(texts, tuple(by_hand))


def _file(file: str, text: str, changes: _Changes) -> tuple[str, list[ObjectRef]]:
    """A file with all changes; failing that, with each one that can be made."""
    before = decode(file, text).objects
    kept: list[_Change] = []
    left: list[ObjectRef] = []
    waiting = [changes] if changes else []
    while waiting:
        tried = waiting.pop()
        changed = _changed(file, text, before, [*kept, *tried])
        if changed is not None:
            kept += tried
        elif len(tried) == 1:
            left.append(ref_of(tried[0][0]))
        else:
            middle = len(tried) // 2
            waiting += [tried[middle:], tried[:middle]]
    return _changed(file, text, before, kept) or text, left


def _changed(file: str, text: str, before: Sequence[Base], changes: _Changes) -> str | None:
    if not changes:
        return text
    changed = edited(text, [(ingress.source, _edits(ingress, each)) for ingress, each in changes if ingress.source])
    if changed is None:
        return None
    by_ref = {(ref_of(ingress), ingress.source): each for ingress, each in changes}
    wanted = [_wanted(obj, by_ref.get((ref_of(obj), obj.source))) for obj in before]
    found = [replace(obj, source=None) for obj in decode(file, changed).objects]
    return changed if found == wanted else None


def _wanted(obj: Base, suggested: Suggestion | None) -> Base:
    changed = suggested.applied(obj) if suggested and isinstance(obj, Ingress) else obj
    return replace(changed, source=None)


def _edits(ingress: Ingress, suggested: Suggestion) -> tuple[Edit, ...]:
    given = ingress.metadata.annotations
    edits: list[Edit] = []
    for old, (new, value) in suggested.rename.items():
        edits.append(Rename(_ANNOTATIONS, old, new, None if value == given[old] else value))
    if suggested.drop:
        edits.append(Drop(_ANNOTATIONS, frozenset(suggested.drop)))
    if suggested.ingress_class:
        edits.append(Put(_SPEC, "ingressClassName", suggested.ingress_class))
    return tuple(edits)
