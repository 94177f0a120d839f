"""The pages of annotations say what the families declare, and every name that the controllers document is declared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from isthmus.dialects.ingress import nginx, nginx_org
from isthmus.dialects.ingress.annotations import Vocabulary
from isthmus.dialects.ingress.handling import Handling

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import annotation_pages  # noqa: E402 - found only now

VOCABULARIES = (nginx.VOCABULARY, nginx_org.VOCABULARY)
MOST_REFUSED = 20


def test_the_pages_are_up_to_date() -> None:
    folder = annotation_pages.FOLDER
    found = {each.relative_to(folder).as_posix(): each.read_text() for each in folder.rglob("*.md")}
    assert found == annotation_pages.pages(), "run: make docs"


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda each: each.name)
def test_every_documented_name_is_declared_by_exactly_one_family(vocabulary: Vocabulary) -> None:
    names = annotation_pages.documented(vocabulary)
    assert len(names) == len(set(names)) > 80, "a list of names is damaged"
    declared = [each.key for feature in vocabulary.features for each in feature.annotations]
    wrong = {name: declared.count(name) for name in names if declared.count(name) != 1}
    assert not wrong


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda each: each.name)
def test_no_family_declares_a_name_that_nobody_documents(vocabulary: Vocabulary) -> None:
    names = set(annotation_pages.documented(vocabulary))
    own = [each.key for feature in annotation_pages.own_features(vocabulary) for each in feature.annotations]
    assert not set(own) - names


def test_few_are_refused() -> None:
    refused = [key for each in VOCABULARIES for key, known in each.known.items() if known.handling is Handling.REFUSED]
    assert len(refused) <= MOST_REFUSED, refused


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda each: each.name)
def test_what_differs_has_no_effect_or_is_refused_says_why(vocabulary: Vocabulary) -> None:
    needs_words = (Handling.DIFFERS, Handling.NO_EFFECT, Handling.REFUSED)
    silent = [key for key, known in vocabulary.known.items() if known.handling in needs_words and not known.note]
    assert not silent


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda each: each.name)
def test_families_have_titles_of_their_own_and_words(vocabulary: Vocabulary) -> None:
    titles = [annotation_pages.slug(each.title) for each in vocabulary.features]
    assert len(titles) == len(set(titles))
    assert all(each.about.endswith(".") for each in vocabulary.features)


def test_pipes_and_brackets_do_not_break_a_table() -> None:
    assert annotation_pages._text("a|b  <c>\n[d]_*") == "a\\|b \\<c\\> \\[d\\]\\_\\*"
