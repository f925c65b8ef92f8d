"""Environment variables that stop the start, in words; and those that only warn."""

from tests.faults.fault import GETS_IN, NO_START, START_UP, Fault
from tests.faults.stage import UNKNOWN

secret_id = Fault(
    "MICROSOFT_CLIENT_SECRET is the secret's ID",
    "A GUID for a secret.",
    env={"MICROSOFT_CLIENT_SECRET": UNKNOWN},
    page=NO_START,
    doctor=START_UP,
    says="looks like the secret's ID: copy the column Value, not Secret ID",
)

no_secret_key = Fault(
    "SECRET_KEY is missing",
    "SECRET_KEY is empty, DEBUG is off.",
    env={"SECRET_KEY": ""},
    page=NO_START,
    doctor=START_UP,
    says="SECRET_KEY is required",
)

no_redis_url = Fault(
    "REDIS_URL is missing",
    "REDIS_URL is empty, DEBUG is off: sessions would have no place that all processes share.",
    env={"REDIS_URL": ""},
    page=NO_START,
    doctor=START_UP,
    says="REDIS_URL is required",
)

public_url_with_path = Fault(
    "PUBLIC_URL has a path",
    "PUBLIC_URL ends in /admin.",
    env={"PUBLIC_URL": "https://staff.example.com/admin"},
    page=NO_START,
    doctor=START_UP,
    says="PUBLIC_URL must hold scheme and host only",
)

proxy_count_in_words = Fault(
    "TRUSTED_PROXY_COUNT is not a number",
    "TRUSTED_PROXY_COUNT is yes.",
    env={"TRUSTED_PROXY_COUNT": "yes"},
    page=NO_START,
    doctor=START_UP,
    says="TRUSTED_PROXY_COUNT must be a whole number",
)

tenant_common = Fault(
    "MICROSOFT_TENANT_ID is common",
    "The endpoint that lets personal Microsoft accounts in.",
    env={"MICROSOFT_TENANT_ID": "common"},
    page=NO_START,
    doctor=START_UP,
    says="MICROSOFT_TENANT_ID must not be 'common'",
)

outgoing_proxy = Fault(
    "Only a proxy may go out",
    "HTTPS_PROXY is set; nothing here uses it, and here Microsoft can be reached without.",
    env={"HTTPS_PROXY": "http://proxy.example.com:3128"},
    page=GETS_IN,
    doctor="environment.outgoing_proxy",
    says="requests to Microsoft do not use a proxy",
)
