"""Compile what a tenant has installed into what the engine decides by.

Never fails as a whole: what one account lacks pauses the lines that need it, what one installation gets wrong pauses
that installation, and each is said in a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import msgspec

from schemas.configuration import Connection, Installation
from schemas.documents.app import AppDocument, load_app
from schemas.documents.connector import ConnectorDocument
from schemas.documents.discovered import DiscoveredField, decode_discovered
from schemas.documents.expressions import ExpressionFailed, compile_expression
from schemas.documents.source import JSON, InvalidDocument
from streams.accounts import AccountEntity
from streams.engine.plan import FieldPlan, InstallationPlan, PairPlan, Plan, Side
from streams.line_planning import LinePlanning
from streams.pair_planning import Finding, compile_pair
from streams.registry.loading import TenantConfiguration

Discovered = Mapping[tuple[str, str], Mapping[str, DiscoveredField]]
"""(connection, entity) → what the account said of its fields, by name."""


@dataclass(frozen=True, slots=True)
class Account:
    """A connection as one side of an app: its product, and what it said of its own fields, by entity and name."""

    alias: str
    connection: str
    connector: ConnectorDocument
    described: Mapping[str, Mapping[str, DiscoveredField]]

    def entity(self, name: str) -> AccountEntity:
        return AccountEntity(self.alias, self.connector.entities[name], self.described.get(name, {}))


@dataclass(frozen=True, slots=True)
class Compiled:
    """A plan, and what could not be planned as the documents say."""

    plan: Plan
    findings: tuple[Finding, ...] = ()


def plan_of(
    tenant: str,
    revision: int,
    connections: Mapping[str, Connection],
    installations: Mapping[str, Installation],
    connectors: Mapping[str, ConnectorDocument],
    apps: Mapping[tuple[str, str], AppDocument],
    discovered: Discovered,
) -> Plan:
    """The plan alone; `apps` are by (id, version). See `compile_tenant`."""
    return compile_tenant(tenant, revision, connections, installations, connectors, apps, discovered).plan


def compile_tenant(
    tenant: str,
    revision: int,
    connections: Mapping[str, Connection],
    installations: Mapping[str, Installation],
    connectors: Mapping[str, ConnectorDocument],
    apps: Mapping[tuple[str, str], AppDocument],
    discovered: Discovered,
) -> Compiled:
    """The plan of everything that is installed, with findings. Same input, same plan: a decision can be replayed."""
    plans: dict[str, InstallationPlan] = {}
    fields: dict[tuple[str, str], dict[str, FieldPlan]] = {}
    findings: list[Finding] = []
    for installation in installations.values():
        app = _app_of(installation, apps)
        sides = _accounts(installation, app, connections, connectors, discovered) if app else None
        if app is None or sides is None:
            reason = "its app is not published" if app is None else "its connections do not fit its app"
            findings.append(Finding(installation.id, "", "", "not_planned", reason))
            plans[installation.id] = _paused(installation)
            continue
        plans[installation.id] = _plan(installation, app, sides, fields, findings)
    return Compiled(Plan(tenant=tenant, revision=revision, installations=plans, fields=fields), tuple(findings))


def plan_maker(connectors: Mapping[str, ConnectorDocument]) -> Callable[[TenantConfiguration, int], Plan]:
    """What `Configuration` compiles plans by: documents and descriptions are read from the texts that it holds."""
    loaded: dict[str, AppDocument] = {}
    return lambda configuration, revision: compile_configuration(configuration, revision, connectors, loaded).plan


def compile_configuration(
    configuration: TenantConfiguration,
    revision: int,
    connectors: Mapping[str, ConnectorDocument],
    loaded: dict[str, AppDocument],
) -> Compiled:
    """As `compile_tenant`, from the registry's copy of what the tenant has. Never raises for what is stored.

    `loaded` keeps apps by the digest of their text, so that each is read once.
    """
    wanted = {(installation.app, installation.version) for installation in configuration.installations.values()}
    apps: dict[tuple[str, str], AppDocument] = {}
    findings: list[Finding] = []
    for key, version in configuration.apps.items():
        if key not in wanted and (key[0], "") not in wanted:
            continue
        try:
            if version.digest not in loaded:
                loaded[version.digest] = load_app(version.document, version.app, connectors)
            apps[key] = loaded[version.digest]
        except InvalidDocument as invalid:
            reason = f"{version.app} {version.version}: {invalid.problems[0]}"
            findings += [
                Finding(installation.id, "", "", "invalid_document", reason)
                for installation in configuration.installations.values()
                if installation.app == version.app
            ]
    described = {key: _described(text) for key, text in configuration.discovered.items()}
    compiled = compile_tenant(
        configuration.tenant.id,
        revision,
        configuration.connections,
        configuration.installations,
        connectors,
        apps,
        described,
    )
    return Compiled(compiled.plan, (*findings, *compiled.findings))


def _plan(
    installation: Installation,
    app: AppDocument,
    accounts: tuple[Account, Account],
    fields: dict[tuple[str, str], dict[str, FieldPlan]],
    findings: list[Finding],
) -> InstallationPlan:
    settings = app.settings_with(_answers(installation))
    pairs: dict[str, PairPlan] = {}
    paused: set[tuple[str, str]] = set()
    master = _master(app, settings)
    for name, pair in app.pairs.items():
        left, right = (account.entity(entity) for account, entity in zip(accounts, pair.entities, strict=True))
        compiled = compile_pair(installation, name, LinePlanning(app, pair, left, right, settings, master))
        pairs[name] = compiled.plan
        paused |= {(name, line) for line in compiled.paused}
        findings += compiled.findings
        for account, entity, used in zip(accounts, pair.entities, compiled.fields, strict=True):
            fields.setdefault((account.connection, entity), {}).update(used)
    return InstallationPlan(
        id=installation.id,
        left=installation.left,
        right=installation.right,
        state=installation.state,
        pairs=pairs,
        master=master,
        paused_lines=frozenset(paused),
    )


def _answers(installation: Installation) -> dict[str, JSON]:
    """The person's settings as plain data."""
    return {
        name: msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else cast(JSON, value)
        for name, value in installation.settings.items()
    }


