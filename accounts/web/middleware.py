"""One origin for staff, and sessions that survive an outage of their store."""

from __future__ import annotations

from typing import Final, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.contrib.sessions import middleware as django_sessions
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.deprecation import MiddlewareMixin
from django.utils.encoding import escape_uri_path
from typing_extensions import override

from .. import staff_urls
from ..conf import conf, is_a_host
from ..reasons import Refused
from ..signin.record import Attempt
from ..stores.outages import is_outage
from . import errors, refusal, request_facts, throttle
from .next_path import login_page_url, next_from

MARK: Final = "origin_checked"


class CanonicalOriginMiddleware(MiddlewareMixin):
    """Sends a browser on another host or scheme to PUBLIC_URL before sign-in starts.

    The session cookie of another origin would not be sent on the way back from Microsoft. The
    redirect is marked: when a marked request still has the wrong origin, a proxy hides host or
    scheme, and a page says so instead of a redirect loop. No host from the request is used.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        front = ("/",) if request.path == "/" and not is_a_host() else ()
        if not request.path.startswith(
            (*front, *staff_urls.staff_prefixes(), *staff_urls.sign_in_prefixes())
        ):
            return None
        if request.path == staff_urls.callback():  # its state says what became of its origin
            return None
        if _origin(request) != conf.PUBLIC_URL:
            return _elsewhere(request)
        if request.method in ("GET", "HEAD") and MARK in request.GET:
            return _redirect(_path(request, marked=False))
        return None


class SessionMiddleware(django_sessions.SessionMiddleware):
    """Django's, but it deletes no cookie of someone who did not sign out.

    An unavailable store raises, so the session is neither empty nor saved. And the cookie of a
    session that is gone stays, since another tab may just have been given a new one.
    """

    @override
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """The response; when the session cannot be saved, a page that says so."""
        try:
            response = super().process_response(request, response)
        except Exception as error:
            return errors.outage(request, error)
        if request.session.is_empty() and not request.session.modified:
            response.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """An outage in a view has its page under DEBUG, too."""
        return errors.failure(request, error) if is_outage(error) else None


def _elsewhere(request: HttpRequest) -> HttpResponse:
    if MARK in request.GET:
        return refusal.answered(request, next_from(request), _misconfigured)
    if request.method in ("GET", "HEAD"):
        return _redirect(_path(request, marked=True))
    return _redirect(login_page_url(next_from(request)), status=303)


def _misconfigured(request: HttpRequest, attempt: Attempt) -> NoReturn:
    # Anyone can ask for this page, which must not fill the record.
    throttle.WRONG_ORIGINS.count(request_facts.client_network(request))
    raise Refused("misconfigured", _why(request), source="browser")


def _origin(request: HttpRequest) -> str:
    """The browser's origin as this site sees it; never used as the target of a redirect."""
    names = ("HTTP_X_FORWARDED_HOST",) if settings.USE_X_FORWARDED_HOST else ()
    names = (*names, "HTTP_HOST", "SERVER_NAME")
    host = next(filter(None, (str(request.META.get(name, "")) for name in names)), "")
    usual = ":443" if request.scheme == "https" else ":80"
    return f"{request.scheme}://{host.lower().removesuffix(usual)}"


def _path(request: HttpRequest, *, marked: bool) -> str:
    pairs = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
    query = [pair for pair in pairs if pair[0] != MARK] + ([(MARK, "1")] if marked else [])
    path = escape_uri_path(request.path)
    return f"{path}?{urlencode(query)}" if query else path


def _redirect(path: str, status: int = 302) -> HttpResponse:
    response = HttpResponseRedirect(conf.PUBLIC_URL + path)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def _why(request: HttpRequest) -> str:
    """What differs, without the host itself, which the client can choose."""
    public, seen = urlsplit(conf.PUBLIC_URL), urlsplit(_origin(request))
    scheme = f"the scheme {seen.scheme}" if seen.scheme != public.scheme else ""
    host = "another host" if seen.netloc != public.netloc else ""
    difference = " and ".join(filter(None, (scheme, host)))
    return f"origin: after a redirect to {conf.PUBLIC_URL} the request still has {difference}"
