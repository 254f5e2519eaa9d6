"""A sync app is refused for every fault, with its line and what to do about it; a right one is not."""

from __future__ import annotations

import pytest

from schemas.documents.app import AppDocument, Endpoint, load_app
from schemas.documents.examples import differences
from schemas.documents.source import InvalidDocument, Problem
from tests.schemas.documents.samples import APP, connectors, spoilt

CONNECTORS = connectors()


def problems(text: str) -> list[Problem]:
    try:
        load_app(text, "app.yaml", CONNECTORS)
    except InvalidDocument as invalid:
        return invalid.problems
    return []


def test_a_right_app_has_no_problems_and_its_examples_come_out() -> None:
    app = load_app(APP, "app.yaml", CONNECTORS)
    assert isinstance(app, AppDocument)
    assert (app.left, app.right) == ("sh", "cr")
    assert differences(app, CONNECTORS) == []


@pytest.mark.parametrize(
    ("right", "wrong", "code", "fix"),
    [
        ("title: Shop and CRM", "titel: Shop and CRM", "unknown_key", "title"),
        ("version: 1.0.0", "version: 1.0", "unquoted", 'quote it: "1.0"'),
        ("version: 1.0.0", "version: one", "string_pattern_mismatch", ""),
        ("connector: shop,", "connector: shopp,", "unknown_connector", "shop"),
        ("version: ^1}", "version: ^2}", "connector_version", "^1"),
        ("  cr: {connector", "  dir: {connector", "alias", "another alias"),
        ("default: sh}", "default: hs}", "default", "sh"),
        ("default: US}", "default: 7}", "default", ""),
        ("default: [lead]}", "default: [lead], options_from: cr.contact.email}", "options_from", "alias.entity.field"),
        ("- [old, client]", "- [old, lead]", "not_one_to_one", "one-to-one"),
        ("[sh.firm, cr.company]", "[cr.company, sh.firm]", "between", "sh.company"),
        ("[sh.firm, cr.company]", "[sh.firms, cr.company]", "unknown_entity", "firm"),
        ("[sh.person, cr.contact]", "[sh.person, cr.contact]\n    direction: sh->xx", "direction", "sh->cr"),
        ('"=cr.phase in settings.phases"', '"=cr.phase in settings.phase"', "unknown_setting", "phases"),
        ('"=cr.phase in settings.phases"', '"=cr.phase in"', "expression", ""),
        ('scope: {cr: "=cr.phase', 'scope: {xx: "=cr.phase', "unknown_key", "cr"),
        ("{sh: site, cr: domain}, via: [domain]", "{sh: site}, via: [domain]", "one_sided", "add cr:"),
        ("{sh: site, cr: domain}, via: [domain]", "{sh: sight, cr: domain}, via: [domain]", "unknown_field", "site"),
        ("{sh: mail, cr: email}, via: [trim", "{sh: mail, cr: points}, via: [trim", "not_comparable", ""),
        (
            "{sh: mail, cr: email}, via: [trim, lower]",
            "{sh: mail, cr: email}, via: [table: phase]",
            "not_comparable",
            "",
        ),
        ("- {sh: title, cr: name}", "- {sh: titel, cr: name}", "unknown_field", "title"),
        ("- {sh: title, cr: name}", "- {sh: title, xx: name}", "unknown_key", "cr"),
        ("- {sh: title, cr: name}", "- {sh: title}", "one_sided", "expr"),
        ("- {sh: title, cr: name}", "- {sh: title, cr: name, requird: true}", "unknown_key", "required"),
        ("- {sh: title, cr: name}", "- {sh: title, cr: domain}", "two_writers", "one line"),
        ("- {sh: title, cr: name}", "- {sh: site, cr: name}", "missing_required", "sh: title"),
        ("- {sh: born, cr: birthday}", "- {sh: created_at, cr: nick}", "read_only", "dir: sh->cr"),
        ("- {sh: born, cr: birthday}", "- {sh: secret_note, cr: nack}", "write_only", "dir: cr->sh"),
        ("- {sh: born, cr: birthday}", "- {sh: born, cr: vip}", "types", "transform"),
        ("- {sh: born, cr: birthday}", "- {sh: born, cr: birthday, via: [lower]}", "types", "transform"),
        ("- {sh: born, cr: birthday}", "- {sh: firm_id, cr: score_text}", "types", ""),
        ("- {sh: vip, cr: vip}", "- {sh: name, cr: vip, via: [trimm]}", "transform", "trim"),
        ("- {sh: vip, cr: vip}", "- {sh: name, cr: score_text, via: [strip_html]}", "one_way", "dir: sh->cr"),
        ("via: [table: phase]", "via: [table: phases]", "transform", ""),
        ("default: {sh: 0}", "default: {xx: 0}", "unknown_key", ""),
        ("dir: sh->cr}", "dir: sh->crm}", "direction", "sh->cr"),
        ("{cr: full_name, dir: sh->cr,", "{cr: full_name,", "one_way", "dir: sh->cr"),
        ("{cr: full_name, dir: sh->cr,", "{cr: full_name, sh: name, dir: sh->cr,", "computed", ""),
        ("sh.mail + ')'", "sh.mial + ')'", "expression", ""),
        ("sh.mail + ')'", "string(sh) + ')'", "expression", ""),
        ("sh.mail + ')'", "cr.email + ')'", "expression", ""),
        ("default: newest,", "default: newst,", "policy", "newest"),
        ("default: newest,", "default: union,", "policy", "single list"),
        ("{tags: union, stage: sh}", "{tags: union, stag: sh}", "unknown_field", "stage"),
        ("{tags: union, stage: sh}", "{tags: union, stage: hs}", "policy", "sh"),
        ("{tags: union, stage: sh}", "{stage: union}", "policy", "enum_set and list"),
        ('tie: "=settings.master"', 'tie: "=settings.country"', "tie", "sh, cr"),
        ("from_cr: unlink,", "from_hs: unlink,", "unknown_key", "from_"),
        ("from_cr: unlink,", "from_cr: archive,", "delete", "delete"),
        ("from_cr: unlink,", "from_cr: destroy,", "not_allowed", ""),
        (", limit: 20/1h}", "}", "no_limit", "limit:"),
        ("limit: 20/1h", "limit: 20 an hour", "invalid", ""),
        ("{pair: firm, sh: firm_id", "{pair: frim, sh: firm_id", "unknown_pair", "firm"),
        ("cr: company, wait_max: 10m", "cr: email, wait_max: 10m", "not_a_reference", ""),
        ("wait_max: 10m", "wait_max: soon", "invalid", ""),
        ("order: [firm, person]", "order: [firm]", "order", "person"),
        ("order: [firm, person]", "order: [firm, persons]", "unknown_pair", "person"),
        ("{pair: person, from: sh", "{pair: persn, from: sh", "unknown_pair", "person"),
        ("{pair: person, from: sh", "{pair: person, from: hs", "unknown_endpoint", "sh"),
        ("held: [stage]", "held: [staage]", "unknown_field", "stage"),
    ],
)
def test_every_fault_has_its_line_and_its_fix(right: str, wrong: str, code: str, fix: str) -> None:
    text, line = spoilt(APP, right, wrong) if APP.count(right) == 1 else spoilt_first(right, wrong)
    found = problems(text)
    matching = [problem for problem in found if problem.code == code and fix in problem.fix]
    assert matching, found
    tolerance = 1 if "\n" in wrong or code in ("missing_required", "two_writers") else 0
    assert any(abs(problem.line - line) <= tolerance for problem in matching), found


