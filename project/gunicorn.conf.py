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

gc.disable()  # until the app is loaded: it takes a quarter of the start, and finds nothing

try:
    _env = variables.load(os.environ)
except BadEnvironment as problem:
    sys.exit(str(problem))

_MEMORY = Path("/dev/shm")  # noqa: S108 - a worker's heartbeat must not wait for a disk

_all_interfaces = "0.0.0.0"  # noqa: S104 - behind a proxy; in DEBUG loopback only
bind = f"{'127.0.0.1' if _env.DEBUG else _all_interfaces}:{_env.PORT}"
worker_class = "project.worker.Worker"  # gthread, not blocked by slow clients
workers = _env.WEB_CONCURRENCY
threads = 18  # fourteen may wait for Microsoft; the others serve all other pages
# Safe to fork: pools and caches are created when first used.
preload_app = True
worker_tmp_dir = str(_MEMORY) if _MEMORY.is_dir() else None

timeout = 60
graceful_timeout = 30  # more than the 10 s that a sign-in may wait for Microsoft
worker_connections = 512  # of a worker; beyond that the longest waiting one is closed
sendfile = False  # it would block on a slow reader
keepalive = 75  # longer than a load balancer's idle time-out, so that it closes first
max_requests = 10_000
max_requests_jitter = 1_000

limit_request_line = 8190  # the query holds Microsoft's code and our state
limit_request_fields = 100
limit_request_field_size = 8190
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True

accesslog = "-"
logger_class = "project.access_log.AccessLog"
logconfig_dict = logs.configuration(_env.LOG_FORMAT)


def post_worker_init(worker: object) -> None:
    """gunicorn's hook, in each worker: prepare the first sign-in, and replace old workers."""
    from accounts import registration
    from accounts.process import processes

    registration.prepare_worker()
    processes.keep_registered()  # for doctor, which compares its own settings
    end_workers_before()


def when_ready(_server: object) -> None:
    """gunicorn's hook, before workers are forked: keep the memory of loaded objects shared.

    The garbage collector writes to every object that it tracks, so that each worker would copy it.
    """
    from accounts.process import processes

    processes.release()  # of the code that all workers run, whatever is on the disk later
    gc.collect()
    gc.freeze()
    gc.enable()


def on_reload(server: Arbiter) -> None:
    """gunicorn's hook for HUP, after it has read this file again."""
    gc.enable()  # for the workers of this master, if the new release does not start
    become_new_release(server)


def on_starting(server: Arbiter) -> None:
    """gunicorn's hook, once, before anything is served."""
    for warning in _env.warnings:
        server.log.warning(warning)  # type: ignore[union-attr]
