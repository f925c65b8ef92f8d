"""Gunicorn's settings; `gunicorn -c project/gunicorn.conf.py project.wsgi`."""
