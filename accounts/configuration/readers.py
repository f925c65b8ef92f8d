"""Readers: each turns a setting's text into its value, or raises ValueError saying what is wrong.

The messages never quote a text that could hold a secret.
"""

from __future__ import annotations

import re
import ssl
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, TypeVar
from urllib.parse import SplitResult, urlsplit
from uuid import UUID
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from ..http.origins import DEFAULT_PORTS, address_of
from ..http.origins import is_loopback as is_loopback_host
from ..ids import CONSUMER_TENANT, GUID_PATTERN, is_guid
from . import suspicious

T = TypeVar("T")

SECRET_KEY_LENGTH: Final = 50
SECRET_KEY_VARIETY: Final = 10  # different characters
INSECURE_KEY: Final = "django-insecure-"  # Django's prefix, which `check --deploy` warns of
_GUID_INSIDE = re.compile(rf"(?<![0-9a-f]){GUID_PATTERN}(?![0-9a-f])")
_EXAMPLE_GUIDS: Final = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        "12345678-1234-1234-1234-123456789012",
        "12345678-1234-1234-1234-123456789abc",
    }
)
_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
# What people give by mistake instead of a client secret's value.
_NOT_A_SECRET: Final = (
    (r"^-----BEGIN ", "is a certificate or key: call it MICROSOFT_CLIENT_CERTIFICATE"),
    (r"^[0-9A-Fa-f]{40}$", "is a certificate's thumbprint: call it MICROSOFT_CLIENT_CERTIFICATE"),
    (r"^eyJ[\w-]+\.[\w-]+\.", "is a token, not a secret: tokens end within hours"),
    (r"^(?i:[+-]?[\d.]{1,30}|true|false|yes|no|on|off)$", "is a number, or a yes or no"),
    (r"^\{\s*\"", "is JSON: take the secret's value alone"),
    (r"[*•]{3,}", "is hidden by the portal: a value is shown once only, so make a new secret"),
    (r"%(7E|2E|2D|5F|2B|2F|3D)", "is percent-encoded: write it as the portal shows it"),
)
# A client secret of Entra, with the newline that `echo` appends.
_ENTRA_SECRET: Final = re.compile(rb"[\w~.-]{3}\dQ~[\w~.-]{31,34}\s?")
# Hosts that people give instead of the authority, and the authority that is meant.
_ALIASES: Final[Mapping[str, str]] = {
    "login.microsoft.com": "https://login.microsoftonline.com",
    "login.windows.net": "https://login.microsoftonline.com",
    "sts.windows.net": "https://login.microsoftonline.com",
    "login.live.com": "https://login.microsoftonline.com",
    "portal.azure.com": "https://login.microsoftonline.com",
    "entra.microsoft.com": "https://login.microsoftonline.com",
    "graph.microsoft.com": "https://login.microsoftonline.com",
    "login-us.microsoftonline.com": "https://login.microsoftonline.us",
    "login.usgovcloudapi.net": "https://login.microsoftonline.us",
    "portal.azure.us": "https://login.microsoftonline.us",
    "graph.microsoft.us": "https://login.microsoftonline.us",
    "login.chinacloudapi.cn": "https://login.partner.microsoftonline.cn",
    "portal.azure.cn": "https://login.partner.microsoftonline.cn",
}
_MAX_QUOTED: Final = 32
_GUID_DIGITS: Final = 32
_NOT_A_ZONE: Final = frozenset({"localtime", "Factory"})  # files beside the zones


def flag(value: str) -> bool:
    """True or false; nothing else, so that a typo never counts as true."""
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise ValueError(f"must be true or false, not {_quoted(value)}")


