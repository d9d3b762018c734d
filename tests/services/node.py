"""Node with a package's dependencies, for tests that need a client written for it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def node_with(package: Path, folder: Path) -> list[str]:
    """Install a package's locked dependencies into a copy of it; give the command line of its script.

    Skips the test by name without Node and npm, or fails it where services are required.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("LIUDAN_REQUIRE_SERVICES") == "1":
            pytest.fail("Node and npm are required")
        pytest.skip("Node or npm is not installed")
    copy = folder / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("node_modules"))
    installed = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=copy, capture_output=True, text=True, timeout=240
    )
    if installed.returncode and os.environ.get("LIUDAN_REQUIRE_SERVICES") != "1":
        pytest.skip(f"npm cannot install @clickhouse/client: {installed.stderr.strip()[-200:]}")
    assert installed.returncode == 0, installed.stderr
    return ["node", str(copy / "ask.mjs")]
