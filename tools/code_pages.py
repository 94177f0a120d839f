"""Writes docs/codes/: a page for every diagnostic code, and their list. `make docs` runs it; a test checks it."""

from __future__ import annotations

from pathlib import Path

from isthmus.codes import CODES
from isthmus.kube.diagnostics import Code, Effect

FOLDER = Path(__file__).parents[1] / "docs" / "codes"
EFFECTS = {
    Effect.NONE: "Nothing changes: it is advice.",
    Effect.KEEP: "The object is served as if the field were absent or at its default.",
    Effect.CLOSE: "The paths concerned answer 503 (UNAVAILABLE for gRPC); everything else is served.",
    Effect.DROP: "What the finding is about is not served; everything else is.",
    Effect.UNREAD: "It is not read. A running gateway goes on serving the last good version, if there was one.",
    Effect.LAST_GOOD: "The last version that worked goes on being served, if there was one.",
}


def page(code: Code) -> str:
    """The page of one code."""
    return (
        f"# {code.id}\n\n"
        f"**{code.severity.word}** · `{code.template}`\n\n"
        f"{code.why}\n\n"
        f"**Effect.** {EFFECTS[code.effect]}\n\n"
        f"**What to do.** {code.help[0].upper()}{code.help[1:]}.\n"
    )


def index() -> str:
    """The list of all codes."""
    rows = "\n".join(f"| [{c.id}]({c.id}.md) | {c.severity.word} | {c.template} |" for c in CODES)
    head = "# Codes\n\nEvery finding has a code. Words in braces are filled in.\n\n"
    return f"{head}| Code | Severity | Message |\n|---|---|---|\n{rows}\n"


def pages() -> dict[str, str]:
    """File name -> content."""
    return {"README.md": index()} | {f"{code.id}.md": page(code) for code in CODES}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
