"""Users, the record of sign-ins (SignIn), and the audit (AuditEntry)."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core import validators
from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from typing_extensions import override


class UserManager(BaseUserManager["User"]):
    """People by email."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a person; without a password they can sign in with Microsoft only.

        Raises ValueError when `email` is empty.
        """
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a person who may do everything in admin."""
        return self.create_user(email, password, **fields, is_staff=True, is_superuser=True)

    @override
    def get_by_natural_key(self, username: str | None) -> User:
        """The user of this email, whatever its case: unique, so at most one."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The email is the name they sign in with; there is no username."""

    email = models.EmailField(
        _("email address"),
        max_length=254,
        error_messages={"unique": _("A user with this email address already exists.")},
    )
    name = models.CharField(_("name"), max_length=150, blank=True)
    is_staff = models.BooleanField(
        _("staff status"),
        default=True,
        help_text=_("Whether this person may sign in to this admin site."),
    )
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Untick this instead of deleting people."),
    )
    date_joined = models.DateTimeField(_("added"), default=timezone.now)
    # Part of every session's hash: a new version ends them all, even without the session store.
    session_version = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("email",)
        swappable = "AUTH_USER_MODEL"
        # Upper, not Lower: Django's iexact compares UPPER() on PostgreSQL, so the index serves it.
        constraints: ClassVar = [
            models.UniqueConstraint(
                Upper("email"),
                name="accounts_user_email_unique",
                violation_error_message=_("A user with this email address already exists."),
            )
        ]

    @override
    def __str__(self) -> str:
        return self.email

    def end_sessions(self) -> None:
        """Make all sessions of this person invalid, wherever they are stored."""
        User.objects.filter(pk=self.pk).update(session_version=models.F("session_version") + 1)
        self.refresh_from_db(fields=["session_version"])

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        value = f"{self.session_version}:{self.password}"
        salt = "accounts.models.User.get_session_auth_hash"
        return salted_hmac(salt, value, secret=secret, algorithm="sha256").hexdigest()

    def get_full_name(self) -> str:
        """The name, or the email when there is none."""
        return self.name or self.email

    get_short_name = get_full_name  # for admin's header


