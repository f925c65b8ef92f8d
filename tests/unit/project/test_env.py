"""The environment: what each variable takes, what it refuses, and how that is told."""

import subprocess
import sys

import pytest

from accounts.configuration.table import BadEnvironment
from accounts.ids import CONSUMER_TENANT
from project import variables
from project.variables import VARIABLES, Environment
from tests.servers.environment import deployed_environment
from tests.servers.process import ROOT, clean_environment

GOOD = {name: value for name, value in deployed_environment().items() if name in VARIABLES}
TENANT, OTHER = GOOD["MICROSOFT_TENANT_ID"], "22222222-2222-4222-8222-222222222222"
KEY = GOOD["SECRET_KEY"]


def load(**changes: str) -> Environment:
    """The environment of a deployed site, changed."""
    return variables.load(GOOD | changes)


def problems(**changes: str) -> list[str]:
    with pytest.raises(BadEnvironment) as caught:
        load(**changes)
    return list(caught.value.problems)


WRONG = {
    "SUPERUSER_FIRST_SIGN_IN": ["mail", "OID,email", "true"],
    "DEBUG": ["maybe", "2", "tru"],
    "SECRET_KEY": ["short", "x" * 60, "ab" * 30, "django-insecure-" + KEY],
    "SECRET_KEY_FALLBACKS": ["short", f"{KEY},short"],
    "PUBLIC_URL": [
        "staff.example.com",
        "ftp://staff.example.com",
        "http://staff.example.com",
        "http://10.0.0.4",
        "http://[2001:db8::4]",
        "https://staff.example.com/admin/",
        "https://staff.example.com?x=1",
        "https://user:word@staff.example.com",
        "https://",
        "https://staff.example.com:port",
        "https://staff example.com",
        "https://*.example.com",
        "https://10.0.0.400",
        "https://10.0",
    ],
    "ALLOWED_HOSTS": [
        "https://staff.example.com",
        "*",
        "staff.example.com:8000",
        "a b",
        "10.0.0.400",
    ],
    "TRUSTED_PROXY_COUNT": ["-1", "11", "one", "1.5"],
    "DATABASE_URL": [
        "mysql://u@h/n",
        "sqlite:///db.sqlite3",
        "postgres://u@h",
        "db",
        "postgres://h:x/n",
        "postgres://u@h:0/n",
        "postgres://u@10.0.0.400/n",
        "postgres://u@db..example.com/n",
        "postgres://u@h/n,",
        "postgres://u@h/n?sslmode=require&auth=key",
        "postgres://u@h/n?auth=entra",
        "postgres://u@h/n?sslmode=prefer&auth=entra",
        "postgres://u:p@h/n?sslmode=require&auth=entra",
        "postgres://h/n?sslmode=require&auth=entra",
        "postgres://id@127.0.0.1/n?hostaddr=10.0.0.1&auth=entra",
    ],
    "REDIS_URL": [
        "http://h",
        "redis://",
        "redis://h/name",
        "redis://h:0/0",
        "redis://10.0.0.400/0",
        "redis+sentinel://a:1,redis+sentinel://-:1/one",
        "redis://h:port/0",
        "redis://a,redis://b",
        "redis+sentinel://a:1,redis://b",
        "redis+sentinel://a:1,rediss+sentinel://b:1/one",
        "redis+sentinel://a:1,redis+sentinel://b:1",
        "redis+sentinel://a:1/one,redis+sentinel://b:1/two",
        "redis+sentinel://a:1/one/two",
        "rediss://h/0?auth=key",
        "redis://h/0?auth=entra",
        "rediss://u@h/0?auth=entra",
        "rediss://:p@h/0?auth=entra",
        "redis+sentinel://a:1/one?auth=entra",
        "rediss+sentinel://a:1/one?auth=entra",
        "rediss://h/0?ssl_cert_reqs=none&auth=entra",
        "rediss://h/0?password=x&auth=entra",
    ],
    "MICROSOFT_TENANT_ID": [
        "common",
        "consumers",
        "organizations",
        "Contoso",
        CONSUMER_TENANT.upper(),
        "https://contoso.com",
    ],
    "MICROSOFT_ALLOWED_TENANTS": ["contoso.com", f"{TENANT},x", CONSUMER_TENANT],
    "MICROSOFT_CLIENT_ID": ["staff-site", TENANT + "0"],
    "MICROSOFT_CLIENT_SECRET": [
        OTHER,
        "with space",
        "true",
        "-1.5",
        "gehe\N{LATIN SMALL LETTER I WITH DIAERESIS}m",
    ],
    "MICROSOFT_CLIENT_CERTIFICATE": [OTHER, "/run/not/there.pem", "words", "x" * 40, "A" * 40],
    "MICROSOFT_CLIENT_CERTIFICATE_PASSWORD": ["without a certificate"],
    "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID": ["staff-identity", "/subscriptions/x", OTHER],
    "MICROSOFT_TOKEN_FILE": ["token", "/run/not/there", "/", OTHER],
    "MICROSOFT_CLIENT_SECRET_EXPIRES": ["30.11.2027", "2027-11-31", "in two years", "1"],
    "ROLES_REQUIRED": ["maybe", "1.0"],
    "MICROSOFT_LOGIN_URL": [
        "http://login.localhost:8400",
        "login.microsoftonline.com",
        "http://login.microsoftonline.com",
        "https://login.microsoftonline.com/common",
        "https://login-us.microsoftonline.com",
        "https://login.chinacloudapi.cn",
    ],
    "MICROSOFT_PROXY_URL": [
        "proxy.example.com:3128",
        "socks5://proxy.example.com:1080",
        "http://proxy.example.com:3128/path",
        "http://user:password@:3128",
        "http://proxy.example.com:port",
        "http://pass word@proxy.example.com:3128",
    ],
    "MICROSOFT_CA_BUNDLE": ["company.pem", "/run/not/there.pem", "/", "/etc/hostname"],
    "MICROSOFT_ALLOW_GUESTS": ["some"],
    "MICROSOFT_DOMAIN_HINT": [
        "consumers",
        "contoso",
        "contoso.1",
        "https://contoso.com",
        "a b.com",
    ],
    "SIGN_IN_AUTOMATICALLY": ["sometimes"],
    "ADMIN_PASSWORD_LOGIN": ["if needed"],
    "ADMIN_BY_MICROSOFT_ONLY": ["maybe"],
    "STAFF_PATHS": [
        "/",
        "reports",
        "/reports",
        "reports/",
        "//reports/",
        "/a//b/",
        "/../",
        "/a/../",
        "https://x.example/",
        "/a?b/",
        "/accounts/",
        "/accounts/x/",
        "/é/",
        "/%2e%2e/",
        "/\\x/",
        "/.well/",
    ],
    "SESSION_HOURS": ["0", "721", "8h"],
    "SESSION_IDLE_MINUTES": ["-1", "1441", "2h"],
    "SESSIONS_AT_ONCE": ["-1", "101", "many"],
    "RECHECK_MINUTES": ["-1", "1441", "1.5"],
    "STEP_UP": ["on", "c0", "c100", "mfa", "c٣"],
    "SIGN_IN_LOG_DAYS": ["0", "3651", "a year"],
    "WEB_CONCURRENCY": ["0", "many"],
    "PORT": ["0", "65536", "http"],
    "LOG_FORMAT": ["xml"],
    "TIME_ZONE": ["Berlin", "UTC+2", "+02:00", "W. Europe Standard Time", "localtime", "../UTC"],
    "SITE_NAME": ["x" * 61, '"Contoso staff"', "'Contoso staff'"],
    "ADMIN_CONTACT": [
        "it",
        "it@",
        "javascript://x",
        "ftp://h",
        "https://",
        "https://u:p@h/",
        "a b",
    ],
    "PRIVATE_NETWORK": ["maybe"],
    "EMULATOR_PORT": ["0", "x"],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in WRONG.items() for v in vs])
