"""What is in the example library when it starts, in protobuf's JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHELVES: tuple[dict[str, Any], ...] = ({"theme": "FICTION"}, {"theme": "SCIENCE"}, {"theme": "POETRY"})

# The shelf, the book.
BOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "shelves/1",
        {
            "title": "Moby-Dick; or, The Whale",
            "authors": ["Herman Melville"],
            "genre": "FICTION",
            "pages": 635,
            "priceCents": "1250",
            "loanPeriod": "1209600s",
            "position": 1,
            "isbn": "9780000000019",
            "size": {"width": 129.5, "height": 198},
        },
    ),
    (
        "shelves/1",
        {
            "title": "Frankenstein; or, The Modern Prometheus",
            "authors": ["Mary Shelley"],
            "genre": "FICTION",
            "pages": 280,
            "notes": {"Ada": "Who is the monster?", "Grace": "Read the preface."},
            "position": 2,
            "isbn": "9780000000026",
            "extra": {"letters": 4, "narrators": ["Walton", "Victor", "the creature"]},
        },
    ),
    (
        "shelves/2",
        {
            "title": "On the Origin of Species",
            "authors": ["Charles Darwin"],
            "genre": "SCIENCE",
            "pages": 502,
            "loan": {"reader": "Ada", "due": "2024-06-01T00:00:00Z"},
            "isbn": "9780000000033",
            "fingerprint": "AP8Q",
        },
    ),
    (
        "shelves/2",
        {
            "title": "Sketch of the Analytical Engine",
            "authors": ["Luigi Menabrea", "Ada Lovelace"],
            "genre": "SCIENCE",
            "url": "https://example.com/engine",
            "isbn": "9780000000040",
            "oldMark": "S-17",
        },
    ),
    (
        "shelves/3",
        {
            "title": "Leaves of Grass",
            "authors": ["Walt Whitman"],
            "genre": "POETRY",
            "pages": 95,
            "position": 1,
            "isbn": "9780000000057",
        },
    ),
)

# A category and what is below it.
CATEGORIES: Mapping[str, Mapping[str, object]] = {
    "fiction": {"novels": {"sea": {}, "horror": {}}, "tales": {}},
    "science": {"biology": {"evolution": {}}, "mathematics": {}},
}
