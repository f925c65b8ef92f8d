"""Django's admin site with the Microsoft button on its login page, and this app's pages."""

from __future__ import annotations

from functools import partial, wraps
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import Engine
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext as _
from typing_extensions import override

from .. import registration, staff_urls
from ..conf import conf, is_a_host
from ..models import SignIn
from ..reasons import Refused
from ..signin.record import Attempt
from ..web import (
    automatic_sign_in,
    break_glass,
    entrance,
    microsoft_session,
    password,
    refusal,
    site_names,
    step_up,
)
from ..web.headers import no_store, with_button
from ..web.next_path import next_from, start_url
from . import account_news, front_page, guard, login_page, model_admin, own_pages

_DJANGOS_PAGE: Final = Path(admin.__file__).parent / "templates/admin/login.html"
_TEMPLATE: Final = "microsoft_admin/admin/login.html"
_BUTTON: Final = b"microsoft-button"


class MicrosoftAdminSiteMixin(AdminSite):
    """Staff sign in with Microsoft; with ADMIN_PASSWORD_LOGIN also by password.

    For a site class of your own, whatever it extends:

        class OfficeSite(MicrosoftAdminSiteMixin, OTPAdminSite): ...

    In another Django site `compose` adds it to the default admin. This app's pages are on the
    default admin site, or on the one given to `pages.register`.
    """

    signs_in_with_microsoft: Final = True  # read by accounts/staff_urls.py
    # This repository has an admin/login.html of its own, which comes to the same.
    login_template = _TEMPLATE if is_a_host() else "admin/login.html"
    logout_template = "microsoft_admin/admin/logged_out.html"
    index_template = "microsoft_admin/admin/index.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _audit_deletions(self)

    @override
    def __setattr__(self, name: str, value: Any) -> None:
        """`admin.site.__class__ = OTPAdminSite`, as packages advise, keeps the mixin."""
        super().__setattr__(name, _composed(value) if name == "__class__" else value)

    @property  # type: ignore[explicit-override]
    def login_form(self) -> type[AuthenticationForm]:
        """The site's own form, if one was set, with a throttle."""
        return password.throttled(vars(self).get("login_form") or AdminAuthenticationForm)

    @login_form.setter
    def login_form(self, form: type[AuthenticationForm]) -> None:
        vars(self)["login_form"] = form

    @property
    def has_our_pages(self) -> bool:
        """Whether the pages of this app are among this site's."""
        return self.is_registered(SignIn)

    @override
    def has_permission(self, request: HttpRequest) -> bool:
        """Whether it is active staff, whose session began with a sign-in by this app."""
        return super().has_permission(request) and entrance.opens_admin(request)

    @override
    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """With SITE_NAME in titles and headers; and messages with news of the account."""
        match = request.resolver_match
        is_front_page = match is not None and match.url_name == "index"
        if self.has_our_pages and not is_front_page and self.has_permission(request):
            account_news.show(request)
        return {**super().each_context(request), **site_names.names()}

    @override
    @login_not_required
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The login page; a signed-in staff member goes straight on to `next`."""
        if request.method != "POST" and self.has_permission(request):
            return no_store(HttpResponseRedirect(self._next(request)))
        if step := self._further_step(request):
            return no_store(HttpResponseRedirect(step))
        context = {**self._button(request), **(extra_context or {})}
        if not conf.ADMIN_PASSWORD_LOGIN:
            return no_store(with_button(self._button_page(request, context)))
        return no_store(with_button(self._with_password(request, context)))

    def further_step(self, request: HttpRequest) -> str:
        """The URL for who has signed in, but lacks what this site class demands beside it.

        Such as your page that asks for a one-time code; "" if there is none.
        """
        return ""

    @override
    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Ends the session; the page offers to sign out of Microsoft too."""
        context = {"microsoft_logout_url": microsoft_logout_url(request)}
        return automatic_sign_in.stop(
            no_store(super().logout(request, {**context, **(extra_context or {})}))
        )

    @override
    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """With a fresh sign-in for dangerous pages (STEP_UP), and 400 for invalid parameters."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def outer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if self.has_permission(request) and guard.asks_for_step_up(request):
                return step_up.ask(request)
            return guard.completed(request, guard.guarded(inner, request, *args, **kwargs))

        return outer

    @override
    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The front page, with what needs attention."""
        more = front_page.context_for(request.user) if self.has_our_pages else {}
        if more.get("has_news"):
            account_news.show(request, is_on_page=True)
        response = super().index(request, {**more, **(extra_context or {})})
        if not (response.context_data or {}).get("app_list"):
            response.template_name = "microsoft_admin/admin/no_permissions.html"
        return response

    @override
    def get_urls(self) -> list[URLResolver | URLPattern]:
        break_glass_page = path("break-glass/", break_glass.enter, name="break_glass")
        own = own_pages.urls(self) if self.has_our_pages else []
        return [break_glass_page, *own, *super().get_urls()]

    @override
    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """With the pages that have no model; empty for whoever is not signed in."""
        if not request.user.is_authenticated:
            return []
        listed = super().get_app_list(request, app_label)
        if not self.has_our_pages:
            return listed
        return own_pages.with_own_pages(listed, request.user, app_label)

    @override
    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """On this site with ADMIN_PASSWORD_LOGIN only. Raises Http404."""
        if not (conf.ADMIN_PASSWORD_LOGIN or is_a_host()):
            raise Http404
        return super().password_change(request, extra_context)

    def _further_step(self, request: HttpRequest) -> str:
        if request.method == "POST" or not _is_admitted(request):
            return ""
        url = self.further_step(request)
        return f"{url}?{urlencode({'next': self._next(request)}, safe='/')}" if url else ""

    def _next(self, request: HttpRequest) -> str:
        return next_from(request, reverse("admin:index", current_app=self.name))

    def _button(self, request: HttpRequest) -> dict[str, Any]:
        user = request.user
        return {
            "title": _("Sign in"),
            "microsoft_login_url": start_url(self._next(request)),
            "password_login": conf.ADMIN_PASSWORD_LOGIN,
            "signed_in_as": user.get_username() if user.is_authenticated else "",
            "signed_in_elsewhere": super().has_permission(request),
            "more_is_asked": _is_admitted(request),
            "again": refusal.again_token() if user.is_authenticated else "",
            "ended": request.GET.get("ended", ""),
            "idle_minutes": conf.SESSION_IDLE_MINUTES,
        }

    def _button_page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        if automatic_sign_in.starts_by_itself(request):
            return automatic_sign_in.pause(self._page(request, {**context, "automatic": True}))
        if login_page.is_shared(request):
            one = {**context, "csrf_token": login_page.TOKEN}
            url = context["microsoft_login_url"]
            return login_page.cached(request, url, lambda: self._page(request, one))
        return self._page(request, context)

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> TemplateResponse:
        """The page without a password form; POST is not allowed."""
        context = {**self.each_context(request), **context}
        status = 405 if request.method == "POST" else 200
        request.current_app = self.name
        response = TemplateResponse(request, self.login_template, context, status=status)
        response.add_post_render_callback(_with_djangos_page)
        if status == 405:
            response.headers["Allow"] = "GET, HEAD"
        return response

    def _with_password(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        work = partial(self._password_page, context=context)
        return refusal.answered(request, self._next(request), work, SignIn.Method.PASSWORD)

    def _password_page(
        self, request: HttpRequest, _attempt: Attempt, context: dict[str, Any]
    ) -> HttpResponse:
        response = super().login(request, context)
        if isinstance(response, TemplateResponse):
            response.add_post_render_callback(_with_djangos_page)
        if request.method == "POST" and response.status_code == 302:
            password.record_admission(request)
        return response


class StaffAdminSite(MicrosoftAdminSiteMixin, AdminSite):
    """Django's admin site with the button: the default one, by StaffAdminConfig."""

    site_url = "/" if is_a_host() else None  # "View site" would lead back here


def _is_admitted(request: HttpRequest) -> bool:
    """Whether this app lets them in, so that only the site class can keep them out."""
    user = request.user
    may = user.is_active and getattr(user, "is_staff", False)
    return bool(may and entrance.opens_admin(request))


def _with_djangos_page(response: TemplateResponse) -> None:
    """Render with Django's login page if the site's own has no block for the button."""
    if _BUTTON not in response.content and response.context_data is not None:
        text = _DJANGOS_PAGE.read_text(encoding="utf-8")
        response.template_name = _TEMPLATE
        response.context_data["login_page"] = Engine.get_default().from_string(text)
        response.content = response.rendered_content


def compose(site: AdminSite) -> None:
    """Add the mixin to the class of an existing site."""
    kind = site.__class__  # not type(): the default site is a proxy
    if not issubclass(kind, MicrosoftAdminSiteMixin):
        site.__class__ = _composed(kind)
        _audit_deletions(site)


def _composed(kind: type[AdminSite]) -> type[AdminSite]:
    if issubclass(kind, MicrosoftAdminSiteMixin):
        return kind
    return type(kind.__name__, (MicrosoftAdminSiteMixin, kind), {})


def _audit_deletions(site: AdminSite) -> None:
    site.disable_action("delete_selected")
    site.add_action(model_admin.delete_selected, "delete_selected")


def microsoft_logout_url(request: HttpRequest) -> str:
    """Where this person ends their session at Microsoft and comes back; "" without one.

    OpenID Connect RP-Initiated Logout 1.0, section 2. With `logout_hint` Microsoft does not ask
    which account to sign out.
    """
    session = microsoft_session.of(request.session)
    endpoint = _end_session_endpoint() if session.identity else ""
    if not endpoint:
        return ""
    back = conf.PUBLIC_URL + staff_urls.login_page()
    asked = {"post_logout_redirect_uri": back, "logout_hint": session.login_hint}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def _end_session_endpoint() -> str:
    """From metadata in memory, without a request; else ""."""
    try:
        discovery = registration.in_force().authority().known()
    except Refused:
        return ""
    return (discovery and discovery.end_session_endpoint) or ""
