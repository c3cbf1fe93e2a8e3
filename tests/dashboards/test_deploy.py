"""docker-compose.yml, the Dockerfile and deploy/: what can be checked without starting them."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dashboards.metrics import METRICS
from monitor.config import Http
from streams import settings
from tests.dashboards.prometheus import executable

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SMALL = dict(
    line.split("=", 1) for line in (DEPLOY / "small.env").read_text().splitlines() if line[:1].isupper()
)
TEXT = (ROOT / "docker-compose.yml").read_text()
SIZES = {"k": 2**10, "m": 2**20, "g": 2**30}


def compose(**environment: str) -> dict[str, Any]:
    """The compose file with its variables filled in."""
    filled = re.sub(r"(?<!\$)\$\{(\w+):-([^}]*)\}", lambda found: environment.get(found[1], found[2]), TEXT)
    return dict(yaml.safe_load(filled))


SERVICES: dict[str, Any] = compose()["services"]
LASTING = [name for name, service in SERVICES.items() if "restart" in service]
MOUNTS = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", [])]


def test_the_services():
    assert LASTING == ["kafka", "worker", "prometheus", "grafana", "mail"]
    assert SERVICES["mail"]["profiles"] == ["mail"]


@pytest.mark.parametrize("name", LASTING)
def test_every_service_is_watched_bounded_and_of_a_stated_version(name: str):
    service = SERVICES[name]
    assert "healthcheck" in service or name == "worker"  # the worker's is in its Dockerfile
    assert _bytes(service["mem_limit"]) > 0
    assert name == "worker" or re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+", service["image"])


def test_ports_are_bound_to_this_machine():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_volumes_and_files_exist():
    for source, *_ in MOUNTS:
        assert source in compose()["volumes"] or (ROOT / source).exists(), source
    assert {source for source, *_ in MOUNTS} >= set(compose()["volumes"])


def test_who_waits_for_whom():
    for service in SERVICES.values():
        waits = service.get("depends_on", {})
        assert set(waits) <= set(SERVICES)
        healthy = [n for n in waits if isinstance(waits, dict) and waits[n]["condition"] == "service_healthy"]
        assert all("healthcheck" in SERVICES[n] for n in healthy)


def test_the_small_machine():
    """deploy/small.env sets variables that exist, and keeps what it says."""
    assert set(SMALL) <= set(re.findall(r"\$\{(\w+):-", TEXT))
    services = compose(**SMALL)["services"]
    lasting = [services[name] for name in LASTING if "profiles" not in services[name]]
    assert sum(_bytes(service["mem_limit"]) for service in lasting) <= 1.7 * 2**30


def _bytes(size: str) -> int:
    return int(size[:-1]) * SIZES[size[-1]]


def test_the_real_compose_reads_it():
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no docker compose: the file is checked as YAML only")
    subprocess.run([docker, "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "-q"], check=True)


def test_the_worker_s_configuration():
    config = settings.load(DEPLOY / "fairlead.toml")
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert config.broker.url.replace("kafka://", "INTERNAL://") in advertised
    assert config.http.host == "0.0.0.0"


def test_the_port_is_one_everywhere():
    port = str(Http().port)
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"EXPOSE {port}" in dockerfile
    assert f"127.0.0.1:{port}/healthz" in dockerfile
    assert SERVICES["worker"]["ports"][0].endswith(f":{port}")
    [scrape] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert str(scrape["dns_sd_configs"][0]["port"]) == port
    assert scrape["dns_sd_configs"][0]["names"] == ["worker"]


def test_the_image_holds_the_packages_and_no_root():
    dockerfile = (ROOT / "Dockerfile").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = {first for first, second in re.findall(r"COPY (\w+) (\w+)", dockerfile) if first == second}
    assert copied == packages
    assert re.search(r"^USER \d+$", dockerfile, re.M)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed >= packages | {"pyproject.toml", "README.md", "LICENSE"}


def test_grafana_finds_its_boards_and_its_data_source():
    places = {source: target for source, target, *_ in MOUNTS}
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/fairlead.yml").read_text())[
        "providers"
    ][0]
    assert places["./deploy/grafana/dashboards"] == provider["options"]["path"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DEPLOY / "grafana" / "dashboards" / Path(home).name).exists()
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ][0]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml")),
        ("check", "rules", str(DEPLOY / "prometheus" / "alerts.yml")),
        ("test", "rules", str(Path(__file__).parent / "alerts.test.yml")),
    ],
    ids=["config", "rules", "when they speak"],
)
def test_prometheus_accepts_its_files(arguments: tuple[str, ...]):
    done = subprocess.run([executable("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_names_metrics_that_exist():
    rules = (DEPLOY / "prometheus" / "alerts.yml").read_text()
    known = {spec.name for spec in METRICS} | {"fairlead_latency_seconds_bucket"}
    assert set(re.findall(r"\bfairlead_\w+", rules)) <= known
