"""People: unknown, inactive, not staff, guests, or bound to another identity."""

from allauth.socialaccount.models import SocialAccount

from accounts.models import User
from tests.emulator.ids import OTHER_TENANT
from tests.faults.fault import fault
from tests.faults.stage import Stage


@fault(
    "The site has no such user",
    page="unknown_user",
    doctor="refusals.unknown_user",
    says="no user here has their email",
)
def nobody_of_this_name(stage: Stage) -> str:
    """Microsoft vouches for an address that no user here has."""
    return stage.sign_in("nobody")


@fault(
    "The person has no email address",
    page="no_email",
    doctor="refusals.no_email",
    says="email",
)
def no_email(stage: Stage) -> str:
    """The id_token has neither email nor preferred_username."""
    return stage.sign_in("no_email")


@fault(
    "The person is a guest of the tenant",
    page="guest_not_allowed",
    doctor="refusals.guest_not_allowed",
    says="MICROSOFT_ALLOW_GUESTS",
)
def guest(stage: Stage) -> str:
    """A guest of the tenant signs in while MICROSOFT_ALLOW_GUESTS is off."""
    return stage.sign_in("guest")


@fault(
    "There are no users at all",
    page="unknown_user",
    doctor="people.staff",
    says="There are no users at all",
    alone=True,
)
def no_users(stage: Stage) -> str:
    """A new database, nobody added yet."""
    User.objects.all().delete()
    return stage.sign_in()


@fault(
    "Nobody is staff",
    page="user_not_staff",
    doctor="people.staff",
    says="Nobody who is active is staff",
    alone=True,
)
def nobody_is_staff(stage: Stage) -> str:
    """All users have Staff status off."""
    User.objects.update(is_staff=False)
    return stage.sign_in()


@fault(
    "Everybody is deactivated",
    page="user_inactive",
    doctor="people.staff",
    says="Nobody is active",
    alone=True,
)
def everybody_is_inactive(stage: Stage) -> str:
    """All users have Active off."""
    User.objects.update(is_active=False)
    return stage.sign_in()


@fault(
    "A user's email has a space at its end",
    page="unknown_user",
    doctor="people.unmatchable_email",
    says="begins or ends with a space",
    alone=True,
)
def email_with_a_space(stage: Stage) -> str:
    """The address was imported with a trailing space, which Microsoft never sends."""
    User.objects.filter(email="staff@contoso.example").update(email="staff@contoso.example ")
    return stage.sign_in()


@fault(
    "People are bound by allauth's stock provider",
    page="identity_conflict",
    doctor="people.old_identities",
    says="not in the form tid:oid",
    alone=True,
)
def bound_by_stock_allauth(stage: Stage) -> str:
    """A SocialAccount of before, whose uid is Graph's id."""
    _bind("11f9e2b6-0000-4000-8000-000000000000")
    return stage.sign_in()


@fault(
    "People are bound to a tenant that is not allowed any more",
    page="identity_conflict",
    doctor="people.other_tenants",
    says="bound to a tenant that is not allowed",
    alone=True,
)
def bound_to_another_tenant(stage: Stage) -> str:
    """The organisation has moved to a new tenant; identities are of the old one."""
    _bind(f"{OTHER_TENANT}:11f9e2b6-0000-4000-8000-000000000000")
    return stage.sign_in()


def _bind(uid: str) -> None:
    user = User.objects.get(email="staff@contoso.example")
    SocialAccount.objects.create(user=user, provider="microsoft", uid=uid)
