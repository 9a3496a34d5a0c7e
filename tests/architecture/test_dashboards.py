"""Dashboards and alerts against the metrics that the code exports: by name, by label, and none left out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY, Histogram
from prometheus_client.metrics import MetricWrapperBase

from shared.case.states import FINAL, STATES
from shared.flow import PROCESSES, SERVICES
from shared.platform import telemetry

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DECLARED = [value for value in vars(telemetry).values() if isinstance(value, MetricWrapperBase)]
SCRAPED = {"up": {"job", "instance"}}
"""Series that Prometheus makes itself for each target."""
TARGET_LABELS = {"job", "instance", "process"}


def exported() -> dict[str, set[str]]:
    """Each series that the code exports, and its own labels."""
    series = dict(SCRAPED)
    kinds = {family.name: family.type for family in REGISTRY.collect()}
    for metric in DECLARED:
        name, labels = metric._name, set(metric._labelnames)
        match kinds[name]:
            case "counter":
                series[f"{name}_total"] = labels
            case "histogram":
                series |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
            case _:
                series[name] = labels
    return series


SERIES = exported()


def panels(dashboard: Path) -> list[dict[str, Any]]:
    content: dict[str, Any] = json.loads(dashboard.read_text())
    return [p for p in content["panels"] if p["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    for dashboard in DASHBOARDS:
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield f"{dashboard.stem}: {panel['title']} {target['refId']}", target["expr"]
    for rule in alerts():
        yield f"alert {rule['alert']}", rule["expr"]


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def parse(expression: str) -> Any:
    """Grafana's variables stand for a duration or a pattern; any will do for the syntax."""
    return promql_parser.parse(re.sub(r"\$__\w+", "1m", expression).replace("$service", "any"))


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for attribute in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(node, attribute, None)
        if child is not None and not isinstance(child, (str, int, float)):
            yield from nodes(child)
    for child in getattr(node, "args", None) or ():
        yield from nodes(child)


def selectors(expression: str) -> Iterator[Any]:
    return (n for n in nodes(parse(expression)) if isinstance(n, promql_parser.VectorSelector))


EXPRESSIONS = dict(expressions())


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_every_query_asks_for_what_is_exported(where: str) -> None:
    found = list(selectors(EXPRESSIONS[where]))
    assert found
    for selector in found:
        assert selector.name in SERIES
        labels = {m.name for m in selector.matchers.matchers}
        assert labels <= SERIES[str(selector.name)] | TARGET_LABELS


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_every_query_groups_by_labels_that_exist(where: str) -> None:
    for node in nodes(parse(EXPRESSIONS[where])):
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            inside = {str(s.name) for s in nodes(node.expr) if isinstance(s, promql_parser.VectorSelector)}
            known = set.intersection(*(SERIES[name] for name in inside)) | TARGET_LABELS
            assert set(node.modifier.labels) <= known


def test_every_metric_is_shown() -> None:
    assert len(DECLARED) > 15
    shown = {s.name for where, e in EXPRESSIONS.items() if not where.startswith("alert ") for s in selectors(e)}
    for metric in DECLARED:
        name = metric._name
        assert shown & {name, f"{name}_total", f"{name}_bucket", f"{name}_sum", f"{name}_count"}, name


def test_a_query_for_a_bound_names_one_of_the_histograms_buckets() -> None:
    bounds = {f"{m._name}_bucket": {str(b) for b in m._upper_bounds} for m in DECLARED if isinstance(m, Histogram)}
    asked = [
        (s.name, m.value)
        for e in EXPRESSIONS.values()
        for s in selectors(e)
        for m in s.matchers.matchers
        if m.name == "le"
    ]
    assert asked
    for name, bound in asked:
        assert bound in bounds[name]


def test_states_and_services_in_queries_exist() -> None:
    states = set(STATES)
    for expression in EXPRESSIONS.values():
        for selector in selectors(expression):
            for matcher in selector.matchers.matchers:
                values = set(matcher.value.split("|"))
                if matcher.name == "state":
                    assert values <= states
                if matcher.name == "service" and values != {"any"}:
                    assert values <= set(SERVICES)


def test_open_cases_are_those_without_a_final_state() -> None:
    (panel,) = (p for p in panels(ROOT / "deploy/grafana/dashboards/cases.json") if p["title"] == "Open")
    (selector,) = selectors(panel["targets"][0]["expr"])
    (matcher,) = selector.matchers.matchers
    assert set(matcher.value.split("|")) == FINAL


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_are_complete(dashboard: Path) -> None:
    content = json.loads(dashboard.read_text())
    sources = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/datasources.yaml").read_text())
    assert content["uid"].startswith("priorauth-")
    ids = [p["id"] for p in content["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"]["uid"] in {s["uid"] for s in sources["datasources"]}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_panels_do_not_overlap() -> None:
    for dashboard in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(dashboard.read_text())["panels"]:
            p = panel["gridPos"]
            cells = {(x, y) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
            assert not cells & taken
            taken |= cells


def test_alerts_say_what_to_do() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names))
    handbook = (ROOT / "docs" / "operations.md").read_text()
    for rule in alerts():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        assert rule["alert"] in handbook


def test_prometheus_scrapes_every_process() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yaml").read_text())
    (job,) = (j for j in config["scrape_configs"] if j["job_name"] == "priorauth")
    assert set(job["dns_sd_configs"][0]["names"]) == set(PROCESSES)
