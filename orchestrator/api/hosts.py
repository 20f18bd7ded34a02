"""Which requests come from where they say: the Host and Origin headers. Pure.

A page of another site can make a browser send anything here. It cannot make it leave out Origin or
Sec-Fetch-Site with a change, nor write another Host than the name it was led to (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

from orchestrator.settings import Settings

_OWN_SITE = {"same-origin", "none"}


def allowed_names(settings: Settings) -> frozenset[str]:
    """The names in Host that are ours: this machine's, and those of the settings."""
    given = (name.strip().lower() for name in settings.api_hosts.split(","))
    return frozenset(
        {"localhost", socket.gethostname().lower(), settings.api_host.lower(), *given} - {""}
    )


def is_allowed_host(host: str, names: frozenset[str]) -> bool:
    """Whether Host is an address in numbers (which no foreign name can stand for), or of ours."""
    name = _name_of(host)
    return name is not None and (name in names or _is_address(name))


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of another site has sent this."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OWN_SITE:
        return True
    origin = headers.get("origin")
    # Compared without the scheme: a proxy in front may speak TLS for us.
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")


def is_from_browser(headers: Mapping[str, str]) -> bool:
    """Whether a browser says of itself where the request comes from."""
    return "origin" in headers or "sec-fetch-site" in headers


def sender_of(address: str) -> str:
    """Who counts as one sender: an address, or the 64 bits of an IPv6 network: whoever has one of
    its addresses has them all."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address  # what a proxy made up, or none
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _name_of(host: str) -> str | None:
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        port = port.removeprefix(":")
        if not bracket:
            return None
    else:
        name, _, port = host.partition(":")
    return name.lower() if not port or port.isdecimal() else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
