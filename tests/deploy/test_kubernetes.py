"""deploy/kubernetes: what kustomize makes of it is valid, locked up, and drains as the service does."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import Settings
from tests.support.deploy_tools import DEPLOY
from tests.support.image import instructions
from tests.support.issuer import Issuer
from tests.support.kubernetes import (
    VERSIONS,
    Manifest,
    faults,
    kustomized,
    mounted,
    one,
    settings_of,
    swap,
    templated,
)
from tests.support.service import ROOT, running, trusting
from tests.support.waiting import comes_true

UNLIMITED = ("--load-restrictor", "LoadRestrictionsNone")
STORE = {"store": {"enabled": True}}
MONITORED = STORE | {"serviceMonitor": {"enabled": True, "tokenUrl": "https://id.example.com/token"}}


def files_values() -> dict[str, Any]:
    """The shipped document as values of the chart."""
    tests = {file.stem: file.read_text() for file in (ROOT / "policy_tests").glob("*.yaml")}
    document = {"model": (ROOT / "model.conf").read_text(), "rules": (ROOT / "policy.csv").read_text()}
    return {"policy": document | {"revocations": (ROOT / "revocations.csv").read_text(), "tests": tests}}


MADE: dict[str, Callable[[Path], list[Manifest]]] = {
    "base": lambda home: kustomized("base", home),
    "production": lambda home: kustomized("overlays/production", home),
    "files": lambda home: kustomized("overlays/files", home, *UNLIMITED),
    "chart": templated,
    "chart with a store": lambda home: templated(home, values=MONITORED),
    "chart with files": lambda home: templated(home, values=files_values()),
    "chart with secrets": lambda home: templated(
        home,
        values={
            "secretSettings": {"OIDC_ISSUER": {"secret": "ours", "key": "issuer"}},
            "image": {"repository": "r.example.com/sekisho", "digest": f"sha256:{'0' * 64}"},
            "imagePullSecrets": [{"name": "pull"}],
            "podLabels": {"team": "security"},
            "podAnnotations": {"a": "b"},
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"operator": "Exists"}],
            "service": {"type": "NodePort", "annotations": {"c": "d"}},
        },
    ),
}


@pytest.fixture(scope="module", params=MADE)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Everything that one way of deploying makes."""
    return MADE[request.param](tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_valid_in_the_oldest_and_the_newest_kubernetes(made: list[Manifest], version: str) -> None:
    assert [fault for manifest in made for fault in faults(manifest, version)] == []
    names = [(each["kind"], each["metadata"]["name"]) for each in made]
    assert len(set(names)) == len(names)


def test_a_name_that_kubernetes_does_not_know_would_be_found(made: list[Manifest]) -> None:
    broken = copy.deepcopy(one(made, "Deployment"))
    broken["spec"]["template"]["spec"]["containers"][0]["readOnlyRootFilesystem"] = True
    assert "readOnlyRootFilesystem" in str(faults(broken, VERSIONS[1]))


def pods(made: list[Manifest]) -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in made if each["kind"] in {"Deployment", "Job"}]


def test_every_pod_passes_the_restricted_standard(made: list[Manifest]) -> None:
    """Kubernetes' own Pod Security Standard of that name, and a root that is read-only besides."""
    user = int(dict(instructions())["USER"].split(":")[0])
    for pod in pods(made):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] == user
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not any("hostPath" in volume for volume in pod["volumes"])
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for container in pod["containers"]:
            context = container["securityContext"]
            assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
            assert {mount["name"] for mount in container["volumeMounts"]} == {
                each["name"] for each in pod["volumes"]
            }


def test_it_is_out_of_the_balancer_before_it_stops_and_not_killed_meanwhile(made: list[Manifest]) -> None:
    pod = one(made, "Deployment")["spec"]["template"]["spec"]
    probe = pod["containers"][0]["readinessProbe"]
    delay = int(settings_of(made)["SHUTDOWN_DELAY"])
    assert delay > probe["periodSeconds"] * probe["failureThreshold"]
    assert pod["terminationGracePeriodSeconds"] >= delay + 20


