"""Writes docs/annotations/: a page for every family of annotations, made from the families themselves.

`make docs` runs it; a test checks that the pages are up to date. The names that the controllers document are lists of
the tests, so that a name which nobody declares shows on the first page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from isthmus.dialects.ingress import isthmus_dev, nginx, nginx_org
from isthmus.dialects.ingress.annotations import Feature, Vocabulary
from isthmus.dialects.ingress.controller_settings import keys
from isthmus.dialects.ingress.handling import Annotation, Handling

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "annotations"
NAMES = ROOT / "tests" / "features" / "annotation_names"
VOCABULARIES = (nginx.VOCABULARY, nginx_org.VOCABULARY)
OWN = "isthmus"

HANDLINGS = {
    Handling.EXACT: "as in the controller that it comes from",
    Handling.HELPER: "as there; the [authorization helper](../decisions/0012-the-authorization-helper.md) decides, a "
    "process beside Envoy that only the paths which need it ask",
    Handling.DIFFERS: "works, with a difference that the family's page states",
    Handling.NO_EFFECT: "changes nothing here and need not; the page says why",
    Handling.REFUSED: "cannot be had; the paths of the object answer 503 until it is removed",
}


def slug(title: str) -> str:
    """The name of a page or folder."""
    return "-".join(re.findall(r"[a-z0-9]+", title.lower().replace("'", "")))


def own_features(vocabulary: Vocabulary) -> tuple[Feature, ...]:
    """Those of the controller; Isthmus's own are read beside those of every controller."""
    return tuple(each for each in vocabulary.features if each not in isthmus_dev.FEATURES)


def documented(vocabulary: Vocabulary) -> tuple[str, ...]:
    """The names that the controller's documentation and code have."""
    return tuple((NAMES / f"{slug(vocabulary.name)}.txt").read_text().split())


def family(feature: Feature) -> str:
    """The page of one family."""
    rows = "".join(map(_row, feature.annotations))
    text = f"# {feature.title}\n\n{feature.about}\n"
    if rows:
        text += f"\n| Annotation | Values (default) | Handling | Note | ConfigMap key |\n|---|---|---|---|---|\n{rows}"
    closing = [_code(each.key) for each in feature.annotations if each.restricts]
    if closing:
        text += (
            "\nThese restrict access. With a value that cannot be read, or when something that they name is missing, "
            f"the paths answer 503 until it is mended: {', '.join(closing)}.\n"
        )
    return text


def _row(each: Annotation) -> str:
    takes = f"{_text(each.takes)} ({_text(each.default)})" if each.default else _text(each.takes)
    setting = _code(each.setting) if each.setting else ""
    return f"| {_code(each.key)} | {takes} | {each.handling.value} | {_text(each.note)} | {setting} |\n"


def _text(text: str) -> str:
    """Words for a cell."""
    escaped = "".join(f"\\{letter}" if letter in "\\|*_<>[]" else letter for letter in text)
    return " ".join(escaped.split())


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def settings(vocabulary: Vocabulary) -> str:
    """The page of the keys of the controller's ConfigMap."""
    namespace, _, name = vocabulary.config_map.partition("/")
    read = "".join(
        f"| {_code(key)} | {', '.join(map(_code, _annotations_of(vocabulary, key)))} |\n"
        for key in sorted(keys(vocabulary))
    )
    idle = "".join(f"| {_code(key)} | {_text(why)} |\n" for key, why in sorted(vocabulary.idle_settings.items()))
    text = (
        f"# ConfigMap of {vocabulary.name}\n\n"
        f"The ConfigMap `{name}` in the namespace `{namespace}` is read where it is among the objects; "
        "`--controller-configmap` names another one. A key that is on neither list is reported with "
        "[ISTH0128](../../codes/ISTH0128.md).\n"
    )
    if read:
        text += f"\n| Key that is read | Default of |\n|---|---|\n{read}"
    if idle:
        text += f"\n| Key without effect | Why |\n|---|---|\n{idle}"
    return text if read or idle else f"{text}\nNone of its keys is read yet.\n"


