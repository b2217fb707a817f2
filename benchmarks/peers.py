"""Installs what is compared with, once, into ``benchmarks/peers/``, which is not part of the repository."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
PEERS = HERE / "peers"
PYTHON = PEERS / "venv" / "bin" / "python"
NODE = PEERS / "node"
LOCKS = (ROOT / "requirements.txt", HERE / "requirements.txt")


def install() -> dict[str, str]:
    """Makes the peers ready; returns, by engine, why one of them cannot be had here (shown in the results)."""
    missing = _install_node()
    stamp, wanted = PEERS / "venv" / ".locked", _fingerprint(LOCKS)
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
        print("installing the peers' Python packages (once) ...", file=sys.stderr)
        venv.EnvBuilder(clear=True, with_pip=True).create(PEERS / "venv")
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run([*pip, "--require-hashes", "-r", LOCKS[0], "-r", LOCKS[1]], check=False)
        if done.returncode:
            raise SystemExit("the peers' Python packages cannot be installed: see above")
        stamp.write_text(wanted, encoding="ascii")
    return missing


def node_command() -> list[str]:
    """Starts the worker in Node; to be run in ``NODE``, where its packages are."""
    return ["node", "--expose-gc", "--max-old-space-size=8192", str(HERE / "node" / "worker.js")]


def _install_node() -> dict[str, str]:
    if not (shutil.which("node") and shutil.which("npm")):
        return {"node-casbin": "Node is not installed"}
    locks = [HERE / "node" / name for name in ("package.json", "package-lock.json")]
    stamp, wanted = NODE / ".locked", _fingerprint(locks)
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return {}
    print("installing the peers' Node packages (once) ...", file=sys.stderr)
    NODE.mkdir(parents=True, exist_ok=True)
    for lock in locks:
        shutil.copy(lock, NODE)
    done = subprocess.run(
        ["npm", "ci", "--silent", "--ignore-scripts"], cwd=NODE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"node-casbin": f"`npm ci` failed: {done.stderr.strip()[-200:]}"}
    stamp.write_text(wanted, encoding="ascii")
    return {}


def _fingerprint(files: list[Path] | tuple[Path, ...]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
