"""The image, compose file and manifests cannot be run in the tests; what they name must at least exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from console.cli import COMMANDS
from console.commands.processes import Role
from deploy.local.services.mariadb import HOOKS_USER
from schemas.settings import Settings
from streams.migrations import RECEIVER_VIEWS

DEPLOY = Path(__file__).parents[2] / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
RESOURCES = [path for path in MANIFESTS if path.name != "kustomization.yaml"]
OTHERS = [DEPLOY / name for name in ("compose.yaml", "freshpipe.env.example", "Dockerfile", "README.md")]
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
HANDED_ON = {"FRESHPIPE_HOOKS_PASSWORD"}
"""Not a setting: compose hands it to the receiver as its MySQL password."""


def load(path: Path) -> list[Any]:
    return [document for document in YAML(typ="safe", pure=True).load_all(path.read_text()) if document is not None]


def settings_names(model: type[BaseModel] = Settings, prefix: str = "FRESHPIPE_") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from settings_names(inner, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    template = document.get("spec", {}).get("template", {})
    found: list[dict[str, Any]] = template.get("spec", {}).get("containers", [])
    return found


def our_commands() -> list[list[str]]:
    """The arguments with which compose and Kubernetes call `freshpipe`."""
    (compose,) = load(DEPLOY / "compose.yaml")
    called = [service["command"] for service in compose["services"].values() if service["image"] == "freshpipe"]
    for manifest in MANIFESTS:
        called += [container["args"] for document in load(manifest) for container in containers(document)]
    return called


def test_every_process_has_a_place_in_both() -> None:
    expected = {"webhooks", "worker source", "worker sync", "worker sink", "crawler", "historian", "console", "migrate"}
    called = [" ".join(command) for command in our_commands()]
    assert set(called) == expected
    assert all(called.count(command) >= 2 for command in expected)


def test_every_command_exists() -> None:
    commands = {name for modules in COMMANDS.values() for names in modules.values() for name in names}
    roles = {role.value for role in Role}
    for first, *rest in our_commands():
        assert first in commands
        assert set(rest) <= roles


@pytest.mark.parametrize("path", [*OTHERS, *MANIFESTS], ids=lambda path: path.name)
def test_every_setting_exists(path: Path) -> None:
    named = set(re.findall(r"\bFRESHPIPE_[A-Z_]+\b", path.read_text()))
    assert named <= set(settings_names()) | HANDED_ON


def test_the_table_of_settings_is_complete() -> None:
    rows = re.findall(r"^\| `(FRESHPIPE_[A-Z_]+)` \|", (DEPLOY / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(rows) == sorted(settings_names())


def test_the_receiver_gets_no_key_to_the_credentials() -> None:
    (compose,) = load(DEPLOY / "compose.yaml")
    services = compose["services"]
    assert "FRESHPIPE_CREDENTIALS_KEY" not in services["webhooks"]["environment"]
    assert "FRESHPIPE_CREDENTIALS_KEY" in services["sync-0"]["environment"]
    assert services["webhooks"]["environment"]["FRESHPIPE_MYSQL__USER"] == HOOKS_USER
    secrets = {
        container["name"]: [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
        for manifest in MANIFESTS
        for document in load(manifest)
        for container in containers(document)
    }
    assert [name for name, used in secrets.items() if used == ["freshpipe-receiver"]] == ["webhooks"]


def test_the_receiver_is_granted_its_views_and_nothing_else() -> None:
    statements = re.findall(r"^GRANT .*", (DEPLOY / "receiver-grants.sql").read_text(), flags=re.MULTILINE)
    assert statements == [f"GRANT SELECT ON freshpipe.{view} TO '{HOOKS_USER}'@'%';" for view in RECEIVER_VIEWS]


def test_sync_workers_keep_their_membership_and_their_tables() -> None:
    (compose,) = load(DEPLOY / "compose.yaml")
    services = compose["services"].items()
    workers = {name: service for name, service in services if service.get("command") == ["worker", "sync"]}
    for name, worker in workers.items():
        assert worker["environment"]["FRESHPIPE_KAFKA__INSTANCE"] == name
        assert worker["volumes"] == [f"{name}:/data"]
    assert set(workers) <= set(compose["volumes"])
    stateful = next(document for document in load(DEPLOY / "kubernetes/sync.yaml") if document["kind"] == "StatefulSet")
    (container,) = containers(stateful)
    assert [variable["name"] for variable in container["env"]] == ["FRESHPIPE_KAFKA__INSTANCE"]
    assert container["volumeMounts"][0]["name"] == stateful["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]


def test_kustomize_lists_every_manifest() -> None:
    (kustomization,) = load(DEPLOY / "kubernetes/kustomization.yaml")
    assert sorted(kustomization["resources"]) == [path.name for path in RESOURCES]


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.stem)
def test_selectors_labels_and_ports_agree(path: Path) -> None:
    documents = load(path)
    for document in documents:
        assert {"apiVersion", "kind", "metadata"} <= set(document)
        for container in containers(document):
            assert container["securityContext"]["readOnlyRootFilesystem"]
            ports = {port["name"] for port in container.get("ports", [])}
            assert {container[probe]["httpGet"]["port"] for probe in PROBES if probe in container} <= ports
    selected = [document["spec"]["selector"] for document in documents if "selector" in document.get("spec", {})]
    labels = [document["spec"]["template"]["metadata"]["labels"] for document in documents if containers(document)]
    assert all(selector.get("matchLabels", selector) in labels for selector in selected)


def test_the_images_lock_is_part_of_the_developers() -> None:
    development, image = (locked(path) for path in (DEPLOY.parent / "requirements.txt", DEPLOY / "requirements.txt"))
    assert image.items() <= development.items()
    assert not {"pytest", "ruff", "mypy", "uv"} & set(image)


def locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", path.read_text(), flags=re.MULTILINE | re.IGNORECASE))
