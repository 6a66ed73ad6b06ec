"""Which servers an operator means: ``nats://a,b,c`` with options behind a question mark."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from yibao_face.sync.center.bus.api import BusError

_SCHEMES = ("nats", "tls")
_OPTIONS = {"ca", "cert", "key", "replicas"}
_REPLICAS = {"1": 1, "3": 3, "5": 5}


@dataclass(frozen=True, slots=True)
class Address:
    """``servers``: one URL each, with what they hold of names and passwords.

    ``replicas``: how many servers keep each message. ``tls``: ``None`` without.
    """

    servers: tuple[str, ...] = field(repr=False)
    replicas: int
    tls: ssl.SSLContext | None = None


def read_address(text: str) -> Address:
    """The address in ``nats://[user:password@]host[:port],…[?option=…]``; raises ``BusError``.

    ``tls://`` demands TLS. Options: ``ca`` (PEM file of the authorities to trust), ``cert`` and
    ``key`` (PEM files to show), ``replicas`` (1, 3 or 5; else 3 if three servers are named).
    """
    scheme, _, rest = text.partition("://")
    told, _, query = rest.partition("?")
    who, at, hosts = told.rpartition("@")
    names = hosts.split(",")
    if scheme not in _SCHEMES or not all(names):
        raise BusError("bus: not nats://host:port,… nor tls://host:port,…")
    options = _options(query)
    replicas = _REPLICAS.get(options.get("replicas", "3" if len(names) >= 3 else "1"))
    if replicas is None:
        raise BusError(f"bus: replicas is one of {[*_REPLICAS]}")
    servers = tuple(f"{scheme}://{who}{at}{name}" for name in names)
    return Address(servers, replicas, _tls(scheme, options))


def _options(query: str) -> dict[str, str]:
    try:
        options = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError as exc:
        raise BusError("bus: the options cannot be read") from exc
    if unknown := options.keys() - _OPTIONS:
        raise BusError(f"bus: {len(unknown)} options besides {sorted(_OPTIONS)}")
    return options


def _tls(scheme: str, options: dict[str, str]) -> ssl.SSLContext | None:
    if scheme != "tls":
        if options.keys() & {"ca", "cert", "key"}:
            raise BusError("bus: ca, cert and key go with tls://")
        return None
    try:
        context = ssl.create_default_context(cafile=options.get("ca"))
        if "cert" in options:
            context.load_cert_chain(Path(options["cert"]), options.get("key"))
    except (OSError, ssl.SSLError) as exc:
        raise BusError("bus: ca, cert or key cannot be used") from exc
    return context
