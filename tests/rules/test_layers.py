"""The layers of docs and design hold: the contracts stand in pyproject.toml, import-linter checks them.

Type-only imports count. A broken contract prints the chain of imports that breaks it.
"""

import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sysconfig.get_path("scripts")) / "lint-imports"


def test_no_import_goes_outward() -> None:
    assert LINT_IMPORTS.is_file(), "import-linter is not installed: run make venv"
    done = subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
