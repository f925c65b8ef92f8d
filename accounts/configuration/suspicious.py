"""Texts that no setting should have: unresolved references, placeholders, quotes, comments.

Hosts pass on the text of a reference that they could not resolve, and env files keep what a shell
would have removed. The messages never quote the text: it may be a secret. So that no pattern
matches a random secret by chance, those that may match inside a value are long, and the others must
match all of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html import unescape
from typing import Final

_NAME: Final = r"[A-Za-z_][\w.:/\- ]*"
_KEY_VAULT: Final = (
    "is a Key Vault reference that the host did not resolve: give the site's identity the role"
    " Key Vault Secrets User, and look at the reference's status in the portal"
)
_STORE: Final = "is a reference to a secret store, not the secret: let the host resolve it"
_TEMPLATE: Final = "is a variable's name that nothing replaced by its value"
_ENCRYPTED: Final = "is encrypted: it must be decrypted before it comes here"

# Anywhere in the text.
_ANYWHERE: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (r"@Microsoft\.KeyVault\(|\bkeyvaultref:|\.vault\.(azure\.|usgovcloudapi\.)", _KEY_VAULT),
        (
            r"@Microsoft\.AppConfiguration\(",
            "is an App Configuration reference that the host did not resolve: give the site's"
            " identity the role App Configuration Data Reader",
        ),
        (r"\{\{ ?resolve:|\barn:aws[\w-]*:(secretsmanager|ssm|kms):", _STORE),
        (r"\bprojects/[^/]+/(secrets|locations)/", _STORE),
        (r"\{\{-? ?[A-Za-z$._][\w$.|:'\"/ ()-]{2,}\}\}", _TEMPLATE),
        (r"-----BEGIN (PGP MESSAGE|AGE ENCRYPTED FILE)|\$ANSIBLE_VAULT;", _ENCRYPTED),
    )
)
# At the start of the text, or of a part of a URL.
_AT_START: Final = tuple(
    (re.compile(pattern), what)
    for pattern, what in (
        (r"(op|akv|sm|ssm|awssm|gcpsm|secrets?|vault|bao|infisical|doppler|conjur)://", _STORE),
        (r"(vault|bao|ssm|secretref|secretKeyRef|valueFrom|awssm|gcpsm|conjur):(?!v\d:)", _STORE),
        (r"ref\+\w+:|!(var|vault|Ref|Sub|GetAtt|reference)\b", _STORE),
        (r"(ENC|PKCS7)\[|ENC\(|\{cipher\}|(vault|bao):v\d:|sops:", _ENCRYPTED),
        (r"AQICAH[\w+/=-]{80,}|CiQA[\w+/=-]{80,}|Ag[A-D][\w+/=-]{400,}", _ENCRYPTED),
        (r"\$\{?CREDENTIALS_DIRECTORY|\$env:", _TEMPLATE),
    )
)
# The whole text, or a whole part of a URL.
_WHOLE: Final = re.compile(
    r"\$\{[\w.:/ -]+\}|\$\([\w.:/<>\"' -]+\)|`[\w.:/<>\"' -]+`"  # ${X}  $(X)  `cat file`
    rf"|\$\[{_NAME}\]|\[\[{_NAME}\]\]|\(\({_NAME}\)\)|#\{{{_NAME}\}}#?"
    rf"|%{_NAME}%|@@?{_NAME}@@?|<%=? ?[\w.\[\]'\" ]+%>"
    r"|\$[A-Z_][A-Z0-9_]*|__[A-Za-z]\w*__|\{[A-Za-z_]\w*\}"
)
_PLACEHOLDER: Final = (  # <your-tenant>  YOUR-HOST  ****  ...
    r"<[\w .,'/-]*>|[*.…?]{3,}|x{4,}"
    r"|your[ _-]?(app|client|company|domain|host|key|name|org|password|secret|server|site|tenant)"
    r"[\w .-]*"
)
_PLACEHOLDER_PART: Final = re.compile(_PLACEHOLDER, re.IGNORECASE)
_PLACEHOLDER_TEXT: Final = re.compile(
    _PLACEHOLDER + r"|[x_#-]{3,}"
    r"|(change|replace)[ _-]?(me|it|this)(?![a-z]).*"
    r"|(change|replace|fill|edit|update|set|insert|enter|put|add|paste)"
    r"([ _-]?(me|this|it|in|here|with|your|the|value|secret|key|id|password))+"
    r"|to[ _-]?do|tbd|fixme|placeholder|dummy|redacted|undefined|null|none|nil|nan|n/a|unset"
    r"|(client[ _-]?)?(secret|password)([ _-]?(value|key|here))?",
    re.IGNORECASE,
)
_QUOTES: Final = ('""', "''", "``", "\u201c\u201d", "\u201e\u201c", "\u2018\u2019", "\xab\xbb")
_PATH: Final = re.compile(
    r"(/(var/)?run/(secrets|credentials)|/(mnt|etc|vault)/[\w-]*secrets?[\w-]*|/secrets|%d)/\S+"
    r"|file:\S+"
)
_COMMENT: Final = re.compile(r"\s(#|//|;|<-|--(?!---))")  # a PEM block begins with five
_ENTITY: Final = re.compile(r"&(amp|lt|gt|quot|apos|#39|#x27|#34);")
_IN_WRITING: Final = "\u200c\u200d\u00a0\u202f"  # joiners and no-break spaces of ordinary text
_BOMS: Final = ("\ufeff", "ï»¿")


def what_is_wrong(text: str, *, free: bool = False) -> str:
    """The first problem with a setting's text, or "". `free` text is for people to read."""
    return next(_problems(text, free=free), "")


