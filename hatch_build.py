"""Build hook: makes Envoy's message classes for the editable install and for the wheel alike.

The wheel also carries the examples; an editable install reads them from the checkout, so that nothing is copied
which could grow old. The work is in tools/envoy_messages.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class EnvoyMessages(BuildHookInterface[Any]):
    """Writes src/isthmus/xds/_envoy.binpb, _envoy.json and api.pyi, which are not committed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is hatchling's word for the kind of build: standard or editable."""
        root = Path(self.root)
        sys.path.insert(0, str(root / "tools"))
        import envoy_messages  # noqa: PLC0415 - found only now

        envoy_messages.write(root / "src" / "isthmus" / "xds")
        if version == "standard":
            build_data["force_include"]["examples"] = "isthmus/examples"
