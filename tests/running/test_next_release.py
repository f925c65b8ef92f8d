"""A team that has grown on this repository takes our next release: git merges, their tests pass."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.servers.once import run_directory
from tests.servers.process import ROOT, clean_environment, scratch
from tests.support import next_release

# As docs/extend.md has it: settings, URLs, a template, an app with its migration, and its test.
THEIRS = {
    "extension/settings.py": (
        "from project.settings import INSTALLED_APPS, STAFF_PATHS\n"
        'INSTALLED_APPS += ["extension.books"]\n'
        'STAFF_PATHS = (*STAFF_PATHS, "/shelf/")\n'
    ),
    "extension/urls.py": (
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        'urlpatterns = [path("shelf/", lambda request: HttpResponse("a shelf"))]\n'
    ),
    "extension/templates/404.html": "Not on this shelf.",
    "extension/books/migrations/0001_initial.py": (
        "from django.db import migrations, models\n"
        "class Migration(migrations.Migration):\n"
        '    operations = [migrations.CreateModel("Book", [\n'
        '        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False,'
        ' verbose_name="ID")),\n'
        '        ("title", models.CharField(max_length=200))])]\n'
    ),
    "extension/books/models.py": (
        "from django.db import models\n"
        "class Book(models.Model):\n    title = models.CharField(max_length=200)\n"
    ),
    "extension/books/admin.py": (
        "from django.contrib import admin\nfrom extension.books.models import Book\n"
        "admin.site.register(Book)\n"
    ),
    "extension/requirements.txt": "# none yet\n",
    "extension/tests/test_books.py": (
        "import pytest\nfrom extension.books.models import Book\n"
        "@pytest.mark.django_db\n"
        "def test_books():\n    assert Book.objects.create(title='Emma').pk\n"
        "def test_the_release_is_the_next():\n"
        "    from project import settings\n    assert settings.OF_THE_NEXT_RELEASE\n"
    ),
}
PACKAGES = ("", "books", "books/migrations", "tests")
LEFT_OUT = (".git", ".venv", ".versions", ".*_cache", "dist", "staticfiles", "*.log")
COMPILED = ":(exclude)*/__pycache__/*"
SAME = ("postgres-programs", "postgres-empty")  # for all releases, of what is made once for a run


class Repository:
    """A clone of this one, whatever the history here is."""

    def __init__(self) -> None:
        self.root = scratch("grown-repository") / "site"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
        self.git("init", "--quiet", "--initial-branch=releases")
        self.commit("This release")

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True)

    def commit(self, text: str) -> None:
        self.git("add", "--all", "--force", "--", ".", COMPILED)
        self.git("commit", "--quiet", "--message", text)


def the_next_release(root: Path) -> None:
    """New migrations and fields, and a line in each file that releases change."""
    next_release.write_into(root)
    for name in ("README.md", "CHANGELOG.md", "requirements/base.in", "Makefile"):
        with (root / name).open("a") as file:
            file.write("\n# The next release\n")
    with (root / "project/settings.py").open() as file:
        text = file.read()
    (root / "project/settings.py").write_text(
        text.replace("MIDDLEWARE = [", "OF_THE_NEXT_RELEASE = True\nMIDDLEWARE = [", 1)
    )


def a_run_of_its_own() -> Path:
    """Its directory: the tables are the next release's."""
    directory = scratch("next-run")
    directory.chmod(0o711)  # servers that refuse root come by
    for made in (run_directory() / name for name in SAME):
        if made.exists():
            (directory / made.name).symlink_to(made)
    return directory


def test_a_grown_site_takes_it_and_its_tests_pass() -> None:
    site = Repository()
    site.git("checkout", "--quiet", "-b", "ours")
    for name, text in THEIRS.items():
        path = site.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for package in PACKAGES:
        (site.root / "extension" / package / "__init__.py").touch()
    site.commit("Our shelf")
    site.git("checkout", "--quiet", "releases")
    the_next_release(site.root)
    site.commit("The next release")
    site.git("checkout", "--quiet", "ours")
    site.git("merge", "--quiet", "--no-edit", "releases")
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0"]
    env = clean_environment(TEST_RUN_DIRECTORY=str(a_run_of_its_own()))
    ended = subprocess.run(
        [*pytest, "tests/grown", "extension/tests"],
        cwd=site.root, env=env, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"