def is_secrets_path(text: str) -> bool:
    """Whether it is the path of a secret's file, not the secret."""
    return _PATH.fullmatch(text) is not None


def _problems(text: str, *, free: bool) -> Iterator[str]:
    yield from _invisible(text, free=free)
    yield from _unresolved(text)
    if _is_quoted(text):
        yield "is in quotes: write it without them, since nothing takes them away"
    if free:
        return
    if _PLACEHOLDER_TEXT.fullmatch(text) or any(map(_PLACEHOLDER_PART.fullmatch, _parts(text))):
        yield "is a placeholder: put the real value there"
    if _COMMENT.search(text) and not _is_pem(text):
        yield "is followed by a comment: put that on a line of its own, since it is kept"
    if found := _ENTITY.search(text):
        yield f"has {found[0]} where {unescape(found[0])} is meant"


def _invisible(text: str, *, free: bool) -> Iterator[str]:
    if text.startswith(_BOMS):
        yield "begins with a byte order mark (U+FEFF): save the file as UTF-8 without BOM"
    if _is_pem(text):
        return
    if "\n" in text or "\r" in text:
        yield "has a line break inside: the value must be one line"
    for position, character in enumerate(text, 1):
        if _is_invisible(character) and not (free and character in _IN_WRITING):
            name = unicodedata.name(character, "a control character")
            yield f"has an invisible character, U+{ord(character):04X} {name}, at place {position}"


def _is_pem(text: str) -> bool:
    """A certificate or key has line breaks, and its base64 may look like a comment (//)."""
    return "-----BEGIN " in text


def _is_invisible(character: str) -> bool:
    return not character.isprintable() or unicodedata.category(character) == "Cf"


def _unresolved(text: str) -> Iterator[str]:
    yield from (what for pattern, what in _ANYWHERE if pattern.search(text))
    for part in _parts(text):
        yield from (what for pattern, what in _AT_START if pattern.match(part))
        if _WHOLE.fullmatch(part):
            yield _TEMPLATE


def _parts(text: str) -> list[str]:
    """The text, and if it is a URL its parts."""
    return [text, *filter(None, re.split(r"[/@:?&=,]+", text))] if "://" in text else [text]


def _is_quoted(text: str) -> bool:
    """A random secret may begin and end with a quote, but then has other punctuation inside."""
    inner = text[1:-1]
    if text[:1] + text[-1:] not in _QUOTES or not inner:
        return False
    return "://" in inner or not re.search(r"[\"'`<>{}\[\]|;,\\]", inner)