def _annotations_of(vocabulary: Vocabulary, key: str) -> list[str]:
    return sorted(each.key for each in vocabulary.known.values() if each.setting == key)


def index() -> str:
    """The first page: how many of each handling, and all families."""
    head = (
        "# Annotations\n\nEvery annotation that the controllers' documentation and code have is accounted for here:\n\n"
    )
    words = "".join(f"- **{each.value}**: {text}\n" for each, text in HANDLINGS.items())
    counts = "".join(map(_count, VOCABULARIES))
    columns = " | ".join(each.value for each in Handling)
    table = f"| Controller | names | {columns} | missing |\n|---|---:|{'---:|' * len(Handling)}---:|\n{counts}"
    rest = (
        "\nNo known name is missing.\n"
        if not any(map(missing, VOCABULARIES))
        else f"\nMissing: {', '.join(_code(key) for each in VOCABULARIES for key in missing(each))}.\n"
    )
    return head + words + "\n" + table + rest + _refused() + "".join(map(_families, VOCABULARIES)) + _own() + _OTHERS


_OTHERS = (
    "\n## All others\n\n"
    "An annotation under a prefix that the class owns and that is on none of these pages is reported and the object is "
    "served without it ([ISTH0110](../codes/ISTH0110.md)); where its name says that it restricts access, the object's "
    "paths answer 503 ([ISTH0111](../codes/ISTH0111.md)). Those of another controller than that of the object's class "
    "are named with [ISTH0113](../codes/ISTH0113.md), and close the paths as well where they restrict access. "
    "`isthmus migrate` says all of this about your manifests: see [Moving here](../migrate.md).\n"
)


def missing(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Documented names that no family declares."""
    return tuple(key for key in documented(vocabulary) if key not in vocabulary.known)


def _count(vocabulary: Vocabulary) -> str:
    known = [vocabulary.known[key] for key in documented(vocabulary) if key in vocabulary.known]
    counts = [sum(each.handling is handling for each in known) for handling in Handling]
    numbers = " | ".join(map(str, (len(documented(vocabulary)), *counts, len(missing(vocabulary)))))
    return f"| {vocabulary.name} | {numbers} |\n"


def _refused() -> str:
    refused = [
        each for vocabulary in VOCABULARIES for each in vocabulary.known.values() if each.handling is Handling.REFUSED
    ]
    rows = "".join(f"| {_code(each.key)} | {_text(each.note)} |\n" for each in refused)
    return f"\n## Refused\n\n| Annotation | Why |\n|---|---|\n{rows}"


def _families(vocabulary: Vocabulary) -> str:
    folder = slug(vocabulary.name)
    text = f"\n## {vocabulary.name}\n\n{_links(folder, own_features(vocabulary))}"
    return f"{text}- [ConfigMap]({folder}/configmap.md)\n" if vocabulary.config_map else text


def _own() -> str:
    return f"\n## Isthmus\n\n{_links(OWN, isthmus_dev.FEATURES)}"


def _links(folder: str, features: Iterable[Feature]) -> str:
    return "".join(_link(folder, each) for each in sorted(features, key=lambda each: each.title))


def _link(folder: str, feature: Feature) -> str:
    names = dict.fromkeys(_code(each.name) for each in feature.annotations)
    told = f": {', '.join(names)}" if names else ""
    return f"- [{feature.title}]({folder}/{slug(feature.title)}.md){told}\n"


def pages() -> dict[str, str]:
    """Path below the folder -> content."""
    found = {"README.md": index()}
    for feature in isthmus_dev.FEATURES:
        found[f"{OWN}/{slug(feature.title)}.md"] = family(feature)
    for vocabulary in VOCABULARIES:
        folder = slug(vocabulary.name)
        for feature in own_features(vocabulary):
            found[f"{folder}/{slug(feature.title)}.md"] = family(feature)
        found[f"{folder}/configmap.md"] = settings(vocabulary)
    return found


if __name__ == "__main__":
    wanted = pages()
    for old in FOLDER.rglob("*.md"):
        if old.relative_to(FOLDER).as_posix() not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(text)
