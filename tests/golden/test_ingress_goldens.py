"""in.yaml -> ir.yaml and diagnostics.txt: what manifests are translated to, and what is said about them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from isthmus.cli.main import isthmus

FOLDER = Path(__file__).parent / "ingress"
CASES = sorted(each.name for each in FOLDER.iterdir())


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER / case)
    run = CliRunner().invoke
    found = {
        "ir.yaml": run(isthmus, ["translate", "-f", "in.yaml", "--to", "ir"]).stdout,
        "diagnostics.txt": run(isthmus, ["check", "-f", "in.yaml"]).stdout,
    }
    for name, text in found.items():
        if update_golden:
            Path(name).write_text(text)
        assert text == Path(name).read_text(), f"{case}/{name} differs; pytest --update-golden writes it anew"


@pytest.mark.parametrize("case", CASES)
def test_every_finding_has_a_place(case: str) -> None:
    text = (FOLDER / case / "diagnostics.txt").read_text()
    heads = [line for line in text.splitlines() if re.search(r" ISTH\d{4}: ", line)]
    assert all(re.match(r"in\.yaml:\d+:\d+: ", line) for line in heads), heads


def test_no_golden_is_left_without_its_input() -> None:
    for case in CASES:
        assert {each.name for each in (FOLDER / case).iterdir()} == {"in.yaml", "ir.yaml", "diagnostics.txt"}


def test_goldens_are_yaml() -> None:
    for case in CASES:
        assert set(yaml.safe_load((FOLDER / case / "ir.yaml").read_text())) == {"hosts", "endpoints"}
