"""What the headers of a call say about who sent it: a program of this machine or a web page."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

# Values by name in lower case, in the order they came.
Headers = Mapping[str, tuple[str, ...]]

_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
# ASCII only: by Unicode's rules a long s is the letter s in another case.
_URL = re.compile(
    r"(https?)://([a-z0-9][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?=[/?#]|\Z)",
    re.IGNORECASE | re.ASCII,
)
_JSON = re.compile(r"application/json|[a-z0-9!#$&^_.-]+/[a-z0-9!#$&^_.+-]+\+json", re.ASCII)
# No User-Agent: many a HIS calls through WinHTTP or a browser control as "Mozilla/4.0 (…)".
_MARKS = ("sec-fetch-", "sec-ch-ua", "access-control-request-")
_PAGES = frozenset({"origin", "referer"})
_OWN_SITES, _OTHER_SITES = (
    frozenset({"none", "same-origin"}),
    frozenset({"same-site", "cross-site"}),
)


def by_name(items: Iterable[tuple[str, str]]) -> Headers:
    """``items`` of a call, sorted by header."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in items:
        key = name.lower()
        found[key] = (*found.get(key, ()), value)
    return found


def origin_of(url: str) -> str | None:
    """``scheme://host[:port]`` of a web address, as a browser writes it; ``None``: it is none."""
    found = _URL.match(url)
    if found is None:
        return None
    scheme, host = found[1].lower(), found[2].lower()
    port = int(found[3] or _DEFAULT_PORTS[scheme])
    if port > 65535:
        return None
    return f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")


def is_local_host(header: str) -> bool:
    """Whether a Host header names this machine, with any port."""
    name, colon, port = header.rpartition(":")
    if not colon or not port.isdigit():
        name = header
    return name.lower() in _LOCAL_HOSTS


def is_from_browser(headers: Headers) -> bool:
    """Whether a header came along that browsers send and programs do not."""
    return any(map(_is_mark, headers))


def objection(headers: Headers, origins: Collection[str]) -> str | None:
    """Why the caller may not call at all; ``None`` where it may."""
    if any(
        len(values) > 1 for name, values in headers.items() if _is_mark(name) or name == "host"
    ):
        return "a header came twice"
    # HTTP/1.0 clients send none; a browser always does, so rebinding cannot hide behind it.
    if not all(map(is_local_host, headers.get("host", ()))):
        return "unknown host name"
    if not _is_welcome(headers, origins):
        return "web pages may not call this service"
    return None


def own_objection(headers: Headers) -> str | None:
    """As ``objection``, of calls to our own page: from itself, or from no page at all."""
    host = headers.get("host", ("",))[0].lower()
    # A page names itself in Origin when it posts; by this very host and port, or it is another.
    itself = headers.get("origin") == (f"http://{host}",)
    return objection({k: v for k, v in headers.items() if k != "origin" or not itself}, ())


def is_json(headers: Headers) -> bool:
    """Whether the body is declared as JSON: no page of another site can, without a preflight."""
    kinds = _kinds(headers)
    return len(kinds) == 1 and _JSON.fullmatch(kinds[0]) is not None


def is_plain_text(headers: Headers) -> bool:
    """Whether the body is declared as ``text/plain``, which any page's form can send."""
    return "text/plain" in _kinds(headers)


def _kinds(headers: Headers) -> list[str]:
    return [v.partition(";")[0].strip().lower() for v in headers.get("content-type", ())]


def _is_mark(name: str) -> bool:
    return name in _PAGES or name.startswith(_MARKS)


def _is_welcome(headers: Headers, origins: Collection[str]) -> bool:
    """Every page that is named must be listed; one of ours may be, where no other is named."""
    site = headers.get("sec-fetch-site", ("none",))[0]
    referers = [origin_of(url) for url in headers.get("referer", ())]
    named = [*headers.get("origin", ()), *referers]
    if named == referers and all(_is_own(page, headers) for page in referers):
        return site in _OWN_SITES
    return site in _OWN_SITES | _OTHER_SITES and all(page in origins for page in named)


def _is_own(page: str | None, headers: Headers) -> bool:
    """Whether ``page`` came from the port it calls, by whatever name of this machine."""
    called = origin_of(f"http://{headers['host'][0]}") if "host" in headers else None
    if page is None or called is None or not page.startswith("http://"):
        return False
    return is_local_host(page.removeprefix("http://")) and _port(page) == _port(called)


def _port(origin: str) -> str:
    return re.sub(r".*?(:[0-9]+)?\Z", r"\1", origin)
