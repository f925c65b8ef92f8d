"""No signed-in request to any page of admin answers 500, whatever is in it."""

from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import audit
from accounts.models import AuditEntry, SignIn, User
from tests.support.admins import TID, browser_of, group, person, sign_in, superuser

# Not in one transaction, which the first refused statement would end for all that follow.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:DateTimeField:RuntimeWarning"),  # Django's own filter
]

HUGE = "9" * 400
VALUES = (
    "\0", "-1", HUGE, "9223372036854775808", "1e400", "(?P<a", "\ud83d", "9999-12-31", "0000-00-00",
    "²", "1,,x", "",
)  # fmt: skip
COMMON = ("q", "p", "o", "e", "all", "ot", "_facets", "_popup", "_to_field", "_changelist_filters")
OF_LISTS = {
    "accounts_user": (
        "is_active__exact", "is_superuser__exact", "groups__id__exact", "email__regex", "id",
        "password__startswith", "last_login__year", "email__iregex", "pk__in", "groups__isnull",
    ),
    "accounts_signin": (
        "at__year", "at__month", "at__day", "at__gte", "at__lt", "at__isnull", "reason",
        "outcome__exact", "method__exact", "user__id__exact", "user", "user__email__regex",
        "client_ip", "at__date", "at__range",
    ),
    "accounts_auditentry": ("action", "actor_kind__exact", "at__gte", "at__isnull", "texts__x"),
    "accounts_rolemapping": ("value__regex", "groups__id__exact", "is_staff__exact"),
    "auth_group": ("name__regex", "permissions__id__exact", "id__in"),
    "socialaccount_socialapp": ("secret__startswith", "settings__x", "provider"),
}  # fmt: skip
DATES = [
    {"at__year": year, "at__month": month, "at__day": day}
    for year, month, day in product(("2026", "0", "9999", HUGE), ("", "2", "13"), ("", "31", HUGE))
]
BODIES: list[dict[str, Any]] = [
    {"action": "nonsense", "_selected_action": "1"},
    {"action": "deactivate", "_selected_action": ["\0", HUGE, "x"]},
    {"action": "delete_selected", "_selected_action": [HUGE], "post": "yes"},
    {"action": "deactivate", "select_across": "1", "index": "x"},
    {"action": "deactivate", "index": HUGE},
    {"form-TOTAL_FORMS": HUGE, "_save": "1"},
    {"email": "\0@x.example", "name": "\0", "is_active": "on"},
    {"email": "x" * 5000, "groups": HUGE, "user_permissions": ["\0", "x"]},
    {"name": "\0", "permissions": [HUGE, "x", "\0"], "client_id": "\0"},
    {"user": "\0", "handle": "\0", "next": "\0"},
    {"user": HUGE, "handle": "x" * 5000, "next": "//x"},
    {"people": "\0\ud83d\u202e" * 50, "confirmed": "\0", "groups": [HUGE, "x"]},
    {"reason": "\0", "confirmed": "yes", "seen": "\0"},
    {"tenant": "\0", "secret_expires": "0000-00-00", "new_secret": "\0", "domains": "\0" * 9},
    {"password1": "\0", "password2": "\0", "old_password": "\0"},
]


@pytest.fixture
def browser() -> Client:
    client = browser_of(superuser(password="old"))
    client.raise_request_exception = False
    return client


@pytest.fixture
def pages() -> list[str]:
    """Every page that admin has, with one of each thing."""
    cole = person("cole@contoso.example")
    SocialAccount.objects.create(user=cole, provider="microsoft", uid=f"{TID}:{TID}")
    row = sign_in(reason="identity_conflict", user=cole, email=cole.email, tid=TID, oid=TID)
    app = SocialApp.objects.create(provider="microsoft", name="Entra", client_id=TID)
    keys = {
        "accounts_user": cole.pk,
        "accounts_signin": row.pk,
        "accounts_auditentry": audit.write("sessions.ended", cole).pk,
        "auth_group": group("Editors").pk,
        "socialaccount_socialapp": app.pk,
    }
    own = ["index", "staff_sessions", "staff_sessions_end", "staff_own_sessions"]
    own += ["staff_rehearsal", "accounts_user_add_several", "autocomplete", "jsi18n"]
    own += ["accounts_signin_export", "accounts_auditentry_export", "socialaccount_socialapp_test"]
    steps = [f"accounts_user_{name}" for name in ("unlink", "deactivate", "sign_out")]
    return [
        *(reverse(f"admin:{name}") for name in own),
        *(reverse(f"admin:{name}_{page}") for name in keys for page in ("changelist", "add")),
        *(
            reverse(f"admin:{name}_{page}", args=[key])
            for name, key in keys.items()
            for page in ("change", "history", "delete")
        ),
        *(reverse(f"admin:{step}", args=[cole.pk]) for step in steps),
        reverse("admin:accounts_user_relink", args=[cole.pk, row.pk]),
    ]


