"""The functions that expressions may call besides CEL's own: one list, pure, for every document.

CEL matches a registered function by concrete parameter types only, so there is one overload per type.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from cel_expr_python import cel

from schemas.documents import scalars

_STRING, _INT, _DOUBLE, _BYTES, _DYN = cel.Type.STRING, cel.Type.INT, cel.Type.DOUBLE, cel.Type.BYTES, cel.Type.DYN
_MAP: Final = cel.Type.Map(_DYN, _DYN)
_LIST: Final = cel.Type.List(_DYN)

Overload = tuple[tuple[Any, ...], Any, Callable[..., Any]]


def declarations() -> list[Any]:
    """The declarations, for a CEL environment."""
    return [
        cel.FunctionDecl(name, [_overload(name, index, overload) for index, overload in enumerate(overloads)])
        for name, overloads in FUNCTIONS.items()
    ]


def _overload(name: str, index: int, overload: Overload) -> Any:
    parameters, result, function = overload
    return cel.Overload(f"freshpipe_{name}_{index}", result, list(parameters), False, function)


def _look_up(table: Mapping[str, object], key: str) -> object:
    if key not in table:
        raise ValueError("the table has no such row")
    return table[key]


def _parse_json(text: str) -> object:
    return json.loads(text)


def _format_date(value: str, form: str) -> str:
    """`form` of YYYY MM DD in any order and with anything between: `DD.MM.YYYY`."""
    year, month, day = scalars.date_text(value).split("-")
    return form.replace("YYYY", year).replace("MM", month).replace("DD", day)


_HUBSPOT_DECODES: Final = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def hubspot_uri(uri: str) -> str:
    """The address as HubSpot signs it: twelve escapes decoded, nothing else (validating requests, v3)."""
    for escape, character in _HUBSPOT_DECODES.items():
        uri = uri.replace(escape, character).replace(escape.lower(), character)
    return uri


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


FUNCTIONS: Final[Mapping[str, tuple[Overload, ...]]] = {
    "lower": (((_STRING,), _STRING, str.lower),),
    "upper": (((_STRING,), _STRING, str.upper),),
    "collapse_ws": (((_STRING,), _STRING, scalars.collapse_spaces),),
    "strip_html": (((_STRING,), _STRING, scalars.strip_html),),
    "digits": (((_STRING,), _STRING, scalars.digits),),
    "decimal": tuple(((kind,), _STRING, scalars.decimal_text) for kind in (_STRING, _INT, _DOUBLE)),
    "date": tuple(((kind,), _STRING, scalars.date_text) for kind in (_STRING, _INT)),
    "format_date": (((_STRING, _STRING), _STRING, _format_date),),
    "datetime": tuple(((kind,), _STRING, scalars.instant_text) for kind in (_STRING, _INT)),
    "event_time": tuple(((kind,), _INT, scalars.instant_ms) for kind in (_STRING, _INT)),
    "e164": (((_STRING, _STRING), _STRING, scalars.e164),),
    "domain": (((_STRING,), _STRING, scalars.domain),),
    "md5": (
        ((_STRING,), _STRING, lambda text: _md5(text.encode())),
        ((_BYTES,), _STRING, lambda data: _md5(bytes(data))),
    ),
    "sha256": (
        ((_STRING,), _STRING, lambda text: _sha256(text.encode())),
        ((_BYTES,), _STRING, lambda data: _sha256(bytes(data))),
    ),
    "table": (((_MAP, _STRING), _DYN, _look_up),),
    "keys": (((_MAP,), _LIST, lambda table: sorted(str(key) for key in table)),),
    "merge": (((_MAP, _MAP), _MAP, lambda left, right: {**left, **right}),),
    "from_json": (((_STRING,), _DYN, _parse_json),),
    "url_encode": (((_STRING,), _STRING, lambda text: quote(text, safe="")),),
    "hubspot_uri": (((_STRING,), _STRING, hubspot_uri),),
}
