"""What can go wrong between a person and the products, named by what to do about it."""

from __future__ import annotations


class CannotConnect(Exception):
    """The product did not let us in, or an account does not fit; the message says why, in words for a person."""
