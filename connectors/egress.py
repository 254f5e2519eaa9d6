"""Where we may connect to: the connector's hosts, on the public internet, over TLS.

Names are checked when a client is made, addresses again at every connect, after they were resolved: a name that
resolves into our own network is refused there (rules and corpus: OWASP API7:2023, ASVS 5.0 §1.3.6).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any

from yarl import URL

from connectors.errors import EgressRefused

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[Any, ...]
"""(family, type, protocol, canonical name, socket address), as getaddrinfo gives it."""

# `is_global` calls these global, but they reach, or stand for, addresses of other kinds.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)


def is_public(address: str) -> bool:
    """True for an address of the public internet. Raises ValueError if it is not an address."""
    parsed: _Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed.is_multicast or not parsed.is_global:
        return False
    return not any(parsed in network for network in _NOT_PUBLIC if network.version == parsed.version)


def is_loopback(address: str) -> bool:
    """True for this machine's own address, however written. Raises ValueError if it is not an address."""
    parsed: _Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return parsed.is_loopback


def socket_guard(allow_loopback: bool) -> Callable[[AddressInfo], socket.socket]:
    """A socket factory for aiohttp's connector that sees, and may refuse, every resolved address.

    The factory raises OSError, for aiohttp then tries the name's next address.
    """

    def guarded_socket(info: AddressInfo) -> socket.socket:
        family, type_, protocol, _, sockaddr = info
        address = str(sockaddr[0])
        if not is_public(address) and not (allow_loopback and is_loopback(address)):
            raise OSError("address is not on the public internet")
        made = socket.socket(family=family, type=type_, proto=protocol)
        made.setblocking(False)
        return made

    return guarded_socket


def host_matches(host: str, patterns: Sequence[str]) -> bool:
    """Whether a document's list of hosts covers this one: an exact name, or `*.name` for one level below it."""
    host = host.lower().rstrip(".")
    for pattern in patterns:
        exact = pattern.lower()
        if exact.startswith("*.") and host.endswith(exact[1:]) and "." not in host[: -len(exact[1:])]:
            return len(host) > len(exact[1:])
        if host == exact:
            return True
    return False


def checked_origin(address: str, hosts: Sequence[str], allow_loopback: bool) -> URL:
    """The origin of a connection's address as a person typed it, https where no scheme was given.

    Raises EgressRefused where it is not https on port 443 of one of `hosts` (or, if allowed, this machine).
    """
    try:
        url = URL(address if "://" in address else f"https://{address}")
        host, port = url.host or "", url.port
    except ValueError as error:
        raise EgressRefused("the address is not a URL") from error
    if url.user or url.password:
        raise EgressRefused("the address may not carry credentials")
    if allow_loopback and _names_this_machine(host):
        return url.origin()
    if url.scheme != "https" or port != 443:
        raise EgressRefused("the address must be https on port 443")
    if not host_matches(host, hosts):
        raise EgressRefused(f"{host} is not one of the connector's hosts")
    return url.origin()


def _names_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return is_loopback(host)
    except ValueError:
        return False
