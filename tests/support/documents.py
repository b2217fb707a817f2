"""Documents for tests, and what stock Casbin makes of the same bytes."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from casbin import Enforcer
from casbin.model.model import Model
from casbin.persist.adapters import FileAdapter

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "model.conf").read_bytes()
POLICY = (ROOT / "policy.csv").read_bytes()
CASES = sorted((ROOT / "tests/data/casbin").glob("cases_*.json"))


def stock_rows(model: bytes, policy: bytes) -> dict[str, list[list[str]]]:
    """The rows that stock Casbin's own readers get from two files, in file order. Raises what they raise."""
    with TemporaryDirectory() as directory:
        model_path, policy_path = Path(directory, "model.conf"), Path(directory, "policy.csv")
        model_path.write_bytes(model)
        policy_path.write_bytes(policy)
        loaded = Model()
        loaded.load_model(str(model_path))
        FileAdapter(str(policy_path)).load_policy(loaded)
        return {key: ast.policy for section in ("p", "g") for key, ast in (loaded[section] or {}).items()}


def stock_enforcer(model: bytes, policy: bytes) -> Any:
    """Stock Casbin's enforcer over two files. Raises what it raises."""
    with TemporaryDirectory() as directory:
        model_path, policy_path = Path(directory, "model.conf"), Path(directory, "policy.csv")
        model_path.write_bytes(model)
        policy_path.write_bytes(policy)
        return Enforcer(str(model_path), str(policy_path))


def casbin_documents() -> list[tuple[str, bytes, bytes]]:
    """Every document in the cases of Casbin's own tests, with the name of the case that first uses it."""
    found: dict[tuple[bytes, bytes], str] = {}
    for path in CASES:
        for case in json.loads(path.read_text()):
            found.setdefault((case["model"].encode(), case["policy"].encode()), case["source"])
    return [(source, model, policy) for (model, policy), source in found.items()]
