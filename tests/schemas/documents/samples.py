"""Two small products and an app between them, each right as it stands: tests spoil one thing at a time."""

from __future__ import annotations

from schemas.documents.connector import ConnectorDocument, load_connector

SHOP = """\
kind: connector/v1
id: shop
version: 1.4.0
title: Shop
config:
  region: {type: string, default: eu}
secrets:
  api_key: {owner: connection}
  hook_secret: {owner: connection}
auth:
  api_key: {header: Authorization, prefix: "Bearer "}
  probe: {call: GET /me}
http: {base: "https://api.shop.example", hosts: [api.shop.example]}
limits:
  - {bucket: minute, rate: 60/1m, ops: [list]}
errors:
  - {status: 429, is: rate_limited, bucket: minute, retry_after: header.retry-after}
  - {status: 400, if: "=body.?code.orValue('') == 'bad'", is: invalid_field, field: {at: /message, regex: "field (.+)"}}
  - {status: 5xx, is: transient}
entities:
  person:
    item: {id: /id, updated: /updated_at}
    keys: [[mail]]
    stamp: reference
    fields:
      mail: {type: email}
      name: {type: string}
      score: {type: int}
      stage: {type: enum, options: [{value: new}, {value: old}]}
      tags: {type: list}
      firm_id: {type: ref, to: firm}
      born: {type: date}
      vip: {type: bool}
      secret_note: {type: string, access: write}
      created_at: {type: datetime, access: ro}
      updated_at: {type: datetime, access: ro}
      reference: {type: string, access: create}
    ops:
      list: {call: GET /people, items: /people}
      changes: {call: GET /people, items: /people, since: {field: updated_at}}
      get: {call: "GET /people/{id}"}
      find: {by: [mail], call: GET /people, query: {q: "=value"}}
      create: {call: POST /people, body: "=write"}
      update: {call: "PUT /people/{id}", body: "=write"}
      delete: {call: "DELETE /people/{id}", effect: delete}
  firm:
    item: {id: /id}
    fields:
      title: {type: string, required: true}
      site: {type: url}
    ops:
      get: {call: "GET /firms/{id}"}
      create: {call: POST /firms, body: "=write"}
events:
  transport: webhook
  verify:
    - {mac: hmac-sha256, key: hook_secret, over: "=req.raw", header: x-signature}
  each: {record: "=string(event.id)", at: "=event.at"}
  rules:
    - {if: "=event.type == 'person'", entity: person, op: upsert}
"""

CRM = """\
kind: connector/v1
id: crm
version: 1.0.0
title: CRM
auth: {none: true, probe: {call: GET /me}}
http: {base: "{base_url}/api", hosts: ["*.crm.example"]}
entities:
  contact:
    item: {id: /id}
    fields:
      email: {type: email}
      full_name: {type: string}
      points: {type: decimal}
      phase: {type: enum}
      labels: {type: enum_set}
      company: {type: ref, to: company}
      birthday: {type: date}
      vip: {type: bool}
      score_text: {type: string}
    discover:
      call: GET /fields
      items: /fields
      field: {name: /name, label: /label}
      types: {at: /type, map: {text: string}}
    ops:
      get: {call: "GET /contacts/{id}"}
      create: {call: POST /contacts, body: "=write"}
      update: {call: "PUT /contacts/{id}", body: "=write"}
      delete: {call: "DELETE /contacts/{id}", effect: archive}
  company:
    item: {id: /id}
    fields:
      name: {type: string}
      domain: {type: string}
    ops:
      get: {call: "GET /companies/{id}"}
      create: {call: POST /companies, body: "=write"}
"""

APP = """\
kind: syncapp/v1
id: shop-crm
version: 1.0.0
title: Shop and CRM
endpoints:
  sh: {connector: shop, version: ^1}
  cr: {connector: crm, version: ^1.0}
settings:
  master: {type: enum, options: [sh, cr], default: sh}
  country: {type: string, default: US}
  phases: {type: enum_set, default: [lead]}
tables:
  phase:
    - [new, lead]
    - [old, client]
pairs:
  firm:
    between: [sh.firm, cr.company]
    match:
      - {key: {sh: site, cr: domain}, via: [domain]}
    fields:
      - {sh: title, cr: name}
      - {sh: site, cr: domain, via: [domain]}
  person:
    between: [sh.person, cr.contact]
    scope: {cr: "=cr.phase in settings.phases", leave: unlink}
    match:
      - {key: {sh: mail, cr: email}, via: [trim, lower]}
    fields:
      - {sh: mail, cr: email, via: [trim, lower], required: true}
      - {sh: score, cr: points, default: {sh: 0}}
      - {sh: stage, cr: phase, via: [table: phase]}
      - {sh: tags, cr: labels}
      - {sh: born, cr: birthday}
      - {sh: vip, cr: vip}
      - {sh: name, cr: nick, dir: sh->cr}
      - {cr: full_name, dir: sh->cr, expr: "=sh.?name.orValue('') + ' (' + sh.mail + ')'"}
    conflict: {default: newest, tie: "=settings.master", fields: {tags: union, stage: sh}, empty_never_wins: true}
    delete: {from_sh: archive, from_cr: unlink, limit: 20/1h}
    associations:
      - {pair: firm, sh: firm_id, cr: company, wait_max: 10m}
backfill: {order: [firm, person]}
tests:
  - {pair: person, from: sh, given: {mail: " A@x.io", stage: new, name: Ann}, want: {email: a@x.io, phase: lead}}
  - {pair: person, from: cr, given: {phase: unheard_of, points: "3.0"}, want: {score: 3}, held: [stage]}
"""


def connectors() -> dict[str, ConnectorDocument]:
    return {"shop": load_connector(SHOP, "shop.yaml"), "crm": load_connector(CRM, "crm.yaml")}


def spoilt(text: str, right: str, wrong: str) -> tuple[str, int]:
    """The text with one thing replaced, and the line (from 1) on which that stands."""
    assert text.count(right) == 1, f"{right!r} stands {text.count(right)} times"
    return text.replace(right, wrong), text[: text.index(right)].count("\n") + 1
