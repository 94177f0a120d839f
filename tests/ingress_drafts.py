"""One feature of annotations on its own: what it makes of an Ingress's annotations, and what it reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from manifests import codes

from isthmus.dialects.ingress.annotations import Feature, Vocabulary, draft
from isthmus.dialects.ingress.draft import Draft
from isthmus.kube.diagnostics import Diagnostic, Report
from isthmus.kube.objects import Base, ConfigMap, Ingress, Meta
from isthmus.kube.store import Lookup, Store

# What nobody can read: wrong types, nothing, far too much, other scripts, line breaks, NUL, variables.
NONSENSE = (
    "",
    " ",
    "-1",
    "nonsense",
    "1e3",
    "٣",
    "x" * 70_000,
    "a\r\nb",
    "\x00",
    "$nothing",
    "{",
    "nil",
    "10.0.0.0/99",
)


class Drafted(NamedTuple):
    """The Draft, the ids of what was reported, and the findings."""

    draft: Draft
    codes: list[str]
    findings: tuple[Diagnostic, ...]

    @property
    def messages(self) -> str:
        """All findings in one text."""
        return "\n".join(each.message for each in self.findings)


def drafted(
    feature: Feature | tuple[Feature, ...],
    annotations: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    objects: Iterable[Base] = (),
) -> Drafted:
    """What features make of an Ingress `shop/web` that leads to the Service `web`; keys without a prefix get ours."""
    features = feature if isinstance(feature, tuple) else (feature,)
    keys = {key if "/" in key else f"nginx.ingress.kubernetes.io/{key}": text for key, text in annotations.items()}
    store = Store()
    store.apply(objects)
    report = Report()
    found = draft(
        Vocabulary("test", (), features),
        Ingress(metadata=Meta("web", "shop", annotations=keys)),
        "web",
        report,
        Lookup(store),
        None if settings is None else ConfigMap(metadata=Meta("controller", "ingress"), data=dict(settings)),
    )
    return Drafted(found, codes(report.all()), report.all())
