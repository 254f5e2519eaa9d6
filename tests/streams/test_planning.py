"""What is installed becomes what the engine decides by, whatever the accounts on both sides have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from connectors.catalog import load_connectors
from console.setup import app_texts
from schemas.configuration import Connection, Installation, Tenant
from schemas.documents.app import AppDocument, load_app
from schemas.documents.calls import FieldType
from schemas.documents.discovered import DiscoveredField
from schemas.documents.examples import differences
from streams.engine.plan import ConversionFailed, InstallationPlan, Line
from streams.planning import Compiled, compile_configuration, compile_tenant, plan_maker, plan_of
from streams.registry.documents import AppVersion, digest_of
from streams.registry.loading import TenantConfiguration

APP = "freshsales-hubspot"
CUSTOM: dict[str, FieldType] = {
    "nickname": "string", "score": "decimal", "tier": "enum", "interests": "enum_set", "newsletter": "bool",
}  # fmt: skip


def text() -> str:
    return app_texts()[f"{APP}.yaml"]


def app() -> AppDocument:
    return load_app(text(), APP, load_connectors())


def described(fields: Mapping[str, FieldType]) -> dict[str, DiscoveredField]:
    return {name: DiscoveredField(name=name, type=type) for name, type in fields.items()}


def discovered() -> dict[tuple[str, str], dict[str, DiscoveredField]]:
    freshsales = {f"custom_field.cf_{name}": type for name, type in CUSTOM.items()} | {
        "custom_field.cf_renewal": "date"
    }
    hubspot = {**CUSTOM, "renewal_date": "date", "tags": "enum_set"}
    return {("fs1", "contact"): described(freshsales), ("hs1", "contact"): described(hubspot)}


def connection(id: str, product: str) -> Connection:
    return Connection(tenant="t", id=id, product=product, base_url="https://x.example")


CONNECTIONS = {"fs1": connection("fs1", "freshsales"), "hs1": connection("hs1", "hubspot")}


def installation(**changes: Any) -> Installation:
    wanted: dict[str, Any] = {
        "app": APP,
        "version": "1.0.0",
        "left": "fs1",
        "right": "hs1",
        "state": "active",
        **changes,
    }
    return Installation(tenant="t", id="i", **wanted)


def compiled(accounts: dict[tuple[str, str], dict[str, DiscoveredField]] | None = None, **changes: Any) -> Compiled:
    fields = discovered() if accounts is None else accounts
    apps = {(APP, "1.0.0"): app()}
    return compile_tenant("t", 7, CONNECTIONS, {"i": installation(**changes)}, load_connectors(), apps, fields)


def installed(**changes: Any) -> InstallationPlan:
    return compiled(**changes).plan.installations["i"]


def lines(**changes: Any) -> dict[str, Line]:
    return {line.name: line for line in installed(**changes).pairs["contact"].lines}


def override(**difference: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(difference))


@pytest.mark.parametrize("name", sorted(app_texts()))
def test_a_built_in_app_is_right_and_its_examples_come_out(name: str) -> None:
    assert differences(load_app(app_texts()[name], name, load_connectors()), load_connectors()) == []


def test_the_built_in_app_compiles_without_a_finding() -> None:
    found = compiled()
    assert found.findings == ()
    assert found.plan.revision == 7
    plan = found.plan.installations["i"]
    assert (plan.left, plan.right, plan.state, plan.master, plan.paused_lines) == (
        "fs1",
        "hs1",
        "active",
        "left",
        frozenset(),
    )
    assert list(plan.pairs) == ["company", "contact"]
    contact = plan.pairs["contact"]
    assert (contact.left, contact.right, contact.create_left, contact.create_right) == (
        "contact",
        "contact",
        True,
        True,
    )
    assert (contact.delete_from_left, contact.delete_limit, contact.delete_window_ms, contact.erase) == (
        "unlink",
        50,
        3_600_000,
        True,
    )
    assert contact.empty_never_wins


def test_values_cross_by_the_documents_words() -> None:
    found = lines()
    assert found["email"].to_right(" Ada@X.io", {}) == "ada@x.io"
    assert found["work_number"].to_left("(415) 555-0100", {}) == "+14155550100"
    assert found["lifecycle_stage"].to_right("Customer", {}) == "customer"
    assert found["lifecycle_stage"].to_left("salesqualifiedlead", {}) == "Sales Qualified Lead"
    assert found["lifecycle_stage"].to_left("evangelist", {}) is None
    assert found["lifecycle_stage"].skip_empty
    assert found["zipcode"].to_left("00478", {}) == "00478"
    assert found["custom_field.cf_newsletter"].to_right(False, {}) is False
    assert found["custom_field.cf_interests"].to_right(("a", "b"), {}) == ("a", "b")


def test_who_wins_is_said_per_line() -> None:
    found = lines()
    assert {name: found[name].policy for name in ("email", "lifecycle_stage", "tags", "custom_field.cf_interests")} == {
        "email": "newest", "lifecycle_stage": "right", "tags": "union", "custom_field.cf_interests": "union",
    }  # fmt: skip


def test_a_company_is_a_reference_that_waits() -> None:
    reference = lines()["sales_account_id"].reference
    assert reference is not None
    assert (reference.pair, reference.wait_ms, reference.on_missing) == ("company", 900_000, "wait")


def test_records_are_recognised_by_their_keys() -> None:
    pairs = installed().pairs
    (email,) = pairs["contact"].match
    domain, name = pairs["company"].match
    assert email.left_key(" ADA@x.io ") == email.right_key("ada@X.io") == "ada@x.io"
    assert domain.left_key("https://www.Acme.io/about") == domain.right_key("acme.io") == "acme.io"
    assert name.left_key(" ACME  Inc") == name.right_key("Acme Inc") == "acme inc"
    assert [key.left_key(None) for key in (email, domain, name)] == [None, None, None]
    assert domain.left_key("not a site") is None


def test_only_what_has_an_address_takes_part() -> None:
    contact = installed().pairs["contact"]
    assert contact.in_scope_left({"email": "a@x.io"})
    assert not any(contact.in_scope_left(fields) for fields in ({}, {"email": None}, {"email": ""}))
    assert not contact.in_scope_right({"firstname": "Ada"})


def test_every_field_that_decisions_look_at_is_planned_and_no_other() -> None:
    fields = compiled().plan.fields
    left, right = fields["fs1", "contact"], fields["hs1", "contact"]
    assert {"email", "owner", "tags", "custom_field.cf_score", "sales_account_id"} <= set(left)
    assert "facebook" not in left
    assert "createdate" not in right
    assert left["tags"].is_list
    assert right["tags"].is_list
    assert not left["email"].is_list
    assert left["custom_field.cf_score"].canonical("12000.0") == right["score"].canonical("12000")
    assert set(fields["hs1", "company"]) >= {"name", "domain", "numberofemployees"}


def test_a_line_whose_field_an_account_lacks_is_paused_and_says_so() -> None:
    accounts = discovered()
    del accounts["hs1", "contact"]["score"]
    found = compiled(accounts)
    assert found.plan.installations["i"].paused_lines == {("contact", "custom_field.cf_score")}
    (finding,) = found.findings
    assert (finding.line, finding.code, finding.reason) == (
        "custom_field.cf_score",
        "no_field",
        "hs has no field “score”",
    )
    assert "score" not in found.plan.fields["hs1", "contact"]


def test_an_account_that_has_not_described_its_fields_pauses_the_lines_that_need_them() -> None:
    paused = compiled({}).plan.installations["i"].paused_lines
    assert {line for _, line in paused} == {
        "tags",
        "custom_field.cf_renewal",
        *(f"custom_field.cf_{name}" for name in CUSTOM),
    }


def test_a_field_of_another_type_or_that_cannot_be_written_pauses_its_line() -> None:
    accounts = discovered()
    accounts["hs1", "contact"]["score"] = DiscoveredField(name="score", type="bool")
    accounts["hs1", "contact"]["tier"] = DiscoveredField(name="tier", type="enum", read_only=True)
    assert {(finding.line, finding.code) for finding in compiled(accounts).findings} == {
        ("custom_field.cf_score", "types"), ("custom_field.cf_tier", "read_only"),
    }  # fmt: skip


def test_settings_decide_where_the_document_asks_them() -> None:
    plan = installed(settings={"master": "hs", "country": "DE"})
    assert plan.master == "right"
    line = next(line for line in plan.pairs["contact"].lines if line.name == "mobile_number")
    assert line.to_right("0171 1234567", {}) == "+491711234567"
    assert installed(settings={"country": msgspec.Raw(b'"DE"')}).master == "left"


def test_overrides_are_differences_of_single_lines() -> None:
    found = lines(
        overrides={
            "contact/job_title": override(disabled=True),
            "contact/city": override(direction="fs->hs", owner="fs"),
            "contact/first_name": override(policy="review"),
            "contact/extra": override(add={"fs": "facebook", "hs": "website"}),
            "company/city": override(direction="hs->fs"),
        }
    )
    assert "job_title" not in found
    assert (found["city"].direction, found["city"].policy) == ("to_right", "left")
    assert found["first_name"].policy == "review"
    assert (found["extra"].left, found["extra"].right) == ("facebook", "website")


def test_a_value_that_cannot_cross_is_held_with_the_reason() -> None:
    accounts = discovered()
    accounts["hs1", "contact"]["score"] = DiscoveredField(name="score", type="int")
    contact = compiled(accounts).plan.installations["i"].pairs["contact"]
    score = next(line for line in contact.lines if line.right == "score")
    assert score.to_right("12.0", {}) == 12
    with pytest.raises(ConversionFailed, match="not a whole number"):
        score.to_right("12.5", {})


@pytest.mark.parametrize(
    ("key", "difference"),
    [
        ("contact/city", {"disable": True}),
        ("contact/nothing", {"disabled": True}),
        ("contact/city", {"direction": "fs->xx"}),
        ("contact/extra", {"add": {"fs": "facebook", "hs": "website", "via": "lower"}}),
        ("contact/extra", {"add": {"fs": "facebook", "hs": "no_such_field"}}),
        ("contact/extra", {"add": {"fs": "facebook", "hs": "website", "via": ["no_such_transform"]}}),
    ],
)
def test_an_override_that_makes_no_sense_is_said_and_harms_nothing(key: str, difference: dict[str, Any]) -> None:
    found = compiled(overrides={key: override(**difference)})
    assert [finding.pair for finding in found.findings] == ["contact"]
    assert "email" in {line.name for line in found.plan.installations["i"].pairs["contact"].lines}


@pytest.mark.parametrize(
    "changes",
    [{"version": "9.9.9"}, {"app": "other"}, {"left": "gone"}, {"left": "hs1", "right": "fs1"}],
)
def test_an_installation_that_cannot_be_planned_is_paused_alone(changes: dict[str, str]) -> None:
    apps = {(APP, "1.0.0"): app()}
    both = {"i": installation(), "bad": msgspec.structs.replace(installation(**changes), id="bad")}
    found = compile_tenant("t", 1, CONNECTIONS, both, load_connectors(), apps, discovered())
    assert (found.plan.installations["bad"].state, found.plan.installations["bad"].pairs) == ("paused", {})
    assert [finding.installation for finding in found.findings] == ["bad"]
    assert found.plan.installations["i"].state == "active"


def test_without_a_version_the_newest_is_meant() -> None:
    apps = {(APP, version): app().model_copy(update={"version": version}) for version in ("1.9.0", "1.10.0")}
    newest = apps[APP, "1.10.0"].model_copy(update={"title": "x", "pairs": {"company": app().pairs["company"]}})
    plan = plan_of(
        "t", 1, CONNECTIONS, {"i": installation(version="")}, load_connectors(), {**apps, (APP, "1.10.0"): newest}, {}
    )
    assert list(plan.installations["i"].pairs) == ["company"]


def configuration(document: str, **changes: Any) -> TenantConfiguration:
    version = AppVersion("", APP, "1.0.0", digest_of(document), document)
    return TenantConfiguration(
        Tenant(id="t", name="T"),
        connections=CONNECTIONS,
        installations={"i": installation(**changes)},
        apps={(APP, "1.0.0"): version},
        discovered={("hs1", "contact"): "not json"},
    )


def test_a_plan_is_made_of_what_the_registry_holds() -> None:
    make = plan_maker(load_connectors())
    plan = make(configuration(text()), 3)
    assert (plan.tenant, plan.revision, list(plan.installations["i"].pairs)) == ("t", 3, ["company", "contact"])


def test_a_stored_document_that_is_no_longer_right_pauses_its_installation() -> None:
    found = compile_configuration(configuration(text().replace("fs: email,", "fs: emial,")), 3, load_connectors(), {})
    assert found.plan.installations["i"].state == "paused"
    assert [finding.code for finding in found.findings] == ["invalid_document", "not_planned"]