def failed(answers: list[tuple[str, int]]) -> list[str]:
    return [where for where, status in answers if status >= 500]


def get(browser: Client, page: str, query: dict[str, Any]) -> tuple[str, int]:
    encoded = urlencode(query, errors="surrogatepass", doseq=True)
    response = browser.get(f"{page}?{encoded}")
    b"".join(response) if response.streaming else None
    return f"{page} {str(query)[:120]}", response.status_code


@pytest.mark.parametrize("name", OF_LISTS)
def test_no_query_breaks_a_list(browser: Client, pages: list[str], name: str) -> None:
    page = reverse(f"admin:{name}_changelist")
    parameters = (
        *OF_LISTS[name],
        *(COMMON if name in ("accounts_user", "accounts_signin") else ()),
    )
    queries = [{parameter: value} for parameter in parameters for value in VALUES]
    assert failed([get(browser, page, query) for query in queries]) == []


@pytest.mark.parametrize("page", ["accounts_signin_changelist", "accounts_signin_export"])
def test_no_date_breaks_the_drill_down(browser: Client, pages: list[str], page: str) -> None:
    url = reverse(f"admin:{page}")
    assert failed([get(browser, url, query) for query in DATES]) == []


def test_no_query_breaks_any_page(browser: Client, pages: list[str]) -> None:
    every = dict.fromkeys((*COMMON, "next", "email", "groups", "app_label", "term"), "\x00")
    queries = [{**every, "q": value, "_to_field": value, "id": value} for value in VALUES]
    more = [{"app_label": "accounts", "model_name": "signin", "field_name": f} for f in VALUES[:9]]
    found = [get(browser, page, query) for page in pages for query in queries[:6]]
    found += [get(browser, reverse("admin:autocomplete"), query) for query in (*queries, *more)]
    assert failed(found) == []


def test_no_body_breaks_any_page(browser: Client, pages: list[str]) -> None:
    found = []
    for page in pages:
        for body in BODIES if "delete" not in page else BODIES[:1]:
            posted = browser.post(
                page,
                urlencode(body, errors="surrogatepass", doseq=True),
                content_type="application/x-www-form-urlencoded",
            )
            found.append((f"{page} {str(body)[:80]}", posted.status_code))
    assert failed(found) == []


def test_no_kind_of_body_breaks_any_page(browser: Client, pages: list[str]) -> None:
    kinds = [
        ("application/json", b"{"), ("multipart/form-data", b"x"), ("", b"\0\xff"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="\0"'),
        ("application/x-www-form-urlencoded; charset=nonsense", b"a=%ff"),
    ]  # fmt: skip
    found = []
    for page, (kind, body) in product(pages, kinds):
        status = browser.generic("POST", page, body, content_type=kind).status_code
        found.append((f"{page} {kind}", status))
    assert failed(found) == []


def test_no_key_in_a_path_breaks_anything(browser: Client) -> None:
    keys = [quote(value, safe="", errors="surrogatepass") for value in VALUES if value]
    found = []
    for name in OF_LISTS:
        for key in keys:
            for page in ("change/", "unlink/"):
                url = f"{reverse(f'admin:{name}_changelist')}{key}/{page}"
                found.append((url[:120], browser.get(url).status_code))
    assert failed(found) == []


def test_no_file_breaks_the_rehearsal(browser: Client) -> None:
    files = [b"\0", b"\xff\xfe\0", b"mail\n\0@x.example", b'mail,id\n"', b"mail\n" + b"x" * 200_000]
    found = []
    for raw in files:
        upload = {"file": SimpleUploadedFile("a\0.csv", raw), "link": "on"}
        posted = browser.post(reverse("admin:staff_rehearsal"), upload)
        found.append((repr(raw[:20]), posted.status_code))
    assert failed(found) == []


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    query=st.dictionaries(
        st.sampled_from((*COMMON, *OF_LISTS["accounts_signin"], *OF_LISTS["accounts_user"])),
        st.one_of(st.sampled_from(VALUES), st.text(max_size=30), st.integers().map(str)),
        max_size=4,
    ),
    model=st.sampled_from(sorted(OF_LISTS)),
)
def test_no_query_at_all_breaks_a_list(browser: Client, query: dict[str, str], model: str) -> None:
    page = reverse(f"admin:{model}_changelist")
    assert failed([get(browser, page, query)]) == []


def test_what_is_here_is_every_model(browser: Client) -> None:
    site: AdminSite = admin.site
    names = {f"{m._meta.app_label}_{m._meta.model_name}" for m in site._registry}
    assert names == set(OF_LISTS)
    assert {User, SignIn, AuditEntry} <= set(site._registry)


def test_pages_that_name_a_person_are_not_kept(browser: Client, pages: list[str]) -> None:
    for page in pages:
        response = browser.get(page)
        if response.status_code == 200 and "jsi18n" not in page:
            assert "no-store" in response.headers["Cache-Control"], page
