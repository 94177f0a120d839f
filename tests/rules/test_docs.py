"""The documentation keeps up: a page a code, no dead link, the README's commands exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from isthmus.cli.main import VERBS
from isthmus.codes import CODES
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.refs import ObjectRef

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import code_pages  # noqa: E402 - found only now

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")]


def test_every_code_has_its_page() -> None:
    found = {each.name: each.read_text() for each in (ROOT / "docs" / "codes").glob("*.md")}
    assert found == code_pages.pages(), "run: make docs"


def test_codes_are_unique_and_in_order() -> None:
    ids = [code.id for code in CODES]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch(r"ISTH\d{4}", each) for each in ids)


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.id)
def test_help_needs_no_words_that_the_message_does_not_have(code) -> None:  # type: ignore[no-untyped-def]
    fields = set(re.findall(r"{(\w+)}", code.template + code.help))
    found = Diagnostic(code, ObjectRef("Service", "a", "b"), args=tuple((name, "x") for name in sorted(fields)))
    assert "{" not in found.message + found.help
    assert not code.help.endswith(".")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page}: {target}"


def test_verbs_of_the_readme_exist() -> None:
    for verb in re.findall(r"isthmus (\w+)", (ROOT / "README.md").read_text()):
        assert verb in VERBS or verb == "command"
