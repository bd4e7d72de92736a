"""Addresses that people name, and whether they lead inside: to this machine, or into a private network."""

import asyncio
import socket
from collections.abc import Collection
from ipaddress import ip_address

_INSIDE = (".localhost", ".local", ".internal")


def is_inside(host: str) -> bool:
    """Whether a host's own name says that it is this machine or in a private network."""
    if host == "localhost" or host.endswith(_INSIDE):
        return True
    try:
        return not ip_address(host.strip("[]")).is_global
    except ValueError:
        return host.replace(".", "").isdigit() or host.startswith("0x")  # how some programs write an address, too


def is_own(host: str, names: Collection[str]) -> bool:
    """Whether a host's name says that it is this machine, or one of the `names` that the service has."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost") or name in names:
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


async def address_of(host: str, port: int, *, private: bool) -> str:
    """An address of the host to connect to, found once, so that a name cannot lead elsewhere later.

    Raises OSError for an unknown host, and unless `private` for one of which any address is inside.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if not private and (inside := [one for one in addresses if is_inside(one.partition("%")[0])]):
        raise OSError(f"{host} leads to {inside[0]}")
    return addresses[0]
