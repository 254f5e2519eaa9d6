"""The accounts of all products, found by name or by the token of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.sandbox.calls import By
from connectors.sandbox.product import Crm


class NewAccount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An account to open. Both credentials are in the product's own shape."""

    product: str
    name: str
    integration: dict[str, str]
    person: dict[str, str]
    settings: dict[str, Any] = {}
    seed: Any = None


@dataclass(frozen=True, slots=True)
class Account:
    """One account with its two tokens: the integration's and a person's."""

    product: str
    name: str
    integration: str
    person: str
    crm: Crm

    def __repr__(self) -> str:
        return f"Account({self.product}/{self.name})"


class Taken(Exception):
    """Another account has this name or one of these tokens."""


class Accounts:
    """Look-ups cost O(1)."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, str], Account] = {}
        self._tokens: dict[tuple[str, str], tuple[Account, By]] = {}

    def add(self, account: Account) -> None:
        """Raises Taken."""
        product, keys = account.product, (account.integration, account.person)
        if (product, account.name) in self._named:
            raise Taken(f"there is a {product} account {account.name!r} already")
        if any((product, key) in self._tokens for key in keys) or keys[0] == keys[1]:
            raise Taken("these credentials are in use")
        self._named[product, account.name] = account
        self._tokens[product, account.integration] = (account, "freshpipe")
        self._tokens[product, account.person] = (account, "person")

    def remove(self, account: Account) -> None:
        del self._named[account.product, account.name]
        for key in (account.integration, account.person):
            del self._tokens[account.product, key]

    def known(self, product: str, token: str) -> tuple[Account | None, By]:
        """Whose token this is, and who calls with it."""
        return self._tokens.get((product, token), (None, "other"))

    def named(self, product: str, name: str) -> Account:
        """Raises KeyError."""
        return self._named[product, name]

    def all(self) -> list[Account]:
        return list(self._named.values())
