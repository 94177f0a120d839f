"""What a set of files defines, and what changes from one state of the files to the next.

Sans-I/O: files come in decoded, the time as a value. Rules: the first definition of an object counts; what cannot
be read leaves its objects as they last were; what is gone is withdrawn only when it stayed away for a while.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from isthmus.kube import codes
from isthmus.kube.decode import Unused, file_ref
from isthmus.kube.diagnostics import Code, Diagnostic, printable
from isthmus.kube.files import File, positions_in
from isthmus.kube.objects import Base, ref_of
from isthmus.kube.positions import Positions
from isthmus.kube.refs import FieldPath, ObjectRef, SourcePos

_NAME = FieldPath(("metadata", "name"))
_SHOWN = 3
_SHOWN_KINDS = 12
# API groups that describe traffic in another way than Ingress does.
_TRAFFIC = frozenset(
    (
        "appprotect.f5.com",
        "configuration.konghq.com",
        "gateway.envoyproxy.io",
        "gateway.networking.k8s.io",
        "getambassador.io",
        "k8s.nginx.org",
        "networking.istio.io",
        "projectcontour.io",
        "route.openshift.io",
        "security.istio.io",
        "traefik.containo.us",
        "traefik.io",
    )
)
_KUSTOMIZE = "kustomize.config.k8s.io"


class Step(Struct, frozen=True):
    """What changed. `moved` are objects with the same value at another place; `wake` is when to look again."""

    upserts: tuple[Base, ...]
    deletes: tuple[ObjectRef, ...]
    moved: tuple[Base, ...]
    diagnostics: tuple[Diagnostic, ...]
    wake: float | None


class Manifests:
    """The objects that the files define now. `grace` is how many seconds an object must be gone to be withdrawn.

    `before` are objects that others read from the same files earlier: their last good versions.
    """

    def __init__(self, grace: float, before: Mapping[ObjectRef, Base] = {}) -> None:
        self._grace = grace
        self._served = dict(before)
        self._first = True
        self._gone: dict[ObjectRef, float] = {}  # since when; files that were asked for are in here too

    def step(self, files: Mapping[str, File], missing: Sequence[str], now: float) -> Step:
        """Take in the present state of all files, in their order, and of paths that are missing altogether.

        The first step gives everything.
        """
        objects, found = _collect(files)
        found.extend(self._hold(objects, files))
        refs = [ref for ref in self._served if ref not in objects]
        expired = self._expired((*refs, *map(file_ref, missing)), now)
        found.extend(_missing(ref) for ref in expired if ref not in self._served)
        upserts: list[Base] = []
        moved: list[Base] = []
        for ref, obj in objects.items():
            old = self._served.get(ref)
            if self._first:
                upserts.append(obj)
                self._served[ref] = obj
            elif old is not obj and old != obj:
                same = old is not None and replace(old, source=obj.source) == obj
                (moved if same else upserts).append(obj)
                self._served[ref] = obj
        if self._first:
            upserts.extend(self._served[ref] for ref in refs if ref not in expired)
            self._first = False
        deletes = tuple(ref for ref in expired if self._served.pop(ref, None) is not None)
        wake = min((since + self._grace for ref, since in self._gone.items() if ref not in expired), default=None)
        return Step(tuple(upserts), deletes, tuple(moved), tuple(found), wake)

    def _hold(self, objects: dict[ObjectRef, Base], files: Mapping[str, File]) -> Iterator[Diagnostic]:
        """Put back what files define that cannot be read now."""
        broken = {ref for file in files.values() for each in file.decoded for ref in each.broken}
        opaque = {path for path, file in files.items() if file.fault or any(e.unreadable for e in file.decoded)}
        held: dict[str, list[ObjectRef]] = {}
        if not broken and not opaque:
            return
        for ref, obj in self._served.items():
            file = obj.source.file if obj.source is not None else ""
            if ref not in objects and (ref in broken or file in opaque):
                objects[ref] = obj
                held.setdefault(file, []).append(ref)
        for path, refs in held.items():
            names = ", ".join(str(ref) for ref in refs[:_SHOWN])
            more = f" and {len(refs) - _SHOWN} more" if len(refs) > _SHOWN else ""
            args = ("count", str(len(refs))), ("names", printable(names) + more)
            yield Diagnostic(codes.LAST_GOOD, file_ref(path), args=args, pos=SourcePos(path))

    def _expired(self, gone: Sequence[ObjectRef], now: float) -> set[ObjectRef]:
        """Of what is gone, what stayed away for the grace. What returned is forgotten."""
        self._gone = {ref: self._gone.get(ref, now) for ref in gone}
        return {ref for ref, since in self._gone.items() if now >= since + self._grace}


def _collect(files: Mapping[str, File]) -> tuple[dict[ObjectRef, Base], list[Diagnostic]]:
    objects: dict[ObjectRef, Base] = {}
    found: list[Diagnostic] = []
    unused: list[Unused] = []
    positions = positions_in(files)
    for file in files.values():
        if file.fault is not None:
            found.append(file.fault)
        for decoded in file.decoded:
            found.extend(decoded.diagnostics)
            unused.extend(decoded.unused)
            for obj in decoded.objects:
                ref = ref_of(obj)
                first = objects.setdefault(ref, obj)
                if first is not obj:
                    found.append(_twice(ref, first, obj, positions))
    return objects, [*found, *_unused(unused)]


def _twice(ref: ObjectRef, first: Base, second: Base, positions: Positions) -> Diagnostic:
    assert first.source is not None and second.source is not None
    args = (("first", str(positions.of(first.source, _NAME))),)
    return Diagnostic(codes.SAME_OBJECT, ref, _NAME, args, positions.of(second.source, _NAME))


def _unused(unused: Sequence[Unused]) -> Iterator[Diagnostic]:
    """Each kind once, with its first place; those that do no harm all together."""
    found: dict[tuple[str, str], list[Unused]] = {}
    for each in unused:
        found.setdefault((each.kind, each.version), []).append(each)
    harmless: list[list[Unused]] = []
    for (kind, version), group in found.items():
        code = _unused_code(version)
        if code is codes.UNUSED_KIND:
            harmless.append(group)
        else:
            yield _first(code, group, kind=kind, version=version)
    if harmless:
        shown = ", ".join(f"{len(group)} {group[0].kind}" for group in harmless[:_SHOWN_KINDS])
        more = f" and {len(harmless) - _SHOWN_KINDS} more kinds" if len(harmless) > _SHOWN_KINDS else ""
        yield _first(codes.UNUSED_KIND, [each for group in harmless for each in group], kinds=shown + more)


def _first(code: Code, group: Sequence[Unused], **args: str) -> Diagnostic:
    first = group[0]
    pairs = ("count", str(len(group))), *args.items()
    return Diagnostic(code, ObjectRef(first.kind, "", first.name or "without a name"), args=pairs, pos=first.pos)


def _unused_code(version: str) -> Code:
    group = version.partition("/")[0]
    if group == _KUSTOMIZE:
        return codes.NOT_BUILT
    return codes.UNREAD_TRAFFIC if group in _TRAFFIC else codes.UNUSED_KIND


def _missing(ref: ObjectRef) -> Diagnostic:
    return Diagnostic(codes.GONE, ref, pos=SourcePos(ref.name))
