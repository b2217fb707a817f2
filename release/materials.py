"""The bill of materials (CycloneDX): what the image's environment holds, read from one that the lock has just made."""

import json
import re
import sys
from pathlib import Path
from typing import Final

from release.artifacts import epoch, run

# What the image leaves out: deploy/Dockerfile says why.
LEFT_OUT: Final = ("ecdsa", "rsa", "pyasn1")


def locked(root: Path) -> dict[str, str]:
    """What requirements.txt holds: the version of each package by its name."""
    text = (root / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ \\]+)", text))


def environment(root: Path, wheel: Path, folder: Path) -> Path:
    """A fresh environment with what the image has, by the hashes of the lock; its Python."""
    uv = str(Path(sys.executable).parent / "uv")
    run([uv, "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, str(folder)], root)
    python = folder / "bin" / "python"
    into = ["--quiet", "--python", str(python)]
    run([uv, "pip", "install", *into, "--require-hashes", "-r", "requirements.txt"], root)
    run([uv, "pip", "uninstall", *into, *LEFT_OUT], root)
    run([uv, "pip", "install", *into, "--no-deps", "--no-index", str(wheel)], root)
    return python


def bill(root: Path, python: Path, out: Path) -> Path:
    """Writes the bill of an environment, valid by CycloneDX's own schema, the same whoever writes it."""
    file = out / "sekisho.cdx.json"
    options = [
        "--pyproject",
        "pyproject.toml",
        "--mc-type",
        "application",
        "--output-reproducible",
        "--validate",
    ]
    tool = [sys.executable, "-m", "cyclonedx_py", "environment"]
    run([*tool, *options, "--of", "JSON", "-o", str(file), str(python)], root, SOURCE_DATE_EPOCH=epoch(root))
    return file


def listed(bill_: Path) -> dict[str, str]:
    """The version of each package that a bill names."""
    components = json.loads(bill_.read_text(encoding="utf-8"))["components"]
    return {each["name"].lower().replace("_", "-"): each["version"] for each in components}