def test_a_wrong_value_is_told_by_name_with_an_example(name: str, value: str) -> None:
    [problem] = [line for line in problems(**{name: value}) if line.startswith(f"{name} ")]
    assert VARIABLES[name].example in problem


def test_every_variable_has_wrong_values_here() -> None:
    assert WRONG.keys() == VARIABLES.keys()


def test_three_wrong_values_are_three_lines_of_one_message() -> None:
    with pytest.raises(BadEnvironment) as caught:
        load(SESSION_HOURS="x", PORT="x", LOG_FORMAT="x")
    lines = str(caught.value).splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["PORT", "LOG_FORMAT", "SESSION_HOURS"]


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "MICROSOFT_TENANT_ID"]
)
@pytest.mark.parametrize("value", ["", "  "])
def test_a_required_variable_that_is_missing_or_empty_is_told(name: str, value: str) -> None:
    [problem] = problems(**{name: value})
    assert problem.startswith(f"{name} is required when DEBUG is not true.")


@pytest.mark.parametrize(
    "secret",
    [
        {"SECRET_KEY": "hunter2"},
        {"SECRET_KEY_FALLBACKS": "hunter2"},
        {"DATABASE_URL": "postgres://u:hunter2@h:x/n"},
        {"DATABASE_URL": "mysql://u:hunter2@h/n"},
        {"DATABASE_URL": "postgres://u:hunter2@h/n?auth=entra"},
        {"REDIS_URL": "redis://:hunter2@h/x"},
        {"REDIS_URL": "rediss://:hunter2@h/0?auth=entra"},
        {"REDIS_URL": "rediss://h/0?auth=hunter2"},
        {"REDIS_URL": "redis+sentinel://:hunter2@h"},
        {"MICROSOFT_CLIENT_SECRET": "hunter2 hunter2"},
        {"PUBLIC_URL": "https://u:hunter2@h"},
    ],
)
def test_a_problem_never_quotes_a_secret(secret: dict[str, str]) -> None:
    assert "hunter2" not in "".join(problems(**secret))


def test_the_environment_hides_its_secrets_from_repr() -> None:
    assert KEY not in repr(load()) + repr(load().REDIS_URL)


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "check"],
        ["manage.py", "staff", "list"],
        ["-m", "gunicorn", "-c", "project/gunicorn.conf.py", "project.wsgi"],
    ],
)
def test_start_up_stops_with_words_and_no_traceback(command: list[str]) -> None:
    env = clean_environment(**GOOD | {"SESSION_HOURS": "0"})
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert ended.stderr == (
        "The environment is not right:\n  SESSION_HOURS must be from 1 to 720, not 0. Example: 8\n"
    )


@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="the site's Python is elsewhere")
def test_manage_py_finds_the_sites_python() -> None:
    """A shell's own python3 has no Django; -S hides ours from it."""
    command = [sys.executable, "-S", "manage.py", "check"]
    env = clean_environment(**GOOD | {"SESSION_HOURS": "0"})
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert "SESSION_HOURS must be from 1 to 720" in ended.stderr
