"""Where the figures were taken: a number without its machine says little."""

import datetime as dt
import json
import os
import platform
import re
import subprocess
import time
from pathlib import Path

from benchmarks import peers

DISTRIBUTIONS = (
    "pycasbin", "cedarpy", "oso", "regopy", "fastapi", "starlette", "uvicorn", "uvloop", "httptools",
    "fastapi-cloudauth", "fastapi-authz", "python-jose", "cryptography",
)  # fmt: skip

VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


def moment() -> str:
    """When a section was begun, at which commit, and how busy the machine was: sections may be run apart."""
    now = dt.datetime.now(tz=dt.UTC)
    commit = _first_line(["git", "rev-parse", "--short=12", "HEAD"])
    return (
        f"{now:%Y-%m-%d %H:%M} UTC, commit {commit}, load {os.getloadavg()[0]:.2f} of {os.cpu_count()} cores"
    )


def describe() -> dict[str, str]:
    """Processor, cores, memory, system and interpreter; then the version of everything measured."""
    facts = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    versions = json.loads(_output([str(peers.PYTHON), "-c", VERSIONS, *DISTRIBUTIONS]))
    facts |= {name: str(version) for name, version in versions.items()}
    facts["node"] = _first_line(["node", "--version"])
    lock = json.loads((peers.HERE / "node" / "package-lock.json").read_text(encoding="utf-8"))
    facts["node-casbin"] = lock["packages"]["node_modules/casbin"]["version"]
    facts["wrk"] = re.sub(r" \[.*", "", _first_line(["wrk", "--version"]))
    return facts


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, cwd=peers.ROOT, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def _first_line(command: list[str]) -> str:
    return (_output(command).splitlines() or ["not installed"])[0]


QUIET = 0.2  # of a processor: what others may take while something is measured on the clock
SAMPLE = 0.5  # seconds that it takes to see whether they do


def waited_for_quiet(patience: float) -> bool:
    """Waits, for ``patience`` seconds at most, until other programs take no more than :data:`QUIET`; whether they do.

    To be called while nothing of ours works, other than sleeping.
    """
    until = time.monotonic() + patience
    while True:
        before, began = _busy(), time.monotonic()
        time.sleep(SAMPLE)
        if (_busy() - before) / (time.monotonic() - began) <= QUIET:
            return True
        if time.monotonic() >= until:
            return False


def _busy() -> float:
    """Processor seconds that all programs of the machine have taken, as Linux counts them, and other machines on the same
    processors."""
    counted = Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    user, nice, system, _, _, irq, soft, stolen = map(int, counted)
    return (user + nice + system + irq + soft + stolen) / os.sysconf("SC_CLK_TCK")
