"""Everything the sandbox holds: the products with their accounts, faults and log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from connectors.sandbox.accounts import Account, Accounts, NewAccount
from connectors.sandbox.calls import JSON
from connectors.sandbox.clock import Clock
from connectors.sandbox.courier import Courier
from connectors.sandbox.faults import Faults
from connectors.sandbox.freshsales.product import Freshsales
from connectors.sandbox.hubspot.product import HubSpot
from connectors.sandbox.log import Log
from connectors.sandbox.product import Crm, Product

_KEY = {"hubspot": "access_token", "freshsales": "api_key"}
"""How a product's credentials name the token."""


@dataclass(frozen=True, slots=True)
class World:
    """The parts that the ports and the admin API share."""

    clock: Clock
    courier: Courier
    accounts: Accounts
    products: Mapping[str, Product]
    faults: Mapping[str, Faults]
    log: Log

    def open(self, new: NewAccount) -> Account:
        """Open an account and fill it. Raises KeyError, Taken, msgspec.ValidationError or Refused."""
        crm = self._crm(new.product, new.name, None)
        crm.configure(new.settings)
        if new.seed is not None:
            crm.load(new.seed, self.clock.now())
        key = _KEY[new.product]
        return self.add(new.product, new.name, new.integration[key], new.person[key], crm)

    def reopen(self, product: str, name: str, integration: str, person: str, state: Any) -> Account:
        """Put an account back as a snapshot has it."""
        return self.add(product, name, integration, person, self._crm(product, name, state))

    def add(self, product: str, name: str, integration: str, person: str, crm: Crm) -> Account:
        account = Account(product, name, integration, person, crm)
        self.accounts.add(account)
        return account

    def reset(self, accounts: Sequence[Account]) -> None:
        """Close these accounts. When none is left, the log, the faults and the webhooks go as well."""
        for account in accounts:
            self.accounts.remove(account)
        if self.accounts.all():
            return
        self.log.clear()
        for faults in self.faults.values():
            faults.clear()
        for product in self.products.values():
            product.unhook()

    def hooks(self) -> dict[str, list[JSON]]:
        return {name: product.hooks() for name, product in self.products.items()}

    def _crm(self, product: str, name: str, state: Any) -> Crm:
        number = sum(account.product == product for account in self.accounts.all())
        return self.products[product].open(name, number, state)


def make_world(clock: Clock | None = None, seed: int = 1) -> World:
    """A sandbox without accounts. Whatever is random in it follows `seed`."""
    clock = clock or Clock()
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    courier = Courier(random)
    products: list[Product] = [HubSpot(courier, clock, random), Freshsales(courier, clock, random)]
    return World(
        clock=clock,
        courier=courier,
        accounts=Accounts(),
        products={product.name: product for product in products},
        faults={product.name: Faults() for product in products},
        log=Log(),
    )