def spoilt_first(right: str, wrong: str) -> tuple[str, int]:
    return APP.replace(right, wrong, 1), APP[: APP.index(right)].count("\n") + 1


def test_every_problem_is_reported_at_once_in_the_order_of_lines() -> None:
    text = (
        APP.replace("cr: birthday", "cr: vip")
        .replace("default: newest,", "default: oldest,")
        .replace("sh: 0}", "xx: 0}")
    )
    found = problems(text)
    assert {"types", "policy", "unknown_key", "two_writers"} <= {problem.code for problem in found}
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_a_field_that_only_an_account_can_know_is_no_fault() -> None:
    assert problems(APP.replace("cr: nick, dir", "cr: anything_at_all, dir")) == []


def test_a_pair_of_one_direction_needs_no_more_of_its_lines() -> None:
    one_way = APP.replace("between: [sh.person, cr.contact]", "between: [sh.person, cr.contact]\n    direction: sh->cr")
    one_way = one_way.replace("- {sh: born, cr: birthday}", "- {sh: created_at, cr: birthday, via: [day_of]}")
    one_way = one_way.replace("fields: {tags: union, stage: sh}", "fields: {stage: sh}").replace(
        '  - {pair: person, from: cr, given: {phase: unheard_of, points: "3.0"}, want: {score: 3}, held: [stage]}\n', ""
    )
    assert problems(one_way) == []
    widened = one_way.replace("{sh: vip, cr: vip}", "{sh: vip, cr: vip, dir: both}")
    assert [problem.code for problem in problems(widened)] == ["direction"]
    created = one_way.replace("    scope: {", "    create: {sh: true}\n    scope: {")
    assert [problem.code for problem in problems(created)] == ["create"]


@pytest.mark.parametrize(
    ("wanted", "have", "accepted"),
    [("^1", "1.9.3", True), ("^1", "2.0.0", False), ("^1.2", "1.1.9", False), ("^1.2", "1.2.0", True),
     ("^0.2", "0.3.0", False), ("^0.2", "0.2.5", True), ("~1.2", "1.2.9", True), ("~1.2", "1.3.0", False),
     ("1.2.3", "1.2.3", True), ("1.2.3", "1.2.4", False), ("^2", "10.0.0", False)],
)  # fmt: skip
def test_a_version_accepts_what_keeps_its_promises(wanted: str, have: str, accepted: bool) -> None:
    assert Endpoint(connector="shop", version=wanted).accepts(have) is accepted


def test_an_example_that_does_not_come_out_says_what_does() -> None:
    app = load_app(APP.replace("phase: lead}}", "phase: client}}"), "app.yaml", CONNECTORS)
    (difference,) = differences(app, CONNECTORS)
    assert str(difference) == "example 1: phase should be 'client', and is 'lead'"


def test_an_example_says_which_fields_are_held() -> None:
    app = load_app(APP.replace("phase: unheard_of,", "phase: lead,"), "app.yaml", CONNECTORS)
    assert [difference.field for difference in differences(app, CONNECTORS)] == ["stage"]
