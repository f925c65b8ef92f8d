"""How gunicorn runs the site: `gunicorn -c project/gunicorn.conf.py project.wsgi`.

Threads, since a sign-in waits for Microsoft. Nothing here believes a forwarded header: Django's
ProxyMiddleware alone decides, by TRUSTED_PROXY_COUNT.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from gunicorn.arbiter import Arbiter

from accounts import logs
from accounts.configuration.table import BadEnvironment
from project import variables
from project.reload import become_new_release, end_workers_before

try:
    _env = variables.load(os.environ)
except BadEnvironment as problem:
    sys.exit(str(problem))

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a worker's heartbeat must not wait for a disk

_every = "0.0.0.0"  # noqa: S104 - behind a proxy; in DEBUG nobody else gets here
bind = f"{'127.0.0.1' if _env.DEBUG else _every}:{_env.PORT}"
worker_class = "project.worker.Worker"  # gthread that no slow client holds up
workers = _env.WEB_CONCURRENCY
threads = 18  # fourteen may wait for Microsoft; the others serve every other page
# Nothing is connected before a worker is forked: pools and caches are made when first used.
preload_app = True
worker_tmp_dir = str(_IN_MEMORY) if _IN_MEMORY.is_dir() else None

timeout = 60
graceful_timeout = 30  # more than the 10 s that a sign-in may wait for Microsoft
worker_connections = 512  # of a worker; beyond that whoever has waited longest makes room
sendfile = False  # it would wait for a slow reader
keepalive = 75  # more than a load balancer keeps an idle connection, so that it closes first
max_requests = 10_000
max_requests_jitter = 1_000

limit_request_line = 8190  # Microsoft's code and our state come in the query
limit_request_fields = 100
limit_request_field_size = 8190
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True

accesslog = "-"
logger_class = "project.access_log.AccessLog"
logconfig_dict = logs.configuration(_env.LOG_FORMAT)


def post_worker_init(worker: object) -> None:
    """A worker fetches what proves the app to Microsoft before the first person needs it."""
    from accounts import registration
    from accounts.process import processes

    processes.keep_registered()  # for doctor, which compares itself with what runs

    registration.prepare_worker()
    end_workers_before()


def when_ready(_server: object) -> None:
    """gunicorn's hook, with the site loaded and no worker forked: workers share what is there.

    The collector writes into each object that it looks at, and so would copy all of it for each.
    """
    gc.collect()
    gc.freeze()


on_reload = become_new_release


def on_starting(server: Arbiter) -> None:
    """gunicorn's hook, once, before anything is served."""
    for warning in _env.warnings:
        server.log.warning(warning)  # type: ignore[union-attr]