def _master(app: AppDocument, settings: Mapping[str, JSON]) -> Side:
    """Who wins a tie, by the first pair that says; the left side otherwise."""
    tie = next((pair.conflict.tie for pair in app.pairs.values() if pair.conflict.tie is not None), app.left)
    alias: JSON = tie
    if tie.startswith("="):
        try:
            alias = compile_expression(tie, ("settings",)).evaluate({"settings": settings})
        except ExpressionFailed:
            alias = app.left
    return "right" if alias == app.right else "left"


def _paused(installation: Installation) -> InstallationPlan:
    return InstallationPlan(
        id=installation.id,
        left=installation.left,
        right=installation.right,
        state="removed" if installation.state == "removed" else "paused",
        pairs={},
    )


def _app_of(installation: Installation, apps: Mapping[tuple[str, str], AppDocument]) -> AppDocument | None:
    """The installed version; the newest where the installation names none."""
    if installation.version:
        return apps.get((installation.app, installation.version))
    versions = [app for (id, _), app in apps.items() if id == installation.app]
    return max(versions, key=lambda app: [int(part) for part in app.version.split(".")], default=None)


def _accounts(
    installation: Installation,
    app: AppDocument,
    connections: Mapping[str, Connection],
    connectors: Mapping[str, ConnectorDocument],
    discovered: Discovered,
) -> tuple[Account, Account] | None:
    """Both sides; None if a connection is gone, or is of another product than the app says."""
    found = []
    for alias, id in zip(app.endpoints, (installation.left, installation.right), strict=True):
        connection, product = connections.get(id), app.endpoints[alias].connector
        if connection is None or connection.product != product or product not in connectors:
            return None
        described = {entity: fields for (of, entity), fields in discovered.items() if of == id}
        found.append(Account(alias, id, connectors[product], described))
    return found[0], found[1]


@lru_cache(maxsize=1024)
def _described(text: str) -> Mapping[str, DiscoveredField]:
    try:
        return decode_discovered(text)
    except msgspec.DecodeError:
        return {}