def number(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(value: str) -> int:
        if not value.isdecimal() or not value.isascii() or len(value) > 9:
            raise ValueError(f"must be a whole number, not {_quoted(value)}")
        if not lowest <= int(value) <= highest:
            raise ValueError(f"must be from {lowest} to {highest}, not {value}")
        return int(value)

    return read


def choice(*allowed: str) -> Callable[[str], str]:
    """One of these words, in any case."""

    def read(value: str) -> str:
        if value.lower() not in allowed:
            raise ValueError(f"must be {' or '.join(allowed)}, not {_quoted(value)}")
        return value.lower()

    return read


def step_up(value: str) -> str:
    """off, login, or an authentication context of Conditional Access."""
    lowered = value.lower()
    if lowered not in ("off", "login") and not re.fullmatch(r"c[1-9]\d?", lowered, re.ASCII):
        raise ValueError(f"must be off, login, or one of c1 to c99, not {value!r}")
    return lowered


def csv(read_entry: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """A comma-separated list; blanks around the commas are ignored."""

    def read(value: str) -> tuple[T, ...]:
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if any(_is_several(part, read_entry) for part in parts):
            raise ValueError("must have commas between its entries, and no brackets or quotes")
        for problem in filter(None, map(suspicious.what_is_wrong, parts)):
            raise ValueError(f"has an entry that {problem}")
        return tuple(map(read_entry, parts))

    return read


def _is_several(part: str, read_entry: Callable[[str], T]) -> bool:
    """Whether it is several entries with other separators: a;b or a b or ['a']."""
    entries = [entry for entry in re.split(r"[\s;|'\"]+", part.strip("[]")) if entry]
    if len(entries) < 2 and not part.startswith(("['", '["')):
        return False
    try:
        return bool(entries) and all(read_entry(entry) for entry in entries)
    except ValueError:
        return False


def day(value: str) -> date:
    """A date as 2027-11-30."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"must be a date as 2027-11-30, not {_quoted(value)}") from None


def text(longest: int) -> Callable[[str], str]:
    """One line of free text."""

    def read(value: str) -> str:
        if len(value) > longest:
            raise ValueError(f"has {len(value)} characters, {longest} at most are shown")
        return value

    return read


def zone(value: str) -> str:
    """A time zone by its name in the IANA database."""
    names = {name.lower(): name for name in available_timezones() - _NOT_A_ZONE}
    if not names:
        raise ValueError("cannot be looked up: this host has no time zones (package tzdata)")
    if value.lower() not in names:
        raise ValueError(f"must be a time zone's name (IANA), not {_quoted(value)}")
    return names[value.lower()]


def contact(value: str) -> str:
    """An email address, or the URL of a page."""
    try:
        if "://" in value:
            _link(value)
        else:
            validate_email(value)
    except ValidationError:
        raise ValueError(f"must be an email address or a URL, not {_quoted(value)}") from None
    return value


def _link(value: str) -> None:
    parts = _split(value)
    if parts.scheme not in DEFAULT_PORTS or not is_host(parts.hostname or ""):
        raise ValueError("must be an email address, or a URL that starts with https://")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name or password")


def secret_key(value: str) -> str:
    """Long and varied enough to sign with."""
    if len(value) < SECRET_KEY_LENGTH:
        raise ValueError(f"has {len(value)} characters, {SECRET_KEY_LENGTH} are needed")
    if len(set(value)) < SECRET_KEY_VARIETY:
        raise ValueError(f"repeats itself: {SECRET_KEY_VARIETY} different characters are needed")
    if value.startswith(INSECURE_KEY):
        raise ValueError(f"starts with {INSECURE_KEY!r}: make one that is secret")
    return value


def guid(value: str) -> str:
    """A GUID in lower case."""
    found = _GUID_INSIDE.search(value.lower())
    if not found:
        raise ValueError(f"must be a GUID, not {_quoted(value)}{_problem_of_guid(value)}")
    if len(set(_GUID_INSIDE.findall(value.lower()))) > 1:
        raise ValueError("has several GUIDs, where one belongs")
    if not is_guid(value):
        raise ValueError(f"must be the GUID alone, {found[0]}")
    if found[0] in _EXAMPLE_GUIDS:
        raise ValueError("is a placeholder: put the real GUID there")
    return found[0]


def _problem_of_guid(value: str) -> str:
    """What is wrong with a text that is nearly a GUID; "" for other text."""
    digits = re.sub(r"[\W_]", "", value).lower()
    if not re.fullmatch(r"[0-9a-f]{25,40}", digits):
        return ""
    if len(digits) != _GUID_DIGITS:
        return f": it has {len(digits)} digits, a GUID 32"
    return f": write {UUID(digits)}, with plain hyphens"


def allowed_tenant(value: str) -> str:
    """The GUID of a tenant, never that of personal accounts."""
    if guid(value) == CONSUMER_TENANT:
        raise ValueError("lists the tenant of personal Microsoft accounts, which is never allowed")
    return value.lower()


def allowed_tenants(value: str) -> frozenset[str]:
    """A comma-separated list of those."""
    return frozenset(csv(allowed_tenant)(value))


def tenant(value: str) -> str:
    """One tenant by GUID or verified domain, or `organizations`."""
    name = value.lower()
    if name in ("common", "consumers", CONSUMER_TENANT):
        raise ValueError(f"must not be {name!r}: it lets personal Microsoft accounts in")
    if _GUID_INSIDE.search(name):
        return guid(name)
    if name == "organizations":
        return name
    if "." not in name or not _is_host_name(name):
        raise ValueError(f"must be a tenant GUID or a verified domain, not {_quoted(value)}")
    return name


def domain_hint(value: str) -> str:
    """A domain, or `organizations`, as Microsoft's `domain_hint` takes it."""
    name = value.lower()
    if name == "consumers":
        raise ValueError("must not be 'consumers': personal Microsoft accounts never get in")
    if name != "organizations" and ("." not in name or not _is_host_name(name)):
        raise ValueError(f"must be a domain of your tenant, not {_quoted(value)}")
    return name


def client_secret(value: str) -> str:
    """The value of a client secret, not its ID, which the portal shows beside it."""
    if is_guid(value.strip("{}")):
        raise ValueError("looks like the secret's ID: copy the column Value, not Secret ID")
    for pattern, problem in _NOT_A_SECRET:
        if re.search(pattern, value):
            raise ValueError(problem)
    if _is_in_base64(value):
        raise ValueError("is in base64: write it as the portal shows it")
    if " " in value:
        raise ValueError("has a space inside, as no client secret has")
    if not value.isascii():
        raise ValueError("has a character that no client secret has")
    return value


def _is_in_base64(value: str) -> bool:
    """As Kubernetes stores secrets."""
    try:
        return bool(_ENTRA_SECRET.fullmatch(b64decode(value, validate=True)))
    except ValueError:
        return False


def certificate(value: str) -> str:
    """A certificate or its path; it is parsed later, together with its passphrase."""
    if is_guid(value):
        raise ValueError("looks like the certificate's ID: give the certificate with its key")
    return value


def file_path(value: str) -> str:
    """An absolute path."""
    if not value.startswith("/"):
        raise ValueError(f"must be a path that starts with /, not {value!r}")
    return value


def ca_bundle(value: str) -> str:
    """The path of a readable PEM file with at least one certificate."""
    path = file_path(value)
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ValueError(f"names a file without certificates in PEM: {path}") from None
    except OSError as error:
        raise ValueError(f"names a file that cannot be read: {path} ({error.strerror})") from None
    return path


def proxy_url(value: str) -> str:
    """http(s)://[user:password@]host[:port]; the messages quote none of it."""
    parts = _split(value)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("must start with http:// or https://")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in value:
        raise ValueError("must end after host and port, without path or query")
    if not is_host(parts.hostname or ""):
        raise ValueError("names no host")
    return value


def path_prefix(value: str) -> str:
    """A part of this site, such as `/reports/`."""
    parts = value.split("/")
    if value == "/":
        raise ValueError("must name parts of the site, not all of it (/)")
    if len(parts) < 3 or parts[0] or parts[-1]:
        raise ValueError(f"must list paths that begin and end with a slash, not {_quoted(value)}")
    if not all(re.fullmatch(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*", part) for part in parts[1:-1]):
        raise ValueError(f"must list plain paths of this site, not {_quoted(value)}")
    if parts[1] == "accounts":
        raise ValueError("must leave out /accounts/, where the sign-in itself is")
    return value


def host(value: str) -> str:
    """A host name or address without scheme and port, as in ALLOWED_HOSTS."""
    name = value.lower()
    if name == "*":
        raise ValueError("must list host names, not all (*)")
    if "/" in name:
        raise ValueError(f"must list host names without scheme or path, not {_quoted(value)}")
    if name.startswith("*."):
        raise ValueError(f"must name all hosts of a domain as {_quoted(value[1:])}, without *")
    if re.search(r"[^:]:\d+$", name) and is_host(name.rpartition(":")[0]):
        raise ValueError(f"must list host names without a port, not {_quoted(value)}")
    if not is_host(name.removeprefix(".")):
        raise ValueError(f"must list host names, not {_quoted(value)}{_problem_of_host(name)}")
    return name


def origin(value: str) -> str:
    """`scheme://host[:port]`, as browsers write it."""
    if not value.isascii() and (in_ascii := _in_ascii(value)):
        raise ValueError(f"must have its host in ASCII, as browsers send it: {in_ascii}")
    parts = _split(value)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError(f"must start with https://, not {_scheme_and_host(parts)!r}")
    if not parts.netloc or re.match(r"https?:", parts.netloc):
        raise ValueError("must have https:// once, with two slashes")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name or password")
    if "," in value or ";" in value:
        raise ValueError("must be one address, not a list")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in value:
        raise ValueError("must hold scheme and host only, without path or query")
    return _canonical(parts)


def _canonical(parts: SplitResult) -> str:
    name = parts.hostname or ""
    if not is_host(name):
        raise ValueError(f"names no host: {_scheme_and_host(parts)!r}{_problem_of_host(name)}")
    address = address_of(name)
    if address and address.is_unspecified:
        raise ValueError(f"has the address to listen on ({name}), not the one that people open")
    host = f"[{name}]" if ":" in name else name
    port = "" if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def login_url(value: str) -> str:
    """The origin of Microsoft's authority, not one of its aliases or portals."""
    if right := _ALIASES.get(urlsplit(value).hostname or ""):
        raise ValueError(f"is not the authority's own host: write {right}")
    return origin(value)


def _problem_of_host(name: str) -> str:
    """What is wrong with a host name, where that can be told."""
    if name.endswith("."):
        return ": leave the dot at its end out"
    return ": one host, without *" if "*" in name else ""


def _in_ascii(value: str) -> str:
    """The URL with its host as browsers send it (IDNA); "" if that changes nothing."""
    try:
        parts = urlsplit(value)
        name = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return ""
    return f"{parts.scheme}://{name}" if name and name != parts.hostname else ""


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    return is_this_machine(urlsplit(url).hostname or "")


def is_this_machine(host: str) -> bool:
    """Whether the name or address is loopback, as browsers see it (RFC 6761, section 6.3)."""
    return is_loopback_host(host.strip("[]")) or host.endswith(".localhost")


def _quoted(value: str) -> str:
    """The value, unless it may be a secret that was pasted into the wrong variable."""
    return repr(value) if len(value) <= _MAX_QUOTED else f"a text of {len(value)} characters"


def _split(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError("is no URL: its host or port cannot be read") from None
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise ValueError("has characters that no URL has")
    return parts


def _scheme_and_host(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.hostname or ''}" if parts.scheme else parts.path[:40]


def is_host(name: str) -> bool:
    """Whether the text, in lower case, is a valid host name or IP address."""
    return address_of(name.strip("[]")) is not None or _is_host_name(name)


def _is_host_name(name: str) -> bool:
    """Whether it is a valid name; one that ends in a number is not (WHATWG URL, section 3.5)."""
    labels = name.split(".")
    is_well_formed = len(name) <= 253 and all(map(_HOST_LABEL.fullmatch, labels))
    return is_well_formed and not labels[-1].isdecimal()
