"""Settings that lose a session, or the cookie that leads to it."""

import tempfile

from tests.faults.fault import GETS_IN, Fault, fault
from tests.faults.stage import MISTAKES, Stage

NOT_BACK = "the session cookie would not come back from Microsoft"
DEAD_BUTTON = "a bare 403 page"


@fault(
    "Sessions live in the memory of each process",
    page="session_not_found",
    doctor="sessions.shared",
    says="Sessions are not shared between processes",
)
def per_process_sessions(stage: Stage) -> str:
    """SESSION_ENGINE is Django's cache, CACHES is LocMemCache, gunicorn has two workers."""
    stage.start(mistake="per_process_sessions", workers=2)
    return stage.sign_in_until("session_not_found")


per_process_cache = Fault(
    "The cache lives in the memory of each process",
    "SESSION_ENGINE is Django's database, CACHES is LocMemCache, gunicorn has two workers.",
    mistake="per_process_cache",
    workers=2,
    page=GETS_IN,
    doctor="sessions.cache_shared",
    says="another worker would accept a used state again",
)


@fault(
    "Sessions are files on each instance's own disk",
    page="session_not_found",
    doctor="accounts.E020",
    says="SESSION_ENGINE is django.contrib.sessions.backends.file",
)
def file_sessions(stage: Stage) -> str:
    """Two instances behind a proxy, each with SESSION_FILE_PATH on a disk of its own."""
    first, second = (stage.stack.enter_context(tempfile.TemporaryDirectory()) for _ in "ab")
    one = {"DJANGO_SETTINGS_MODULE": MISTAKES, "MISTAKE": "file_sessions"}
    stage.start_both(one | {"SESSION_FILES": first}, one | {"SESSION_FILES": second})
    return stage.sign_in()


signed_cookies = Fault(
    "Sessions live in the cookie itself",
    "SESSION_ENGINE is signed_cookies: signing out, or being ended, ends no copied cookie.",
    mistake="signed_cookies",
    page=GETS_IN,
    doctor="accounts.E021",
    says="SESSION_ENGINE is django.contrib.sessions.backends.signed_cookies",
)

samesite_strict = Fault(
    "The session cookie is SameSite=Strict",
    "SESSION_COOKIE_SAMESITE is Strict, so the browser withholds it on the way back.",
    mistake="samesite_strict",
    page="cookie_not_sent",
    doctor="accounts.E003",
    says=NOT_BACK,
)

cookie_domain = Fault(
    "The session cookie is for another host",
    "SESSION_COOKIE_DOMAIN names a host that people do not use: the browser refuses it.",
    mistake="cookie_domain",
    page="cookie_not_sent",
    doctor="accounts.E024",
    says="SESSION_COOKIE_DOMAIN is 'staff.example.com'",
)

cookie_path = Fault(
    "The session cookie's path leaves the callback out",
    "SESSION_COOKIE_PATH is /admin/; the callback is under /accounts/.",
    mistake="cookie_path",
    page="cookie_not_sent",
    doctor="accounts.E025",
    says="SESSION_COOKIE_PATH is '/admin/'",
)

secure_cookie_on_http = Fault(
    "The session cookie is Secure, the site is http",
    "SESSION_COOKIE_SECURE is on, PUBLIC_URL is http.",
    mistake="secure_cookie_on_http",
    page="cookie_not_sent",
    doctor="accounts.E026",
    says="SESSION_COOKIE_SECURE is True",
)

secure_csrf_cookie_on_http = Fault(
    "The CSRF cookie is Secure, the site is http",
    "CSRF_COOKIE_SECURE is on, PUBLIC_URL is http: the button's POST is refused.",
    mistake="secure_csrf_cookie_on_http",
    page="form_refused",
    log="CSRF cookie not set",
    doctor="accounts.E007",
    says="CSRF_COOKIE_SECURE is True",
)

pickled_sessions = Fault(
    "Sessions are pickles",
    "The cache's SERIALIZER is PickleSerializer: who can write to Redis can run code here.",
    mistake="pickled_sessions",
    page=GETS_IN,
    doctor="accounts.E002",
    says="The cache is pickled",
)

saved_by_every_request = Fault(
    "Every request saves the whole session",
    "SESSION_SAVE_EVERY_REQUEST is on.",
    mistake="saved_by_every_request",
    page=GETS_IN,
    doctor="accounts.W003",
    says="an older copy may overwrite a new sign-in",
)

no_session_middleware = Fault(
    "The session middleware is missing",
    "MIDDLEWARE is an older list, without SessionMiddleware.",
    mistake="no_session_middleware",
    page="unexpected",
    record=None,
    log="SessionMiddleware",
    doctor="accounts.E005",
    says="MIDDLEWARE lacks SessionMiddleware",
)

stock_adapter = Fault(
    "allauth's own adapter is set instead of ours",
    "SOCIALACCOUNT_ADAPTER is allauth's default, which knows nothing of locked secrets.",
    mistake="stock_adapter",
    page=GETS_IN,
    doctor="accounts.E004",
    says="SOCIALACCOUNT_ADAPTER is not accounts.web.adapter.StaffSocialAccountAdapter",
)


@fault(
    "SECRET_KEY is made anew at each start",
    page="state_not_ours",
    doctor="environment.secret_key_same",
    says="SECRET_KEY differs from process to process",
)
def new_key_at_each_start(stage: Stage) -> str:
    """The settings call get_random_secret_key(), and there are two instances."""
    one = {"DJANGO_SETTINGS_MODULE": MISTAKES, "MISTAKE": "new_key_at_each_start"}
    stage.start_both(one, one)
    return stage.sign_in()
