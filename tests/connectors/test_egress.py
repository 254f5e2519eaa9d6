"""Connections go to the connector's hosts on the public internet, and nowhere else."""

from __future__ import annotations

import socket

import pytest

from connectors.egress import checked_origin, host_matches, is_loopback, is_public, socket_guard
from connectors.errors import EgressRefused

PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",  # noqa: S104 - an address to refuse, nothing binds to it
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:4136:e378::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused_at_connect(address: str) -> None:
    assert not is_public(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(OSError, match="public"):
        socket_guard(False)((family, socket.SOCK_STREAM, 6, "", (address, 443)))


@pytest.mark.parametrize("address", ["104.18.244.108", "2606:4700::6812:f46c", "::ffff:104.18.244.108"])
def test_an_address_of_the_internet_is_allowed(address: str) -> None:
    assert is_public(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket_guard(False)((family, socket.SOCK_STREAM, 6, "", (address, 443)))
    made.close()


@pytest.mark.parametrize("address", PRIVATE)
def test_loopback_opens_this_machine_only(address: str) -> None:
    info = (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
    if is_loopback(address):
        socket_guard(True)(info).close()
        return
    with pytest.raises(OSError, match="public"):
        socket_guard(True)(info)


def test_a_host_pattern_covers_one_level() -> None:
    hosts = ["api.hubapi.com", "*.myfreshworks.com"]
    assert host_matches("API.hubapi.com", hosts)
    assert host_matches("acme.myfreshworks.com", hosts)
    assert not host_matches("myfreshworks.com", hosts)
    assert not host_matches("a.b.myfreshworks.com", hosts)
    assert not host_matches("evilmyfreshworks.com", hosts)
    assert not host_matches("api.hubapi.com.evil.net", hosts)


@pytest.mark.parametrize(
    "address",
    [
        "http://acme.myfreshworks.com",
        "https://acme.myfreshworks.com:8443",
        "https://user:pass@acme.myfreshworks.com",
        "https://user@127.0.0.1",
        "https://evil.net/acme.myfreshworks.com",
        "https://acme.myfreshworks.com@evil.net",
        "https://127.0.0.1",
        "https://[::1]",
        "https://localhost",
        "https://169.254.169.254",
        "ftp://acme.myfreshworks.com",
        "file:///etc/passwd",
        "https://",
        "",
        "https://[bad",
    ],
)
def test_an_address_outside_the_rules_is_refused(address: str) -> None:
    with pytest.raises(EgressRefused):
        checked_origin(address, ["*.myfreshworks.com"], allow_loopback=False)


def test_an_address_is_taken_as_a_person_types_it() -> None:
    for typed in ("acme.myfreshworks.com", "https://acme.myfreshworks.com/crm/sales/", "HTTPS://Acme.myfreshworks.com"):
        origin = checked_origin(typed, ["*.myfreshworks.com"], allow_loopback=False)
        assert str(origin) == "https://acme.myfreshworks.com"


def test_this_machine_is_reached_where_the_settings_allow_it() -> None:
    assert str(checked_origin("http://127.0.0.1:7011", [], allow_loopback=True)) == "http://127.0.0.1:7011"
    assert str(checked_origin("http://localhost:7011/x", [], allow_loopback=True)) == "http://localhost:7011"
    with pytest.raises(EgressRefused):
        checked_origin("http://10.0.0.1:7011", [], allow_loopback=True)
