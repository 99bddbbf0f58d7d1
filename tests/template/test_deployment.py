"""What deploys an engagement: image, compose file, Kubernetes manifests, alerts and dashboard, before anything runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonpatch
import kubernetes_validate
import pytest
import yaml
from vendorkit.cli.main import build_command_parser
from vendorkit.service.server import FINISH_SECONDS

from tests.support.service import running
from tests.template.rendering import COMBINATIONS, REPOSITORY, rendered

IMAGES = {name: answers for name, answers in COMBINATIONS.items() if "container_registry" in answers}
KUBERNETES = ("1.33.0", "1.35.0", "1.37.0")
OVERLAYS = ("base", "staging", "production")
Resources = dict[tuple[str, str], dict[str, Any]]

with_each = pytest.mark.parametrize("answers", IMAGES.values(), ids=IMAGES.keys())


def build(folder: Path) -> Resources:
    """What `kustomize build` gives of the few features in use; each target and file must be there."""
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    assert set(plan) <= {"apiVersion", "kind", "namespace", "resources", "configMapGenerator", "patches"}
    found: Resources = {}
    for name in plan["resources"]:
        path = folder / name
        made = build(path) if path.is_dir() else by_name(list(yaml.safe_load_all(path.read_text("utf-8"))))
        assert not set(made) & set(found)
        found |= made
    for generated in plan.get("configMapGenerator", []):
        lines = [line for env in generated["envs"] for line in (folder / env).read_text("utf-8").splitlines()]
        data = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        metadata = {"name": generated["name"]}
        found |= by_name([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}])
    for patch in plan.get("patches", []):
        target = patch["target"]
        hit = [key for key in found if key[0] == target["kind"] and re.search(target["name"], key[1])]
        assert len(hit) == 1, patch
        found[hit[0]] = jsonpatch.apply_patch(found[hit[0]], yaml.safe_load(patch["patch"]))
    if "namespace" in plan:
        for resource in found.values():
            resource["metadata"] = {**resource["metadata"], "namespace": plan["namespace"]}
    return found


def by_name(resources: list[dict[str, Any]]) -> Resources:
    return {(resource["kind"], resource["metadata"]["name"]): resource for resource in resources}


def pods(resources: Resources) -> dict[str, dict[str, Any]]:
    """The pods of each Deployment by its name."""
    return {name: value["spec"]["template"] for (kind, name), value in resources.items() if kind == "Deployment"}


def model_of(folder: Path) -> str:
    return next(folder.glob("models/*")).name


@with_each
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_accepts_the_manifests(answers: dict[str, Any], overlay: str) -> None:
    resources = build(rendered(**answers) / "deploy" / overlay)
    kinds = {kind for kind, _ in resources}
    assert {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"} <= kinds
    for resource in resources.values():
        accepted(json.dumps({**resource, "metadata": {**resource["metadata"], "namespace": "any"}}))


@cache
def accepted(resource: str) -> None:
    """Hold a resource to the schemas of each version, once: overlays have most in common."""
    for version in KUBERNETES:
        kubernetes_validate.validate(json.loads(resource), version, strict=True)


def test_a_manifest_with_a_mistake_is_not_accepted() -> None:
    (resource,) = [value for key, value in build(rendered(**IMAGES["images, github"]) / "deploy/base").items()
                   if key == ("Deployment", "credit")]  # fmt: skip
    resource["spec"]["template"]["spec"]["containers"][0]["readOnlyRoot"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(resource, KUBERNETES[-1], strict=True)


@with_each
def test_each_overlay_serves_its_alias_and_two_deployments_share_the_requests(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    model = model_of(folder)
    expected = {"base": "champion", "staging": "staging", "production": "champion"}
    for overlay, alias in expected.items():
        resources = build(folder / "deploy" / overlay)
        served = {name: pod["spec"]["containers"][0]["args"] for name, pod in pods(resources).items()}
        parser = build_command_parser("serve")
        releases = {name: parser.parse_args(arguments[1:]).release for name, arguments in served.items()}
        assert releases == {model: f"{model}@{alias}", f"{model}-canary": f"{model}@challenger"}
        selector = resources["Service", model]["spec"]["selector"]
        for pod in pods(resources).values():
            assert selector.items() <= pod["metadata"]["labels"].items()
        assert resources["Deployment", f"{model}-canary"]["spec"]["replicas"] == 0
        assert resources["HorizontalPodAutoscaler", model]["spec"]["scaleTargetRef"]["name"] == model
        assert "replicas" not in resources["Deployment", model]["spec"]


@with_each
def test_pods_may_little_and_stop_in_time(answers: dict[str, Any]) -> None:
    for pod in pods(build(rendered(**answers) / "deploy/production")).values():
        spec, (container,) = pod["spec"], pod["spec"]["containers"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}
        before = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
        assert spec["terminationGracePeriodSeconds"] > FINISH_SECONDS + before
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/app/.vendorkit", "/tmp"}  # noqa: S108


@with_each
def test_probes_ask_paths_that_the_service_has(answers: dict[str, Any], tmp_path: Path) -> None:
    asked = set()
    for pod in pods(build(rendered(**answers) / "deploy/base")).values():
        (container,) = pod["spec"]["containers"]
        asked |= {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
        asked.add(pod["metadata"]["annotations"]["prometheus.io/path"])
    dockerfile = (rendered(**answers) / "Dockerfile").read_text("utf-8")
    asked.add(re.findall(r"HEALTHCHECK.*?http://127.0.0.1:8080(/[a-z/]+)", dockerfile, re.DOTALL)[0])
    assert len(asked) == 3
    with running(tmp_path) as client:
        assert {path: client.get(path).status_code for path in asked} == dict.fromkeys(asked, 200)


@with_each
def test_base_images_are_pinned_and_the_image_is_not_root(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    text = (folder / "Dockerfile").read_text("utf-8")
    source = answers.get("image_source", "docker.io/library")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2
    for base in bases:
        assert re.fullmatch(re.escape(source) + r"/python:3\.\d+(-slim)?-bookworm@sha256:[0-9a-f]{64}", base), base
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "uv sync --locked --no-dev" in text


@with_each
def test_the_environment_is_declared_once_and_the_code_knows_it(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    declared = build(folder / "deploy/base")["ConfigMap", model_of(folder)]["data"]
    assert declared == {
        "MLFLOW_TRACKING_URI": yaml.safe_load((folder / ".copier-answers.yml").read_text())["mlflow_address"]
    }
    reference = (REPOSITORY / "docs/reference/environment.md").read_text("utf-8")
    assert all(f"| `{name}` |" in reference for name in declared)
    service = yaml.safe_load((folder / "compose.yaml").read_text("utf-8"))["services"]["service"]
    assert service["env_file"] == "deploy/base/service.env"
    assert set(service["environment"]) <= set(declared)
    for pod in pods(build(folder / "deploy/production")).values():
        (container,) = pod["spec"]["containers"]
        assert "env" not in container
        assert container["envFrom"][0] == {"configMapRef": {"name": model_of(folder)}}


def test_compose_accepts_its_files() -> None:
    paths = [str(rendered(**answers) / "compose.yaml") for answers in IMAGES.values()]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@with_each
def test_the_compose_file_holds_no_secret(answers: dict[str, Any]) -> None:
    path = rendered(**answers) / "compose.yaml"
    services = yaml.safe_load(path.read_text("utf-8"))["services"]
    assert set(services) == {"service", "mlflow", "database", "prometheus"}
    for service in services.values():
        assert "build" in service or re.search(r"@sha256:[0-9a-f]{64}$", service["image"])
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("${DATABASE_PASSWORD:?"), name
    assert services["service"]["read_only"] is True
    assert services["service"]["cap_drop"] == ["ALL"]


def promtool(*arguments: str, folder: Path) -> str:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; `apt-get install prometheus` brings it")
    done = subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@with_each
def test_prometheus_accepts_rules_and_scrape_configuration(answers: dict[str, Any], tmp_path: Path) -> None:
    folder = rendered(**answers)
    assert "5 rules found" in promtool("check", "rules", "deploy/alerts.yaml", folder=folder)
    compose = yaml.safe_load((folder / "compose.yaml").read_text("utf-8"))
    shutil.copyfile(folder / "deploy/alerts.yaml", tmp_path / "alerts.yaml")
    configuration = compose["configs"]["prometheus"]["content"].replace("/etc/prometheus/", "")
    (tmp_path / "prometheus.yml").write_text(configuration)
    promtool("check", "config", "prometheus.yml", folder=tmp_path)
    (scraped,) = yaml.safe_load(configuration)["scrape_configs"]
    assert scraped["job_name"] == model_of(folder)


KUBECTL = """#!/bin/sh
echo "$@" >> "$SEEN/typed"
cp "$KUBECONFIG" "$SEEN/signed-in"
"""
"""Stands in for kubectl: keeps what it was told."""


def deploy(repo: Path, *where: str) -> subprocess.CompletedProcess[str]:
    given = {"SEEN": str(repo.parent), "PATH": f"{repo.parent}{os.pathsep}{os.environ['PATH']}"}
    given |= {"KUBERNETES_TOKEN": "short-lived", "KUBERNETES_SERVER": "https://cluster.example", "KUBERNETES_CA": "PEM"}
    command = [sys.executable, "-m", "nox", "-s", "deploy", "--", *where]
    return subprocess.run(command, cwd=repo, env=os.environ | given, capture_output=True, text=True, check=False)


def test_deploy_gives_the_cluster_the_pushed_image_and_waits(tmp_path: Path) -> None:
    repo, digest = tmp_path / "repo", f"sha256:{'a' * 64}"
    shutil.copytree(rendered(**IMAGES["images elsewhere"]), repo)
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    assert "no image was pushed from here" in deploy(repo, "staging").stderr
    (repo / ".vendorkit/image").mkdir(parents=True)
    (repo / ".vendorkit/image/digest").write_text(f"{digest}\n")
    assert "say where" in deploy(repo).stderr
    assert not (tmp_path / "typed").exists()
    done = deploy(repo, "staging")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "typed").read_text().splitlines() == [
        "apply --kustomize .vendorkit/deploy",
        "rollout restart deployment/credit deployment/credit-canary --namespace consumer-credit-staging",
        "rollout status deployment/credit --timeout 600s --namespace consumer-credit-staging",
        "rollout status deployment/credit-canary --timeout 600s --namespace consumer-credit-staging",
    ]
    plan = json.loads((repo / ".vendorkit/deploy/kustomization.yaml").read_text())
    assert plan == {"resources": ["../../deploy/staging"], "images": [{"name": "localhost:5000/a/b", "digest": digest}]}
    assert (repo / ".vendorkit/deploy" / plan["resources"][0] / "kustomization.yaml").exists()
    containers = [pod["spec"]["containers"][0] for pod in pods(build(repo / "deploy/staging")).values()]
    assert {container["image"] for container in containers} == {plan["images"][0]["name"]}
    signed_in = json.loads((tmp_path / "signed-in").read_text())
    assert signed_in["users"][0]["user"] == {"token": "short-lived"}
    assert signed_in["clusters"][0]["cluster"]["server"] == "https://cluster.example"
    assert "short-lived" not in done.stdout + done.stderr


SERIES = {
    "ServiceDown": [('up{job="credit"}', "0x20")],
    "ServiceNotReady": [('vendorkit_ready{job="credit"}', "0x20"), ('up{job="credit"}', "1x20")],
    "ErrorRate": [
        ('vendorkit_requests_total{job="credit", path="/v1/predict", status="500"}', "0+3x20"),
        ('vendorkit_requests_total{job="credit", path="/v1/predict", status="200"}', "0+97x20"),
        ('up{job="credit"}', "1x20"),
    ],
    "Slow": [
        ('vendorkit_request_seconds_bucket{job="credit", path="/v1/predict", le="0.5"}', "0+90x30"),
        ('vendorkit_request_seconds_bucket{job="credit", path="/v1/predict", le="1"}', "0+100x30"),
        ('vendorkit_request_seconds_bucket{job="credit", path="/v1/predict", le="+Inf"}', "0+100x30"),
        ('up{job="credit"}', "1x30"),
    ],
    "OddInput": [
        ('vendorkit_warnings_total{job="credit", field="age", kind="stale"}', "0+30x90"),
        ('vendorkit_predictions_total{job="credit"}', "0+100x90"),
        ('up{job="credit"}', "1x90"),
    ],
}
"""Figures of each minute that must wake somebody, by alert."""
WELL = [
    ('up{job="credit"}', "1x90"),
    ('vendorkit_ready{job="credit"}', "1x90"),
    ('vendorkit_requests_total{job="credit", path="/v1/predict", status="500"}', "0+1x90"),
    ('vendorkit_requests_total{job="credit", path="/v1/predict", status="200"}', "0+999x90"),
    ('vendorkit_request_seconds_bucket{job="credit", path="/v1/predict", le="0.5"}', "0+1000x90"),
    ('vendorkit_request_seconds_bucket{job="credit", path="/v1/predict", le="+Inf"}', "0+1000x90"),
    ('vendorkit_warnings_total{job="credit", field="age", kind="stale"}', "0+10x90"),
    ('vendorkit_predictions_total{job="credit"}', "0+1000x90"),
]


def test_each_alert_fires_when_it_shall_and_none_when_all_is_well(tmp_path: Path) -> None:
    folder = rendered(**IMAGES["images, github"])
    rules = yaml.safe_load((folder / "deploy/alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]
    assert set(SERIES) == {rule["alert"] for rule in rules}

    def case(series: list[tuple[str, str]], firing: set[str]) -> dict[str, Any]:
        minutes = int(series[-1][1].rsplit("x")[-1])
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series],
            "promql_expr_test": [
                {"expr": f'count(ALERTS{{alertname="{rule["alert"]}", alertstate="firing"}}) or vector(0)',
                 "eval_time": f"{minutes}m",
                 "exp_samples": [{"labels": "{}", "value": int(rule["alert"] in firing)}]}
                for rule in rules
            ],
        }  # fmt: skip

    tests = [case(series, {name}) for name, series in SERIES.items()] + [case(WELL, set())]
    plan = {"rule_files": [str(folder / "deploy/alerts.yaml")], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "alerts.test.yaml").write_text(yaml.safe_dump(plan))
    promtool("test", "rules", "alerts.test.yaml", folder=tmp_path)


@with_each
def test_each_alert_leads_to_a_heading_of_the_runbook(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    headings = re.findall(r"^#+ (.+)$", (folder / "docs/RUNBOOK.md").read_text("utf-8"), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    code = yaml.safe_load((folder / "engagement.yaml").read_text("utf-8"))["systems"]["code"]
    for rule in yaml.safe_load((folder / "deploy/alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]:
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page.startswith(code)
        assert "docs/RUNBOOK.md" in page
        assert anchor in anchors


@with_each
def test_alerts_and_dashboard_read_what_the_service_says(answers: dict[str, Any], tmp_path: Path) -> None:
    folder = rendered(**answers)
    dashboard = json.loads((folder / "deploy/dashboard.json").read_text("utf-8"))
    rules = yaml.safe_load((folder / "deploy/alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]
    asked = [rule["expr"] for rule in rules]
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) == 6
    names = {name for expr in asked for name in re.findall(r"\b(?:vendorkit|process)_[a-z_]+", expr)}
    assert len(names) >= 6
    assert all(f'job="{model_of(folder)}"' in expr for expr in asked)
    with running(tmp_path) as client:
        client.get("/health/live")
        said = client.get("/metrics").text
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", said, re.MULTILINE))
    known = set(kinds) | {f"{name}_bucket" for name, kind in kinds.items() if kind == "histogram"}
    assert names <= known
