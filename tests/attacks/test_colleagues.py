"""A colleague with one right learns nothing that no page shows, and plants nothing in others'.

What they might become or change is tried in test_help_desk.py and test_rights.py.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Final

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp

from accounts import audit
from accounts.models import SignIn, User
from accounts.operate import help_desk
from accounts.protection import secretbox
from tests.support.admins import TID, browser_of, group, person, sign_in, superuser

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db

LISTS: Final = {
    "accounts.view_user": "/admin/accounts/user/",
    "accounts.view_signin": "/admin/accounts/signin/",
    "auth.view_group": "/admin/auth/group/",
    "accounts.view_auditentry": "/admin/accounts/auditentry/",
}
# What a list would tell letter by letter, if it could be filtered by it.
ORACLES: Final = (
    "password__startswith", "password__regex", "user__password__startswith",
    "sign_ins__email__startswith", "role_grant__superuser", "role_grant__roles__contains",
    "socialaccount__uid__startswith", "socialaccount__extra_data__contains",
    "groups__permissions__codename", "user_permissions__codename", "user__email__startswith",
    "logentry__change_message__contains", "user__user_permissions__codename", "mac__startswith",
    "texts__has_key", "texts__subject__startswith", "key_id", "actor_key", "subject_key__gt",
    "parts__content__contains", "seal__mac__startswith", "lacking_claims__contains",
    "user__is_superuser__exact", "emailaddress__email", "breakglasslink__token_hash__startswith",
)  # fmt: skip
AUTOCOMPLETES: Final = (
    ("accounts", "signin", "user"), ("socialaccount", "socialaccount", "user"),
    ("accounts", "breakglasslink", "user"), ("admin", "logentry", "user"),
    ("accounts", "user", "groups"), ("accounts", "rolemapping", "groups"),
    ("auth", "group", "permissions"), ("socialaccount", "socialtoken", "app"),
)  # fmt: skip
# Pages of a right that the others must not open, by the right that does.
PAGES: Final = {
    "accounts.view_user": (
        "accounts/user/", "accounts/user/{root}/history/", "accounts/rehearsal/",
    ),
    "accounts.view_signin": ("accounts/signin/", "accounts/signin/export/"),
    "accounts.view_auditentry": ("accounts/auditentry/", "accounts/auditentry/export/"),
    "auth.view_group": ("auth/group/",),
    "accounts.end_sessions": ("accounts/sessions/",),
    "nobody": (
        "accounts/rights/", "accounts/rights/export/", "accounts/moves/", "accounts/rolemapping/",
        "accounts/rolemapping/add/", "socialaccount/socialapp/", "socialaccount/socialapp/add/",
        "socialaccount/socialapp/{app}/change/", "socialaccount/socialapp/{app}/test/",
        "socialaccount/socialapp/{app}/undo/", "accounts/user/{root}/password/",
        "accounts/user/add-several/", "accounts/user/{root}/unlink/", "admin/logentry/",
        "accounts/user/{root}/relink/{row}/", "sessions/session/", "auth/permission/",
        "accounts/breakglasslink/", "accounts/rolegrant/", "socialaccount/socialtoken/",
    ),
}  # fmt: skip


@pytest.fixture
def world() -> dict[str, int]:
    root = superuser(password="a long secret 1")
    SocialAccount.objects.create(user=root, provider="microsoft", uid=f"{TID}:{TID}")
    row = sign_in(reason="identity_conflict", user=root, email=root.email, tid=TID, oid=TID)
    app = SocialApp.objects.create(
        provider="microsoft", name="Entra", client_id=TID, secret=secretbox.encrypt("a-secret-0123")
    )
    audit.write("sessions.ended", root)
    group("Editors", "accounts.view_user")
    return {"root": root.pk, "row": row.pk, "app": app.pk}


def with_right(right: str) -> Client:
    return browser_of(person("colleague@contoso.example", *([right] if "." in right else ())))


@pytest.mark.parametrize("right", LISTS)
def test_no_list_is_an_oracle(right: str, world: dict[str, int]) -> None:
    browser = with_right(right)
    assert browser.get(LISTS[right]).status_code == 200
    answers = {asked: browser.get(LISTS[right], {asked: "1"}) for asked in ORACLES}
    answers["_to_field"] = browser.get(LISTS[right], {"_to_field": "password", "_popup": "1"})
    assert [asked for asked, answer in answers.items() if answer.status_code == 200] == []


@pytest.mark.parametrize("right", PAGES)
def test_no_page_opens_with_another_pages_right(right: str, world: dict[str, int]) -> None:
    browser = with_right(right)
    browser.raise_request_exception = False
    for opener, paths in PAGES.items():
        for path in paths if opener != right else ():
            answer = browser.get(f"/admin/{path.format(**world)}")
            assert answer.status_code in (403, 404, 405), (right, path)
            posted = browser.post(f"/admin/{path.format(**world)}", {"post": "yes", "reason": "x"})
            assert posted.status_code in (403, 404, 405), (right, path)
    for app, model, field in AUTOCOMPLETES:
        asked = {"app_label": app, "model_name": model, "field_name": field, "term": ""}
        wanted = "auth.view_group" if field == "groups" else "accounts.view_user"
        answer = browser.get("/admin/autocomplete/", asked)
        assert answer.status_code in (403, 404) or wanted == right, (right, model)


def test_the_record_and_the_audit_are_beyond_everybodys_reach(world: dict[str, int]) -> None:
    """Whoever may do everything in admin cannot take a trace away either."""
    root = browser_of(User.objects.get(pk=world["root"]))
    entry = audit.write("sessions.ended", User.objects.get(pk=world["root"]))
    for kind, key in (("signin", world["row"]), ("auditentry", entry.pk)):
        for path in ("add/", f"{key}/delete/", f"{key}/change/"):
            page = f"/admin/accounts/{kind}/{path}"
            assert root.post(page, {"post": "yes", "outcome": "admitted"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": key, "post": "yes"}
        root.post(f"/admin/accounts/{kind}/", chosen)
    kept = SignIn.objects.get(pk=world["row"])
    assert (kept.outcome, kept.reason) == ("refused", "identity_conflict")
    assert type(entry).objects.filter(pk=entry.pk).exists()


# --- what is planted ----------------------------------------------------------------------------

MARKUP: Final = "<img src=x onerror=alert(1)>{{7*7}}'\"</script>"
FORMULA: Final = "=HYPERLINK(1)"


def test_what_a_colleague_types_runs_in_nobodys_page(world: dict[str, int]) -> None:
    root = User.objects.get(pk=world["root"])
    victim = person("eve@contoso.example", name=MARKUP)
    group(MARKUP)
    texts = ("email", "claimed_name", "user_agent", "host", "detail")
    facts: dict[str, Any] = {**dict.fromkeys(texts, MARKUP), "tid": "<b>t</b>", "oid": "<b>o</b>"}
    row = sign_in(reason="identity_conflict", user=victim, **facts)
    with audit.context(note=MARKUP):
        audit.write("person.changed", victim, after={"name": MARKUP, MARKUP: MARKUP})
    browser = browser_of(root, user_agent=MARKUP)
    for path in (
        "", "accounts/user/", f"accounts/user/{victim.pk}/change/", "accounts/signin/",
        f"accounts/user/{victim.pk}/history/", f"accounts/user/{victim.pk}/delete/",
        f"accounts/user/{victim.pk}/deactivate/", "accounts/auditentry/", "auth/group/",
        f"accounts/signin/{row.pk}/change/", "accounts/rights/", "accounts/sessions/",
        "accounts/my-sessions/", "accounts/rolemapping/add/", f"accounts/user/?q={MARKUP}",
        f"accounts/sessions/?q={MARKUP}", f"accounts/rights/?q={MARKUP}",
    ):  # fmt: skip
        answer = browser.get(f"/admin/{path}")
        text = answer.content.decode()
        assert answer.status_code == 200, path
        assert "<img src=x" not in text, path
        assert "<b>t</b>" not in text, path
        assert "49'" not in text, path


def test_no_export_holds_a_formula(world: dict[str, int]) -> None:
    victim = person("eve@contoso.example", name=FORMULA)
    victim.groups.add(group(FORMULA))
    sign_in(user=victim, reason="unknown_user", email=FORMULA, user_agent=FORMULA, host=FORMULA)
    with audit.context(note=FORMULA):
        audit.write("person.changed", victim, after={"name": FORMULA})
    browser = browser_of(User.objects.get(pk=world["root"]))
    for path in ("signin/export/", "auditentry/export/", "rights/export/"):
        answer = browser.get(f"/admin/accounts/{path}")
        rows = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert "HYPERLINK" in rows, path
        cells = [cell for row in csv.reader(rows.splitlines()) for cell in row]
        assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@"))] == [], path


def test_the_help_desks_rights_are_all_that_its_name_says() -> None:
    assert {name.split(".")[1].split("_")[0] for name in help_desk.names()} <= {"view", "end"}
