"""Which tasks there have to be, by what is installed."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from streams.crawler.work import Name
from streams.engine.plan import InstallationPlan, Plan
from streams.registry.configuration import Configuration

log = structlog.get_logger()


def wanted(configuration: Configuration) -> set[Name]:
    """The tasks of all tenants. A tenant whose documents do not compile keeps none, and delays nobody else."""
    found = {Name(tenant="", kind="retention")}
    for tenant in configuration.tenants():
        for connection in configuration.tenant(tenant).connections:
            found.add(Name(tenant=tenant, kind="discover", connection=connection))
        try:
            found.update(_of_plan(configuration.plan(tenant)))
        except Exception as error:  # a document of theirs; what it says was checked when it was published
            log.warning("tenant_not_planned", tenant=tenant, error=type(error).__name__)
    return found


def _of_plan(plan: Plan) -> Iterator[Name]:
    for installation in plan.installations.values():
        if installation.state == "removed":
            continue
        if installation.state == "linking" and installation.pairs:
            yield Name(tenant=plan.tenant, kind="handover", installation=installation.id)
        for name, connection, entity in _sides(installation):
            yield Name(tenant=plan.tenant, kind="poll", connection=connection, entity=entity)
            yield Name(tenant=plan.tenant, kind="reconcile", connection=connection, entity=entity)
            if installation.state == "linking":
                yield Name(
                    tenant=plan.tenant,
                    kind="backfill",
                    connection=connection,
                    entity=entity,
                    installation=installation.id,
                    pair=name,
                )


def _sides(installation: InstallationPlan) -> Iterator[tuple[str, str, str]]:
    for name, pair in installation.pairs.items():
        yield name, installation.left, pair.left
        yield name, installation.right, pair.right


def outlived(present: set[Name], configuration: Configuration) -> list[Name]:
    """Tasks of connections and installations that are no more. Those of a finished backfill stay, as its record."""
    gone = []
    for name in present:
        if not name.tenant:
            continue
        if name.tenant not in configuration.tenants():
            gone.append(name)
            continue
        tenant = configuration.tenant(name.tenant)
        installation = tenant.installations.get(name.installation)
        removed = name.installation and (installation is None or installation.state == "removed")
        if removed or (name.connection and name.connection not in tenant.connections):
            gone.append(name)
    return gone