def test_probes_ask_what_the_service_has_on_the_port_of_the_image(made: list[Manifest]) -> None:
    container = one(made, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    (port,) = container["ports"]
    assert str(port["containerPort"]) == dict(instructions())["EXPOSE"]
    asked = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
    assert {probe: each["path"] for probe, each in asked.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    service = one(made, "Service")
    assert {each["port"] for each in asked.values()} == {port["name"]}
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]


def test_what_is_selected_is_what_is_labelled(made: list[Manifest]) -> None:
    labels = one(made, "Deployment")["spec"]["template"]["metadata"]["labels"]
    for kind in ("Service", "PodDisruptionBudget"):
        selector = one(made, kind)["spec"]["selector"]
        assert selector.get("matchLabels", selector).items() <= labels.items()
    assert one(made, "Deployment")["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (policy,) = [
        each
        for each in made
        if each["kind"] == "NetworkPolicy" and set(each["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    ]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    for monitor in (each for each in made if each["kind"] == "ServiceMonitor"):
        service = one(made, "Service")
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
        assert monitor["spec"]["endpoints"][0]["path"] == "/metrics"


def test_its_settings_are_settings_and_no_secret_is_among_them(made: list[Manifest]) -> None:
    for name, value in settings_of(made).items():
        assert (
            name.removesuffix("_FILE").lower() in Settings.model_fields
            or name.lower() in Settings.model_fields
        )
        assert "://" not in value


def test_a_secret_is_mounted_where_its_setting_says(made: list[Manifest]) -> None:
    for manifest in made:
        if manifest["kind"] not in {"Deployment", "Job"}:
            continue
        pod = manifest["spec"]["template"]["spec"]
        container = pod["containers"][0]
        said = (
            settings_of(made)
            if manifest["kind"] == "Deployment"
            else {e["name"]: e["value"] for e in container["env"]}
        )
        places = [mount["mountPath"] for mount in container["volumeMounts"]]
        for value in said.values():
            if value.startswith("/"):
                assert any(value == place or value.startswith(f"{place}/") for place in places), value


def test_only_the_migration_is_given_the_owners_secret(made: list[Manifest]) -> None:
    text = yaml.safe_dump(one(made, "Deployment"))
    assert "owner" not in text
    for job in (each for each in made if each["kind"] == "Job"):
        assert "sekisho-store-owner" in yaml.safe_dump(job)


def test_the_commands_of_an_overlay_name_the_secrets_that_it_mounts(tmp_path: Path) -> None:
    text = (DEPLOY / "kubernetes" / "overlays" / "production" / "kustomization.yaml").read_text()
    told = set(re.findall(r"create secret generic (\S+) --from-file=url=", text))
    asked = {
        volume["secret"]["secretName"]
        for pod in pods(kustomized("overlays/production", tmp_path))
        for volume in pod["volumes"]
        if "secret" in volume
    }
    assert told == asked


@pytest.mark.parametrize(("overlay", "values"), [("production", STORE), ("files", files_values())])
def test_the_chart_and_the_overlay_make_the_same_pod(
    overlay: str, values: dict[str, Any], tmp_path: Path
) -> None:
    """But for names that each gives in its own way."""
    options = UNLIMITED if overlay == "files" else ()
    by_kustomize = one(kustomized(f"overlays/{overlay}", tmp_path, *options), "Deployment")
    by_helm = one(templated(tmp_path, values=values), "Deployment")

    def pod(manifest: Manifest) -> dict[str, Any]:
        spec: dict[str, Any] = copy.deepcopy(manifest["spec"]["template"]["spec"])
        container = spec["containers"][0]
        del container["image"], container["envFrom"]
        for spread in spec["topologySpreadConstraints"]:
            del spread["labelSelector"]
        for volume in spec["volumes"]:
            volume.get("secret", {}).pop("items", None)
            if items := volume.get("configMap", {}).get("items"):
                items.sort(key=lambda item: item["key"])
        spec["volumes"].sort(key=lambda volume: str(volume["name"]))
        container["volumeMounts"].sort(key=lambda mount: str(mount["name"]))
        return spec

    assert pod(by_kustomize) == pod(by_helm)
    for part in ("replicas", "strategy", "revisionHistoryLimit"):
        assert by_kustomize["spec"][part] == by_helm["spec"][part]


def test_every_policy_test_is_in_the_overlay(tmp_path: Path) -> None:
    made = kustomized("overlays/files", tmp_path, *UNLIMITED)
    held = one(made, "ConfigMap", "sekisho-policy")["data"]
    for file in (ROOT / "policy_tests").glob("*.yaml"):
        assert held[file.name] == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("way", ["files", "chart with files"])
def test_an_edited_config_map_is_decided_by_without_a_new_pod(
    way: str, issuer: Issuer, tmp_path: Path
) -> None:
    """The volume is laid out and swapped as the kubelet does it; the service runs with the pod's own settings."""
    made = MADE[way](tmp_path)
    volume = mounted(made, "policy", tmp_path / "policy")
    said = {
        name: value.replace("/etc/sekisho", str(volume)).replace(
            "/var/cache/sekisho", str(tmp_path / "cache")
        )
        for name, value in settings_of(made).items()
        if not name.startswith("COGNITO_")
    }
    said |= {"ENVIRONMENT": "development", "SHUTDOWN_DELAY": "0", "WORKERS": "1", "POLICY_GATE": "tests"}
    token = issuer.token(**{"custom:role": "user"})
    with running(tmp_path, trusting(issuer) | said) as service:
        assert service.eventually("/readyz", None, 200)
        assert service.get("/admin", token).status_code == 403
        files = {
            str(path.relative_to(volume / "..data")): path.read_text(encoding="utf-8")
            for path in (volume / "..data").rglob("*")
            if path.is_file()
        }
        closed = {"users_and_administrators.yaml", "policy_tests/users_and_administrators.yaml"}
        opened = {"policy.csv": files["policy.csv"] + "p, user, /admin, GET, allow\n"}
        swap(volume, files | opened)
        assert service.eventually_refuses_its_document()  # its tests came along, and say otherwise
        swap(volume, {name: text for name, text in (files | opened).items() if name not in closed})
        assert comes_true(lambda: service.get("/admin", token).status_code == 200), service.log()
