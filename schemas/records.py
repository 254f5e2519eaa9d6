"""The name of a record: which connection, which entity, which id."""

from __future__ import annotations

import msgspec

PLACEHOLDER = "new:"


class RecordId(msgspec.Struct, frozen=True, array_like=True, order=True):
    """`connection/entity/id`, unique over all tenants because connection ids are.

    A record that we are about to create has an id that starts with `new:` until its product has named it;
    that id is also the stamp which the create carries, where the product has a field to hold one.
    """

    connection: str
    entity: str
    id: str

    def __str__(self) -> str:
        return f"{self.connection}/{self.entity}/{self.id}"

    @property
    def key(self) -> bytes:
        """The Kafka key: the text form in UTF-8."""
        return str(self).encode()

    @property
    def is_placeholder(self) -> bool:
        return self.id.startswith(PLACEHOLDER)

    @classmethod
    def of_connection(cls, connection: str) -> RecordId:
        """Stands for the connection itself, where the history tells of it and of no record in particular."""
        return cls(connection, "connection", connection)

    @classmethod
    def parse(cls, text: str) -> RecordId:
        """Read the text form back. Raises ValueError if it has fewer than three parts; an id may contain slashes."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"not a record id (connection/entity/id): {text!r}")
        return cls(*parts)
