"""No page of ours is half in English: in a language of brackets, nothing stands outside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.contrib.auth.models import AnonymousUser, Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone, translation

from accounts import audit
from accounts.audit.actions import ACTIONS
from accounts.audit.actor import of_command
from accounts.models import RoleGrant, SignIn, User
from accounts.protection import secretbox
from accounts.reasons import CAUSES, REASONS, Refused
from accounts.web import errors, refusal
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.emulator.server import Emulator
from tests.site.admin.test_admin_pages import TABLE, one_of_each
from tests.support import pseudo
from tests.support.admins import TID, browser_of, let_in, permissions, person, sign_in, superuser
from tests.support.certificates import both, certificate, pem_of
from tests.support.visitor import CALLBACK, LOGIN, START

UNKNOWN = "99999999-9999-4999-8999-999999999999"
SECRET = "next-secret~of-this-app.0123456789x"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/120.0.0.0 Safari/537.36"
)
# Data and names, in every language the same.
DATA = re.compile(
    r"\([^()]*(error=|token file|managed identity|certificate)[^()]*(\([^()]*\))?[^()]*\)|"
    r"\b[0-9A-F]{40}\b|"
    r"[\w.+-]+@[\w-]+(\.[\w-]+)+|https?://[^\s\"]+|/[\w/-]*/|[0-9a-f]{8}-[0-9a-f-]{27}|[\w-]+…"
    r"|\b[A-Z0-9]{4}-[A-Z0-9]{4}\b|\b[A-Z]+(_[A-Z]+)+\b|AADSTS\d*"
    r"|id, userPrincipalName, mail, displayName, userType, accountEnabled|CYRILLIC [A-Z ]+"
    r"|\b(Microsoft|Entra( ID)?|Chrome|Windows|Django|Redis|PostgreSQL|UTC|CSV|URI"
    r"|Cole League|Jane|nothing|Help desk|colour|mail|maybe"
    r"|Editors|Staff|testserver|JSON|ID|OID|IP)\b"
)

# This process, which writes the audit entries of the scenes.
HERE = re.compile(
    rf"\b({of_command().name}|" + "|".join(map(re.escape, of_command().facts.values())) + ")"
)

Scene = Callable[[Client, dict[str, Any]], Any]


def pages_of_admin(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    more = ["/admin/accounts/my-sessions/", "/admin/nothing/", "/admin/accounts/"]
    for page in [*(page for page, method, who in TABLE if method == "GET" and who), *more]:
        yield page, client.get(page.format(**things))


def records(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for code in REASONS:
        row = sign_in(reason=code, email="new@contoso.example", user_agent=CHROME)
        yield code, client.get(f"/admin/accounts/signin/{row.pk}/change/")
    yield "list", client.get("/admin/accounts/signin/")


def entries(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    facts = {"is_superuser": True, "email": "a@contoso.example", "groups": ["Editors"], "name": ""}
    for action in ACTIONS:
        entry = audit.write(action, before=facts, after={**facts, "is_active": False})
        yield action, client.get(f"/admin/accounts/auditentry/{entry.pk}/change/")
    yield "list", client.get("/admin/accounts/auditentry/")


def apps(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    app = SocialApp.objects.get()
    there = f"/admin/socialaccount/socialapp/{app.pk}"
    soon = (timezone.localdate() + timedelta(days=5)).isoformat()
    bound = secretbox.encrypt(both(certificate()))
    kinds: dict[str, dict[str, Any]] = {
        "secret": {"secret_expires": soon, "next_secret": secretbox.encrypt(SECRET)},
        "ended": {"secret_expires": "2020-01-01"},
        "certificate": {
            "credential": "certificate",
            "certificate": bound,
            "next_certificate": bound,
        },
        "managed_identity": {"credential": "managed_identity", "managed_identity": TID},
        "token_file": {"credential": "token_file"},
        "unreadable": {"next_secret": "enc1:nonsense"},
        "hidden": {"hidden": True},
    }
    for kind, settings in kinds.items():
        SocialApp.objects.update(settings={"tenant": TENANT, **settings}, client_id=CLIENT_ID)
        yield f"{kind}: form", client.get(f"{there}/change/")
        yield f"{kind}: list", client.get("/admin/socialaccount/socialapp/")
        yield f"{kind}: test", client.post(f"{there}/test/")
        yield f"{kind}: tested", client.get(f"{there}/change/")
    yield "front", client.get("/admin/")
    yield "delete", client.get(f"{there}/delete/")
    yield "in force", client.post("/admin/socialaccount/socialapp/test/")
    SocialApp.objects.update(settings={"tenant": TENANT}, secret=secretbox.encrypt(CLIENT_SECRET))
    given = {"name": "Entra", "client_id": CLIENT_ID, "tenant": TENANT, "domains": ""}
    forms: dict[str, dict[str, Any]] = {
        "wrong secret": {"new_secret": "wrong-secret~of-this-app.0123456789"},
        "unknown app": {"client_id": UNKNOWN},
        "unknown tenant": {"tenant": UNKNOWN},
        "bad": {"client_id": "x", "tenant": "a b", "domains": "a b", "secret_expires": "tomorrow"},
        "no id": {"client_id": "", "new_secret": "short"},
        "secret id": {"new_secret": TID},
        "domains": {"domains": "a@b.example"},
        "certificate": {"credential": "certificate", "certificate_text": "nonsense"},
        "no key": {"credential": "certificate", "certificate_text": pem_of(certificate())},
        "two kinds": {"new_secret": SECRET, "certificate_text": both(certificate())},
        "promoted": {"promote": "on"},
        "hidden": {"hidden": "on"},
        "managed": {"credential": "managed_identity", "managed_identity": "x"},
        "token file": {"credential": "token_file"},
        "next": {"new_next_secret": SECRET, "next_secret_expires": "2020-01-01"},
        "fine": {"new_secret": CLIENT_SECRET},
    }
    for name, changed in forms.items():
        yield f"saved: {name}", client.post(f"{there}/change/", given | changed, follow=True)
        yield (
            f"added: {name}",
            client.post("/admin/socialaccount/socialapp/add/", given | changed, follow=True),
        )
    yield "undo", client.post(f"{there}/undo/", follow=True)
    yield "history", client.get(f"{there}/history/")


def people(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    there = "/admin/accounts/user/"
    one = User.objects.get(pk=things["person"])
    root = User.objects.get(email="root@contoso.example")
    editors = Group.objects.get()
    for action in (
        "add_to_group",
        "sign_out",
        "deactivate",
        "reactivate",
        "unlink",
        "delete_selected",
    ):
        asked = {"action": action, "_selected_action": [one.pk], "index": 0}
        yield action, client.post(there, asked)
        unsaid = {**asked, "confirmed": "yes", "reason": ""}
        yield f"{action}: unsaid", client.post(there, unsaid, follow=True)
        said = {**unsaid, "reason": "4711", "group": editors.pk}
        if action != "delete_selected":
            yield f"{action}: done", client.post(there, said, follow=True)
            yield f"{action}: again", client.post(there, said, follow=True)
        if action != "sign_out":
            to_oneself = {**said, "_selected_action": [root.pk]}
            yield f"{action}: oneself", client.post(there, to_oneself, follow=True)
    yield "history", client.get(f"{there}{one.pk}/history/")
    yield "none chosen", client.post(there, {"action": "sign_out"}, follow=True)
    for email in (
        "",
        "x",
        "COLLEAGUE@contoso.example",
        "a\u200bb@contoso.example",
        "j\u0435@contoso.example",
    ):
        yield f"add {email}", client.post(f"{there}add/", {"email": email})
    yield "added", client.post(f"{there}add/", {"email": "n@contoso.example"}, follow=True)
    yield "object id", client.post(f"{there}add/", {"email": "m@contoso.example", "object_id": "x"})
    for fields in ({"email": ""}, {"email": one.email}, {"email": one.email, "is_superuser": "on"}):
        yield f"change {fields}", client.post(f"{there}{one.pk}/change/", fields, follow=True)
    yield "oneself", client.get(f"{there}{root.pk}/change/")
    pasted = (
        "Jane <jane@contoso.example>\nx@y\nnothing\ncolleague@contoso.example\nj\u0435@a.example"
    )
    previewed = client.post(f"{there}add-several/", {"people": pasted})
    yield "several: preview", previewed
    found = re.search(r'name="confirmed" value="([^"]+)"', previewed.content.decode())
    confirmed = {"people": pasted, "confirmed": found[1] if found else ""}
    yield "several: added", client.post(f"{there}add-several/", confirmed)
    yield "several: none", client.post(f"{there}add-several/", {"people": ""})
    for states in ("", "?state=refused", "?q=%00", "?all=&p=999", "?nonsense=1"):
        yield f"list {states}", client.get(there + states)
    for row in SignIn.objects.all():
        page = f"{there}{one.pk}/relink/{row.pk}/"
        yield f"relink {row.reason}", client.post(page, {"reason": ""})
        yield (
            f"relink {row.reason} done",
            client.post(page, {"reason": "x", "seen": "y"}, follow=True),
        )
    yield "group", client.post("/admin/auth/group/help-desk/", follow=True)
    yield "group page", client.get(f"/admin/auth/group/{editors.pk}/history/")


def sessions(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    one = User.objects.get(pk=things["person"])
    browser_of(one, user_agent=CHROME)
    yield "list", client.get("/admin/accounts/sessions/")
    yield "nobody", client.get("/admin/accounts/sessions/?q=nobody")
    yield "person", client.get(f"/admin/accounts/user/{one.pk}/change/")
    end = "/admin/accounts/sessions/end/"
    for fields in ({"user": one.pk, "handle": "x"}, {"user": one.pk}, {"user": "x"}):
        yield f"end {fields}", client.post(end, fields, follow=True)
    yield "history", client.get(f"/admin/accounts/user/{one.pk}/history/")
    yield "get", client.get(end)
    own = "/admin/accounts/my-sessions/"
    yield "own, none", client.post(own, {"handle": "x"}, follow=True)
    audit.write(
        "person.rights_changed",
        User.objects.get(email="root@contoso.example"),
        before={"is_superuser": False},
        after={"is_superuser": True},
    )
    yield "own", client.post(own, follow=True)


def roles(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    there = "/admin/accounts/rolemapping/"
    one = User.objects.get(pk=things["person"])
    RoleGrant.objects.create(user=one, state="known", roles=["Staff"], staff=True)
    add = f"{there}add/"
    yield "none", client.post(add, {"value": ""})
    yield "bad", client.post(add, {"value": "a b"})
    yield "asked", client.post(add, {"value": "Staff", "is_superuser": "on"})
    editors = Group.objects.get()
    asked = client.post(
        f"{there}{things['role']}/change/", {"is_superuser": "on", "groups": [editors.pk]}
    )
    yield "changed", asked
    found = re.search(r'name="confirmed" value="([^"]+)"', asked.content.decode())
    if found:
        more = {"is_superuser": "on", "groups": [editors.pk], "confirmed": found[1]}
        yield "saved", client.post(f"{there}{things['role']}/change/", more, follow=True)
    yield "group", client.get(f"/admin/auth/group/{editors.pk}/change/")
    yield "delete", client.get(f"{there}{things['role']}/delete/")
    yield "person", client.get(f"/admin/accounts/user/{one.pk}/change/")
    one.user_permissions.set(permissions("accounts.view_user", "accounts.end_sessions"))
    one.groups.add(editors)
    yield "rights", client.get("/admin/accounts/rights/")
    yield "nobody", client.get("/admin/accounts/rights/?q=x")
    yield "deleted", client.post(f"{there}{things['role']}/delete/", {"post": "yes"}, follow=True)


EXPORT = """id,userPrincipalName,mail,displayName,userType,accountEnabled
,colleague@contoso.example,Colleague@contoso.example,Cole League,Member,True
,colleague@contoso.example,colleague@contoso.example,Cole League,Member,True
,n@contoso.example,n@contoso.example,Cole League,Member,maybe
,g@contoso.example,g@contoso.example,Cole League,Guest,True
,d@contoso.example,d@contoso.example,Cole League,Member,False
x,root@contoso.example,other@contoso.example,Cole League,Member,True
,,,Cole League,Member,True
"""


def rehearsals(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    only_mail = "mail\ncolleague@contoso.example\nn@contoso.example\n"
    for content in (EXPORT, only_mail, "colour\nred\n", "", "\xff"):
        for more in ({}, {"link": "on"}):
            file = SimpleUploadedFile("people.csv", content.encode("latin-1"), "text/csv")
            yield (
                f"{content[:9]} {more}",
                client.post("/admin/accounts/rehearsal/", {"file": file, **more}),
            )
    yield "no file", client.post("/admin/accounts/rehearsal/", {})


def refusals(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    account = {"name": "Cole League", "email": "a@contoso.example"}
    refused = [
        *(Refused(code, "x") for code in REASONS),
        *(Refused("unexpected", "x", cause=cause) for cause in CAUSES),
        *(Refused("too_many_attempts", "x", retry_after=seconds) for seconds in (30, 300)),
    ]
    for one in refused:
        request = RequestFactory().get(LOGIN)
        request.user, request.session = AnonymousUser(), client.session
        with translation.override(pseudo.LANGUAGE):
            page = refusal.page(request, one, "BCDF-2345", "/admin/", {"account": account})
        yield f"{one.reason.code} {one.cause} {one.retry_after}", page


def ways_in(client: Client, things: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    out = Client(HTTP_ACCEPT_LANGUAGE=pseudo.LANGUAGE, raise_request_exception=False)
    for path in (
        LOGIN,
        START,
        CALLBACK,
        f"{LOGIN}?ended=idle",
        f"{LOGIN}?ended=recheck",
        f"{LOGIN}?ended=x",
        "/admin/break-glass/?token=x",
        "/nowhere/",
        "/accounts/",
    ):
        yield path, out.get(path)
        yield f"POST {path}", out.post(path, {"token": "x"})
        yield f"in {path}", client.get(path)
    yield "host", out.get("/", headers={"Host": "evil.example"})
    checked = Client(enforce_csrf_checks=True, HTTP_ACCEPT_LANGUAGE=pseudo.LANGUAGE)
    for path in (START, LOGIN, "/admin/break-glass/"):
        yield f"CSRF {path}", checked.post(path, {"a": "b"})
        yield (
            f"CSRF {path}",
            checked.post(path, {"a": "b"}, headers={"Origin": "https://evil.example"}),
        )
    for status in (414, 431):
        with translation.override(pseudo.LANGUAGE):
            yield str(status), HttpResponse(errors.unread(status))
    nobody = browser_of(person("none@contoso.example"))
    nobody.defaults["HTTP_ACCEPT_LANGUAGE"] = pseudo.LANGUAGE
    for path in ("/admin/", "/admin/accounts/user/", "/admin/accounts/my-sessions/"):
        yield f"no rights: {path}", nobody.get(path)
    let_in(out, person("out@contoso.example", is_staff=False))
    yield "not staff", out.get(LOGIN)
    yield "not staff", out.get("/admin/")
    with override_settings(STEP_UP="login"):
        yield "step up", nobody.get("/admin/accounts/user/add/")
        client.session["signed_in_at"] = "2026-01-01T00:00:00+00:00"
        session = client.session
        session["signed_in_at"] = "2026-01-01T00:00:00+00:00"
        session.save()
        yield "step up", client.get("/admin/accounts/user/add/")
        yield "step up, sent", client.post("/admin/accounts/user/add/", {"email": "x"})
        session["microsoft"] = {"identity": "x"}
        session.save()
        yield "step up", client.get("/admin/accounts/user/add/")
    with override_settings(ADMIN_PASSWORD_LOGIN=True):
        yield "password", Client(HTTP_ACCEPT_LANGUAGE=pseudo.LANGUAGE).get(LOGIN)
        yield (
            "wrong",
            Client(HTTP_ACCEPT_LANGUAGE=pseudo.LANGUAGE).post(
                LOGIN, {"username": "x", "password": "y"}
            ),
        )
        yield "change", client.get("/admin/password_change/")
    yield "out", client.post("/admin/logout/")


SCENES: dict[str, Scene] = {
    "pages": pages_of_admin,
    "records": records,
    "entries": entries,
    "apps": apps,
    "people": people,
    "sessions": sessions,
    "roles": roles,
    "rehearsals": rehearsals,
    "refusals": refusals,
    "ways in": ways_in,
}


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_left_in_english(
    db: None, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, scene: str
) -> None:
    client = browser_of(superuser())
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = pseudo.LANGUAGE
    client.raise_request_exception = False
    with pseudo.spoken(monkeypatch):
        shown = SCENES[scene](client, one_of_each())
        found = {name: english_in(answer) for name, answer in shown}
    assert {name: texts for name, texts in found.items() if texts} == {}


def english_in(answer: Any) -> list[str]:
    """What stands outside of brackets and is no data."""
    if not answer.headers["Content-Type"].startswith("text/html"):
        return []
    texts = pseudo.left_over(answer.content.decode())
    left = [HERE.sub("", DATA.sub("", text)) for text in texts]
    return [text for text in left if re.search(r"[^\W\d_]{2,}", text)]
