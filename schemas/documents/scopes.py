"""What the expressions of each place of a connector document may read; whoever executes the place provides it.

| name | what it is |
|---|---|
| `config` | the connection's configuration, by name |
| `secret` | secrets by name; only where a request is signed, verified or authorised |
| `paths` | the parts of paths that the document's `http.paths` makes of `config` |
| `account`, `base_url` | the connection's own |
| `status`, `header`, `body` | of an answer: its status, its headers (lower-case names), its JSON |
| `item` | one element of a list, or the record as the product returned it |
| `id`, `ids`, `key`, `value`, `previous` | of the operation: record id; of `find`, the field and value looked up |
| `fields` | the names of the fields to be read, without ours that have no place at the product |
| `changed`, `write` | what is to be written, in the product's names and spelling; `write` is it as `write_as` says |
| `stamp` | our placeholder id, of a create |
| `page`, `since`, `prepared`, `batch` | see `schemas.documents.calls` |
| `req` | a request to us: `method`, `url`, `headers` (lower-case names), `query`, `raw` (bytes) |
| `event` | one event of it |
| `hook` | a subscription: `url`, `id` |
"""

from __future__ import annotations

from typing import Final

PATHS: Final = frozenset({"config"})
CALL: Final = frozenset({"config", "paths", "account", "base_url"})
ANSWER: Final = frozenset({"config", "status", "header", "body"})
ITEM: Final = frozenset({"config", "item"})
WRITE_AS: Final = CALL | {"id", "changed", "stamp"}
FIELD_WRITE: Final = frozenset({"config", "value", "item"})
FIELD_CALL: Final = CALL | {"id", "value", "previous"}
OPERATION: Final = CALL | {
    "id", "ids", "key", "value", "fields", "changed", "write", "stamp", "page", "since", "prepared", "batch",
}  # fmt: skip
PREPARE: Final = CALL
AUTH: Final = CALL | {"secret"}
VERIFY: Final = frozenset({"req", "secret", "config"})
SPLIT: Final = frozenset({"req", "body"})
CHALLENGE: Final = frozenset({"req", "body"})
EVENT: Final = frozenset({"req", "event"})
SUBSCRIBE: Final = CALL | {"hook"}
