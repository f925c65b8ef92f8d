"""gunicorn's own threads, as many as ours, for a site that has nothing of ours."""

import os

workers = int(os.environ["WEB_CONCURRENCY"])
worker_class = "gthread"
threads = 18
preload_app = True
keepalive = 75
worker_tmp_dir = "/dev/shm"  # noqa: S108
accesslog = "-"
