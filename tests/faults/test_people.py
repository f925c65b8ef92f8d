"""People: unknown, inactive, not staff, guests, or bound to another identity."""

from allauth.socialaccount.models import SocialAccount

from accounts.models import User
from tests.emulator.ids import OTHER_TENANT
from tests.faults.fault import Fault

nobody_of_this_name = Fault(
    "The site has no such user",
    "Microsoft vouches for an address that no user here has.",
    person="nobody",
    page="unknown_user",
    doctor="refusals.unknown_user",
    says="no user here has their email",
)

no_email = Fault(
    "The person has no email address",
    "The id_token has neither email nor preferred_username.",
    person="no_email",
    page="no_email",
    doctor="refusals.no_email",
    says="email",
)

guest = Fault(
    "The person is a guest of the tenant",
    "A guest of the tenant signs in while MICROSOFT_ALLOW_GUESTS is off.",
    person="guest",
    page="guest_not_allowed",
    doctor="refusals.guest_not_allowed",
    says="MICROSOFT_ALLOW_GUESTS",
)

no_users = Fault(
    "There are no users at all",
    "A new database, nobody added yet.",
    before=lambda stage: User.objects.all().delete(),
    page="unknown_user",
    doctor="people.staff",
    says="There are no users at all",
)

nobody_is_staff = Fault(
    "Nobody is staff",
    "All users have Staff status off.",
    before=lambda stage: User.objects.update(is_staff=False),
    page="user_not_staff",
    doctor="people.staff",
    says="No active user is staff",
)

everybody_is_inactive = Fault(
    "Everybody is deactivated",
    "All users have Active off.",
    before=lambda stage: User.objects.update(is_active=False),
    page="user_inactive",
    doctor="people.staff",
    says="No user is active",
)

email_with_a_space = Fault(
    "A user's email has a space at its end",
    "The address was imported with a trailing space, which Microsoft never sends.",
    before=lambda stage: User.objects.filter(email="staff@contoso.example").update(
        email="staff@contoso.example "
    ),
    page="unknown_user",
    doctor="people.unmatchable_email",
    says="begins or ends with a space",
)

bound_by_stock_allauth = Fault(
    "People are bound to personal accounts by allauth's own provider",
    "A SocialAccount of before, whose uid is a personal account's id at Graph.",
    before=lambda stage: _bind("48d31887fad3f5a5"),
    page="identity_conflict",
    doctor="people.old_identities",
    says="Microsoft accounts that cannot sign in here",
)

bound_to_another_tenant = Fault(
    "People are bound to a tenant that is not allowed any more",
    "The organisation has moved to a new tenant; identities are of the old one.",
    before=lambda stage: _bind(f"{OTHER_TENANT}:11f9e2b6-0000-4000-8000-000000000000"),
    page="identity_conflict",
    doctor="people.other_tenants",
    says="bound to a tenant that is not allowed",
)


def _bind(uid: str) -> None:
    user = User.objects.get(email="staff@contoso.example")
    SocialAccount.objects.create(user=user, provider="microsoft", uid=uid)
