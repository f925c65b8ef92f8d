"""Static files that a build left half done, or that are another release's: pages come anyhow."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import run_checks
from django.core.files.storage import storages
from django.test import Client
from django.utils.functional import empty
from pytest_django import Settings

from tests.servers import forked
from tests.servers.process import ROOT, clean_environment, scratch
from tests.servers.release import PARTS

STYLE = "microsoft_admin/sign_in.css"
MANIFEST = "staticfiles.json"


@pytest.fixture(scope="module")
def collected() -> Path:
    """What `collectstatic` makes where nothing is set, as in a host's build."""
    copy = scratch("build") / "site"
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part)
        else:
            shutil.copy(ROOT / part, copy / part)
    command = ("manage.py", "collectstatic", "--noinput", "-v", "0")
    env = clean_environment(DATABASE_URL="not set yet", WEBSITE_HOSTNAME="x.azurewebsites.net")
    done = forked.run(*command, cwd=copy, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return copy / "staticfiles"


@pytest.fixture
def root(collected: Path, tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A copy to spoil, which the site uses."""
    copy = tmp_path / "staticfiles"
    shutil.copytree(collected, copy)
    settings.STATIC_ROOT = str(copy)
    yield copy
    _forget()


def _forget() -> None:
    """The storage reads its settings and the manifest once."""
    lazy: Any = (storages, staticfiles_storage)
    lazy[0]._storages.clear()
    lazy[1]._wrapped = empty


def cut_off(root: Path) -> None:
    text = (root / MANIFEST).read_text()
    (root / MANIFEST).write_text(text[: len(text) // 2])


def lacks_our_styles(root: Path) -> None:
    content = json.loads((root / MANIFEST).read_text())
    paths, own = content["paths"], "microsoft_admin/"
    content["paths"] = {k: v for k, v in paths.items() if not k.startswith(own)}
    (root / MANIFEST).write_text(json.dumps(content))


def files_lost(root: Path) -> None:
    for path in (root / "microsoft_admin").glob("sign_in.*.css"):
        path.unlink()


SPOILED: list[Callable[[Path], Any]] = [
    cut_off,
    lacks_our_styles,
    files_lost,
    lambda root: (root / MANIFEST).write_text(""),
    lambda root: (root / MANIFEST).write_text("[]"),
    lambda root: (root / MANIFEST).write_text('{"version": "1.1", "paths": []}'),
    lambda root: (root / MANIFEST).write_text('{"version": "9"}'),
    lambda root: (root / MANIFEST).write_bytes(b"\xff\xfe"),
    lambda root: (root / STYLE).write_text("of another release"),
]


def w010() -> list[str]:
    return [m.msg for m in run_checks() if m.id == "accounts.W010"]


@pytest.mark.django_db
@pytest.mark.parametrize("spoil", SPOILED)
def test_pages_come_and_the_check_says_what_to_run(
    root: Path, client: Client, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], Any]
) -> None:
    assert w010() == []
    spoil(root)
    _forget()
    with caplog.at_level(logging.ERROR):
        pages = [client.get(path) for path in ("/accounts/microsoft/login/", "/nothing-here") * 2]
    assert [page.status_code for page in pages] == [200, 404, 200, 404]
    assert b"microsoft_admin/sign_in." in pages[0].content
    assert len({record.getMessage() for record in caplog.records}) == len(
        [r for r in caplog.records if r.name == "project.static"]
    )
    assert len(w010()) == 1


@pytest.mark.django_db
def test_good_files_have_hashed_names(root: Path, client: Client) -> None:
    _forget()
    page = client.get("/accounts/microsoft/login/").content.decode()
    name = json.loads((root / MANIFEST).read_text())["paths"][STYLE]
    assert f"/static/{name}" in page


def test_the_roots_requirements_tell_oryx_that_this_is_django() -> None:
    """It greps this one file, as microsoft/Oryx's PythonBashBuildSnippet.sh.tpl has it."""
    assert "django" in (ROOT / "requirements.txt").read_text().lower()
