"""Settings that lose a session, or the cookie that leads to it."""

import tempfile

from tests.faults.fault import GETS_IN, fault
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


@fault(
    "The cache lives in the memory of each process",
    page=GETS_IN,
    doctor="sessions.cache_shared",
    says="a used state could be used again by another worker",
)
def per_process_cache(stage: Stage) -> str:
    """SESSION_ENGINE is Django's database, CACHES is LocMemCache, gunicorn has two workers."""
    stage.start(mistake="per_process_cache", workers=2)
    return stage.sign_in()


@fault(
    "Sessions are files on each instance's own disk",
    page="session_not_found",
    doctor="accounts.E001",
    says="SESSION_ENGINE is django.contrib.sessions.backends.file",
)
def file_sessions(stage: Stage) -> str:
    """Two instances behind a proxy, each with SESSION_FILE_PATH on a disk of its own."""
    first, second = (stage.stack.enter_context(tempfile.TemporaryDirectory()) for _ in "ab")
    one = {"DJANGO_SETTINGS_MODULE": MISTAKES, "MISTAKE": "file_sessions"}
    stage.start_both(one | {"SESSION_FILES": first}, one | {"SESSION_FILES": second})
    return stage.sign_in()


@fault(
    "Sessions live in the cookie itself",
    page=GETS_IN,
    doctor="accounts.E001",
    says="SESSION_ENGINE is django.contrib.sessions.backends.signed_cookies",
)
def signed_cookies(stage: Stage) -> str:
    """SESSION_ENGINE is signed_cookies: signing out, or being ended, ends no copied cookie."""
    stage.start(mistake="signed_cookies")
    return stage.sign_in()


@fault(
    "The session cookie is SameSite=Strict",
    page="cookie_not_sent",
    doctor="accounts.E003",
    says=NOT_BACK,
)
def samesite_strict(stage: Stage) -> str:
    """SESSION_COOKIE_SAMESITE is Strict, so the browser withholds it on the way back."""
    stage.start(mistake="samesite_strict")
    return stage.sign_in()


@fault(
    "The session cookie is for another host",
    page="cookie_not_sent",
    doctor="accounts.E003",
    says="SESSION_COOKIE_DOMAIN is 'staff.example.com'",
)
def cookie_domain(stage: Stage) -> str:
    """SESSION_COOKIE_DOMAIN names a host that people do not use: the browser refuses it."""
    stage.start(mistake="cookie_domain")
    return stage.sign_in()


@fault(
    "The session cookie's path leaves the callback out",
    page="cookie_not_sent",
    doctor="accounts.E003",
    says="SESSION_COOKIE_PATH is '/admin/'",
)
def cookie_path(stage: Stage) -> str:
    """SESSION_COOKIE_PATH is /admin/; the callback is under /accounts/."""
    stage.start(mistake="cookie_path")
    return stage.sign_in()


@fault(
    "The session cookie is Secure, the site is http",
    page="cookie_not_sent",
    doctor="accounts.E003",
    says="SESSION_COOKIE_SECURE is True",
)
def secure_cookie_on_http(stage: Stage) -> str:
    """SESSION_COOKIE_SECURE is on, PUBLIC_URL is http."""
    stage.start(mistake="secure_cookie_on_http")
    return stage.sign_in()


@fault(
    "The CSRF cookie is Secure, the site is http",
    page=DEAD_BUTTON,
    doctor="accounts.E007",
    says="CSRF_COOKIE_SECURE is True",
)
def secure_csrf_cookie_on_http(stage: Stage) -> str:
    """CSRF_COOKIE_SECURE is on, PUBLIC_URL is http: the button's POST is refused."""
    stage.start(mistake="secure_csrf_cookie_on_http")
    return stage.sign_in()


@fault(
    "Sessions are pickles",
    page=GETS_IN,
    doctor="accounts.E002",
    says="Sessions or the cache are pickled",
)
def pickled_sessions(stage: Stage) -> str:
    """The cache's SERIALIZER is PickleSerializer: who can write to Redis can run code here."""
    stage.start(mistake="pickled_sessions")
    return stage.sign_in()


@fault(
    "Every request saves the whole session",
    page=GETS_IN,
    doctor="accounts.W003",
    says="an older copy may be written over a new sign-in",
)
def saved_by_every_request(stage: Stage) -> str:
    """SESSION_SAVE_EVERY_REQUEST is on."""
    stage.start(mistake="saved_by_every_request")
    return stage.sign_in()


@fault(
    "The session middleware is missing",
    page="unexpected",
    doctor="accounts.E005",
    says="MIDDLEWARE lacks one of SessionMiddleware",
)
def no_session_middleware(stage: Stage) -> str:
    """MIDDLEWARE is an older list, without SessionMiddleware."""
    stage.start(mistake="no_session_middleware")
    return stage.sign_in()


@fault(
    "allauth's own adapter stands in the place of ours",
    page=GETS_IN,
    doctor="accounts.E004",
    says="SOCIALACCOUNT_ADAPTER is not accounts.web.adapter.StaffSocialAccountAdapter",
)
def stock_adapter(stage: Stage) -> str:
    """SOCIALACCOUNT_ADAPTER is allauth's default, which knows nothing of locked secrets."""
    stage.start(mistake="stock_adapter")
    return stage.sign_in()


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
