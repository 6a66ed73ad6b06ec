"""Scripts of ``tools/`` as modules: they are no part of the package."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from harness import ROOT

TOOLS = ROOT / "tools"


def script(name: str) -> Any:
    """``tools/<name>.py``, with what it imports of its neighbours."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(TOOLS))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(TOOLS))
    return module
