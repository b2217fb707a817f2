"""What kustomize and helm make of deploy/, checked against the schemas of Kubernetes itself."""

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.support.deploy_tools import DEPLOY, folder_of, helm, kubectl, quiet_environment

CHART = DEPLOY / "helm" / "sekisho"
# The oldest that the chart names, and the newest that there are schemas of.
VERSIONS = ("1.27.0", "1.37.0")
# What only a custom resource's own definition describes.
_CUSTOM = {"ServiceMonitor"}
Manifest = dict[str, Any]


def kustomized(folder: str, home: Path, *options: str) -> list[Manifest]:
    """What `kubectl kustomize` prints for a folder of deploy/kubernetes."""
    command = [kubectl(), "kustomize", *options, str(DEPLOY / "kubernetes" / folder)]
    return _manifests(command, home)


def templated(home: Path, name: str = "sekisho", values: Mapping[str, Any] | None = None) -> list[Manifest]:
    """What `helm template` prints for a release of that name, with ``values`` over the chart's own."""
    file = home / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values or {})))
    return _manifests([helm(), "template", name, str(CHART), "--values", str(file)], home)


def refused(home: Path, values: Mapping[str, Any]) -> str:
    """What helm says to values that it refuses; "" where it takes them."""
    file = home / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    command = [helm(), "template", "sekisho", str(CHART), "--values", str(file)]
    done = subprocess.run(command, env=quiet_environment(home), capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def _manifests(command: list[str], home: Path) -> list[Manifest]:
    done = subprocess.run(command, env=quiet_environment(home), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower(), done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def faults(manifest: Manifest, version: str) -> list[str]:
    """What the schema of its kind finds wrong, names that it does not know among it."""
    if manifest["kind"] in _CUSTOM:
        return []
    found = _validator(manifest["apiVersion"], manifest["kind"], version).iter_errors(manifest)
    return [f"{manifest['kind']}: {'/'.join(map(str, each.path))}: {each.message}" for each in found]


@cache
def _validator(api: str, kind: str, version: str) -> Draft202012Validator:
    group, _, of = api.rpartition("/")
    name = "-".join(filter(None, (kind, group.split(".")[0], of))).lower()
    shared = Resource.from_contents(_schema("_definitions", version))
    return Draft202012Validator(_schema(name, version), registry=shared @ Registry())


@cache
def _schema(name: str, version: str) -> Any:
    folder = folder_of("kubernetes-validate") / "kubernetes_validate" / "kubernetes-json-schema"
    return orjson.loads((folder / f"v{version}-local-strict" / f"{name}.json").read_bytes())


def one(manifests: list[Manifest], kind: str, name: str = "") -> Manifest:
    """The only one of its kind, or of that name (as it begins)."""
    (found,) = [
        each for each in manifests if each["kind"] == kind and each["metadata"]["name"].startswith(name)
    ]
    return found


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    """The environment that the service gets from its ConfigMap."""
    container = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    (source,) = [each["configMapRef"]["name"] for each in container["envFrom"]]
    data: dict[str, str] = one(manifests, "ConfigMap", source)["data"]
    return data


def mounted(manifests: list[Manifest], volume: str, directory: Path) -> Path:
    """The ConfigMap volume of that name as the kubelet lays it out below ``directory``: files behind links, and those
    behind `..data`, which is swapped."""
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    (source,) = [each["configMap"] for each in pod["volumes"] if each["name"] == volume]
    data = one(manifests, "ConfigMap", source["name"])["data"]
    items = source.get("items") or [{"key": key, "path": key} for key in data]
    assert {item["key"] for item in items} == set(data)
    swap(directory, {item["path"]: data[item["key"]] for item in items})
    return directory


def swap(directory: Path, files: Mapping[str, str]) -> None:
    """Puts these files in force as the kubelet does: a new folder, one rename of a link."""
    directory.mkdir(exist_ok=True)
    newest = directory / f"..{len(list(directory.iterdir()))}"
    for name, text in files.items():
        (newest / name).parent.mkdir(parents=True, exist_ok=True)
        (newest / name).write_text(text, encoding="utf-8")
    link = directory / "..data_tmp"
    link.symlink_to(newest.name)
    link.rename(directory / "..data")
    for top in {name.split("/")[0] for name in files}:
        if not (directory / top).is_symlink():
            (directory / top).symlink_to(f"..data/{top}")