class TenantOfDomain(models.Model):
    """The tenant of a domain in MICROSOFT_TENANT_ID, as first resolved. Rows are never changed."""

    name = models.CharField(_("login URL and domain"), max_length=255, unique=True)
    tid = models.CharField(_("tenant"), max_length=36)
    at = models.DateTimeField(_("time"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("tenant of a domain")
        verbose_name_plural = _("tenants of domains")

    @override
    def __str__(self) -> str:
        return f"{self.name}: {self.tid}"


class SignIn(models.Model):
    """One finished attempt to sign in, admitted or refused. Rows are never changed."""

    class Outcome(models.TextChoices):
        ADMITTED = "admitted", _("Admitted")
        REFUSED = "refused", _("Refused")

    class Method(models.TextChoices):
        MICROSOFT = "microsoft", _("Microsoft")
        PASSWORD = "password", _("Password")
        BREAK_GLASS = "break_glass", _("Break-glass link")
        SESSION = "session", _("Open session")

    class Source(models.TextChoices):
        """Where a row's facts come from; a browser's claims can be forged by anyone."""

        HERE = "here", _("Seen here")
        MICROSOFT = "microsoft", _("Said by Microsoft to us")
        BROWSER = "browser", _("Claimed by the browser")

    at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    method = models.CharField(_("method"), max_length=12, choices=Method, default=Method.MICROSOFT)
    reason = models.CharField(_("reason"), max_length=32, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    source = models.CharField(
        _("known from"), max_length=9, choices=Source, blank=True, default="", db_default=""
    )
    reference = models.CharField(_("reference"), max_length=9)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="sign_ins",
    )
    email = models.CharField(_("claimed email"), max_length=254, blank=True)
    claimed_name = models.CharField(
        _("claimed name"), max_length=150, blank=True, default="", db_default=""
    )
    tid = models.CharField(_("tenant"), max_length=36, blank=True)
    oid = models.CharField(_("object ID"), max_length=36, blank=True)
    client_ip = models.GenericIPAddressField(_("client IP"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=256, blank=True)
    host = models.CharField(_("host"), max_length=255, blank=True)
    took_ms = models.PositiveIntegerField(_("milliseconds in all"), default=0)
    microsoft_ms = models.PositiveIntegerField(_("milliseconds waiting for Microsoft"), default=0)
    microsoft_request_id = models.CharField(
        _("request at Microsoft"), max_length=36, blank=True, default="", db_default=""
    )

    # Names only, for doctor: which optional claims the token did not have.
    lacking_claims = models.CharField(max_length=80, blank=True, default="", db_default="")

    class Meta:
        permissions = (("end_sessions", "Can see who is signed in and end their sessions"),)
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering = ("-at",)
        get_latest_by = "at"
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="accounts_signin_at"),
            models.Index(fields=["reason", "-at"], name="accounts_signin_reason_at"),
            models.Index(fields=["user", "-at"], name="accounts_signin_user_at"),
            models.Index(fields=["reference"], name="accounts_signin_reference"),
            models.Index(Upper("email"), "at", name="accounts_signin_email_at"),
            # Partial indexes, small because these rows are rare.
            models.Index(fields=["oid"], name="accounts_signin_oid", condition=~models.Q(oid="")),
            models.Index(
                fields=["-at"],
                name="accounts_signin_refused_at",
                condition=models.Q(outcome="refused"),
            ),
            models.Index(
                fields=["method", "-at"],
                name="accounts_signin_method_at",
                condition=~models.Q(method="microsoft"),
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.reference


class BreakGlassLink(models.Model):
    """A one-time link to sign in without Microsoft; its token is stored as a hash."""

    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="+"
    )
    made_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)
    used_at = models.DateTimeField(_("used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("break-glass link")
        verbose_name_plural = _("break-glass links")
        ordering = ("-made_at",)

    @override
    def __str__(self) -> str:
        return f"{self.user} {self.made_at:%Y-%m-%d %H:%M}"


class RoleMapping(models.Model):
    """The rights that an app role of Entra gives; `value` may also be a group's object ID."""

    value = models.CharField(
        _("role"),
        max_length=120,
        unique=True,
        validators=[
            validators.RegexValidator(r"\A[^\s.][^\s]*\Z", _("A role's Value, not its name."))
        ],
        help_text=_("The role's Value in Entra, letter for letter; or a group's Object ID."),
    )
    is_staff = models.BooleanField(_("staff status"), default=True)
    is_superuser = models.BooleanField(_("superuser status"), default=False)
    groups = models.ManyToManyField(
        "auth.Group", verbose_name=_("groups"), blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("app role")
        verbose_name_plural = _("app roles")
        ordering = ("value",)

    @override
    def __str__(self) -> str:
        return self.value


class RoleGrant(models.Model):
    """The roles of a person's last sign-in, and the rights that the mapping gave and may take."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="role_grant"
    )
    state = models.CharField(max_length=8)
    roles = models.JSONField(default=list)
    staff = models.BooleanField(default=False)
    superuser = models.BooleanField(default=False)
    groups = models.JSONField(default=list)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("rights by role")
        verbose_name_plural = _("rights by role")

    @override
    def __str__(self) -> str:
        return f"{self.user}: {', '.join(self.roles)}"


class RolesSeen(models.Model):
    """An app registration that has sent roles: only then a token without any means no roles."""

    client_id = models.CharField(max_length=36, unique=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("app with roles")
        verbose_name_plural = _("apps with roles")

    @override
    def __str__(self) -> str:
        return self.client_id


class UsedMark(models.Model):
    """A used state, where no cache is shared by all processes."""

    key = models.CharField(max_length=120, primary_key=True)
    until = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    @override
    def __str__(self) -> str:
        return self.key


class SessionVersion(models.Model):
    """A person's session version, for a user model without `session_version`."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    version = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    @override
    def __str__(self) -> str:
        return f"{self.user_id}: {self.version}"


class AppendOnlyError(Exception):
    """An audit row was to be changed or deleted, which triggers in PostgreSQL prevent as well."""


class NeverChanged(models.QuerySet[Any]):
    """Rows that no code changes; an erasure that accounts for them may delete them."""

    @override
    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError(f"{self.model._meta.verbose_name}: rows are never changed.")


class AppendOnly(NeverChanged):
    """Rows that no code changes or deletes."""

    @override
    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError(f"{self.model._meta.verbose_name}: rows are never deleted.")


class AuditModel(models.Model):
    """A row that is saved only once."""

    class Meta:
        abstract = True

    @override
    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{self._meta.verbose_name}: rows are never changed.")
        super().save(*args, **kwargs)

    @override
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError(f"{self._meta.verbose_name}: rows are never deleted.")


class AuditEntry(AuditModel):
    """Who did what to whom. Never changed or deleted; names of people are in AuditText.

    It has no foreign key to a person, whom it may outlive.
    """

    class Actor(models.TextChoices):
        PERSON = "person", _("Signed-in person")
        VISITOR = "visitor", _("Someone signing in")
        COMMAND = "command", _("Command")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    action = models.CharField(_("action"), max_length=40)
    actor_kind = models.CharField(_("kind of actor"), max_length=8, choices=Actor)
    actor_key = models.CharField(max_length=64, blank=True)
    subject_kind = models.CharField(max_length=120, blank=True)
    subject_key = models.CharField(max_length=64, blank=True)
    reference = models.CharField(_("reference"), max_length=9)
    # Digests of its texts by role, which remain when a text is erased.
    texts = models.JSONField(default=dict, editable=False)
    key_id = models.CharField(max_length=8, editable=False)
    mac = models.CharField(max_length=64, editable=False)

    objects = AppendOnly.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-at",)
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="accounts_audit_at"),
            models.Index(fields=["action", "-at"], name="accounts_audit_action_at"),
            models.Index(fields=["reference"], name="accounts_audit_reference"),
        ]

    @override
    def __str__(self) -> str:
        return self.reference


class AuditText(AuditModel):
    """An entry's text about its actor or subject, which an erasure may delete."""

    class Role(models.TextChoices):
        ACTOR = "actor", _("Actor")
        SUBJECT = "subject", _("Subject")

    entry = models.ForeignKey(AuditEntry, on_delete=models.DO_NOTHING, related_name="parts")
    role = models.CharField(max_length=7, choices=Role)
    # The primary key of the person it is about, or "".
    person = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=254, blank=True)
    content = models.JSONField(default=dict)
    salt = models.CharField(max_length=32)

    objects = NeverChanged.as_manager()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry", "role"], name="accounts_audit_text_once")
        ]
        indexes: ClassVar = [models.Index(fields=["person"], name="accounts_audit_text_person")]

    @override
    def __str__(self) -> str:
        return self.name


class AuditSeal(AuditModel):
    """A link of the chain: the digest of an entry and of all before it, signed by the site."""

    seq = models.PositiveBigIntegerField(primary_key=True)
    entry = models.OneToOneField(AuditEntry, on_delete=models.DO_NOTHING, related_name="seal")
    digest = models.CharField(max_length=64)
    key_id = models.CharField(max_length=8)
    mac = models.CharField(max_length=64)
    # Whether the previous link's signature could be verified when this one was made.
    vouched = models.BooleanField()

    objects = AppendOnly.as_manager()

    class Meta:
        default_permissions = ()

    @override
    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"
