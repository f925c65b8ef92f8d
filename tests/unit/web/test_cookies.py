"""Which cookies are read: by RFC 6265's grammar, and none that came with two values."""

import pytest
from django.http.cookie import parse_cookie

from accounts.web.cookies import readable

OURS = ("__Host-sessionid", "csrftoken")


def as_django_reads(header: str) -> dict[str, str]:
    """What WSGIRequest.COOKIES would be: the header's bytes as UTF-8."""
    kept, _ = readable(header.encode().decode("latin-1"), OURS)
    return parse_cookie(kept.encode("latin-1").decode())


@pytest.mark.parametrize(("header", "cookies"), [
    ("__Host-sessionid=a; csrftoken=b", {"__Host-sessionid": "a", "csrftoken": "b"}),
    ("theme=dark;lang=de", {"theme": "dark", "lang": "de"}),
    ("a=1; a=1", {"a": "1"}),
    ("a=1; a=2", {"a": "2"}),
    ("a=b=c", {"a": "b=c"}),
    ("name=\N{LATIN SMALL LETTER E WITH ACUTE}", {"name": "\N{LATIN SMALL LETTER E WITH ACUTE}"}),
    ("__Host-sessionid=a; __Host-sessionid=a", {"__Host-sessionid": "a"}),
    # whose is whose?
    ("__Host-sessionid=a; __Host-sessionid=b", {}),
    ("csrftoken=a; x=y; csrftoken=b", {"x": "y"}),
    # no names
    ("\u2000__Host-sessionid=b", {}),
    ("__Host-sessionid=a; \u2000__Host-sessionid=b", {"__Host-sessionid": "a"}),
    ("__Host-sessionid\u00a0=b", {}),
    ("\u3000csrftoken=b", {}),
    ("\u0085csrftoken=b", {}),
    ("\x1c__Host-sessionid=b", {}),
    ("\x0b__Host-sessionid=b", {}),
    ("__Host-sessionid", {}),
    ("=__Host-sessionid=b", {}),
    ("=b", {}),
    ('"__Host-sessionid"=b', {}),
    ("a b=c", {}),
    ("", {}),
    (";;;", {}),
])  # fmt: skip
def test_what_is_read(header: str, cookies: dict[str, str]) -> None:
    assert as_django_reads(header) == cookies


@pytest.mark.parametrize("space", [c for c in map(chr, range(0x3001)) if c.isspace()])
def test_no_space_of_any_script_makes_a_name_ours(space: str) -> None:
    if space not in " \t":
        for header in (f"{space}csrftoken=b", f"csrftoken{space}=b"):
            assert as_django_reads(header) == {}
