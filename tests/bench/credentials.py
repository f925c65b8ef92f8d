"""What a warm sign-in costs by each kind of credential: time, CPU, requests to Microsoft."""

import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import jwt

from tests.bench import measure
from tests.bench.browser import Browser
from tests.bench.stage import stage
from tests.emulator.discovery import issuer_of
from tests.emulator.ids import TENANT
from tests.emulator.proofs import AUDIENCE
from tests.emulator.remote import RemoteEmulator
from tests.servers.identity import IdentityEndpoint
from tests.servers.process import scratch
from tests.servers.site import Site
from tests.support.certificates import both, certificate, pem_of, public_pem
from tests.support.keys import private_key

IDENTITY = "5f0c1d3e-77aa-4c41-9b62-2f1f0e6d5a10"
CLUSTER, SUBJECT = "https://oidc.cluster.example/abc/", "system:serviceaccount:web:site"
BLOCKS = 8
ROWS = ("callback ms, median", "callback ms, p95", "worker CPU ms", "requests to Microsoft")


def main(*, quick: bool) -> None:
    rounds = 5 if quick else 25
    with stage() as built, ExitStack() as stack:
        sites = {
            kind: stack.enter_context(built.ours.site(**env))
            for kind, env in _environments(built.microsoft, stack).items()
        }
        _show(_measured(sites, built.microsoft, rounds))


def _environments(microsoft: RemoteEmulator, stack: ExitStack) -> dict[str, dict[str, str]]:
    made, endpoint = certificate(), stack.enter_context(IdentityEndpoint())
    endpoint.mint[AUDIENCE] = lambda: microsoft.identity_token(IDENTITY)
    microsoft.set_certificates([pem_of(made)])
    microsoft.trust_issuer(CLUSTER, public_pem("cluster"))
    microsoft.set_federated(
        {"issuer": issuer_of(microsoft.url, TENANT), "subject": IDENTITY},
        {"issuer": CLUSTER, "subject": SUBJECT},
    )
    without = {"MICROSOFT_CLIENT_SECRET": ""}
    named = {"MICROSOFT_MANAGED_IDENTITY_CLIENT_ID": IDENTITY}
    return {
        "secret": {},
        "certificate": without | {"MICROSOFT_CLIENT_CERTIFICATE": both(made)},
        "managed identity": without | named | endpoint.environment,
        "token file": without | {"MICROSOFT_TOKEN_FILE": str(_token())},
    }


def _token() -> Path:
    claims = {"iss": CLUSTER, "sub": SUBJECT, "aud": AUDIENCE, "exp": int(time.time()) + 86_400}
    path = scratch("cluster") / "token"
    path.write_text(jwt.encode(claims, private_key("cluster"), "RS256"))
    return path


def _measured(
    sites: dict[str, Site], microsoft: RemoteEmulator, rounds: int
) -> dict[str, dict[str, float]]:
    """In turns, so that all meet the same weather."""
    took: dict[str, list[float]] = {kind: [] for kind in sites}
    spent, asked = dict.fromkeys(sites, 0.0), dict.fromkeys(sites, 0)
    browsers = {kind: Browser(site.url) for kind, site in sites.items()}
    for browser in browsers.values():
        for _ in range(3):
            browser.sign_in()
    for _ in range(BLOCKS):
        for kind, browser in browsers.items():
            microsoft.reset_counters()
            before = measure.cpu_seconds(sites[kind])
            took[kind] += [browser.sign_in().callback * 1000 for _ in range(rounds)]
            spent[kind] += measure.cpu_seconds(sites[kind]) - before
            asked[kind] += sum(microsoft.counts.get(name, 0) for name in measure.ENDPOINTS)
    many = BLOCKS * rounds
    return {
        kind: {
            ROWS[0]: statistics.median(took[kind]),
            ROWS[1]: statistics.quantiles(took[kind], n=20)[-1],
            ROWS[2]: spent[kind] / many * 1000,
            ROWS[3]: asked[kind] / many,
        }
        for kind in sites
    }


def _show(figures: dict[str, dict[str, float]]) -> None:
    print(f"{'a warm sign-in by':26}" + "".join(f"{kind:>18}" for kind in figures))
    for row in ROWS:
        print(f"{row:26}" + "".join(f"{found[row]:18.2f}" for found in figures.values()))
