"""Which package may import which: only from those listed before it, and exactly these."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.servers.process import ROOT

# The lowest first. A package names every one that it imports from, all of them further up in
# this table; a name that nothing uses any more fails as well.
FLOORS: dict[str, set[str]] = {
    "accounts/app.py": set(),
    "accounts/ids.py": set(),
    "accounts/conf.py": set(),
    "accounts/naming.py": {"accounts/conf.py"},
    "accounts/redis_cache.py": set(),
    "accounts/users.py": set(),
    "accounts/transaction.py": set(),
    "accounts/prepared_queries.py": set(),
    "accounts/reasons.py": {"accounts/naming.py"},
    "accounts/references.py": set(),
    "accounts/per_process.py": set(),
    "accounts/telemetry.py": {
        "accounts/conf.py",
        "accounts/per_process.py",
    },
    "accounts/visible.py": set(),
    "accounts/logs.py": {"accounts/visible.py"},
    "accounts/models.py": set(),
    "accounts/secretbox.py": set(),
    "accounts/static_files.py": set(),
    "accounts/sealed.py": set(),
    "accounts/redact.py": {
        "accounts/conf.py",
    },
    "accounts/sentry.py": {"accounts/logs.py", "accounts/redact.py"},
    "accounts/outages.py": {"accounts/redact.py"},
    "accounts/process_copy.py": {"accounts/outages.py"},
    "accounts/browsers.py": set(),
    "accounts/local_time.py": set(),
    "accounts/staff_urls.py": {
        "accounts/conf.py",
    },
    "accounts/templatetags": {
        "accounts/app.py",
        "accounts/browsers.py",
        "accounts/conf.py",
        "accounts/local_time.py",
        "accounts/naming.py",
        "accounts/staff_urls.py",
        "accounts/visible.py",
    },
    "accounts/audit": {
        "accounts/models.py",
        "accounts/references.py",
        "accounts/secretbox.py",
        "accounts/transaction.py",
        "accounts/users.py",
    },
    "accounts/http": {
        "accounts/conf.py",
        "accounts/per_process.py",
        "accounts/reasons.py",
        "accounts/telemetry.py",
    },
    "accounts/entra": {
        "accounts/http",
        "accounts/ids.py",
        "accounts/per_process.py",
        "accounts/reasons.py",
        "accounts/sealed.py",
    },
    "accounts/configuration": {
        "accounts/entra",
        "accounts/ids.py",
    },
    "accounts/host.py": {
        "accounts/conf.py",
        "accounts/configuration",
        "accounts/naming.py",
    },
    "accounts/signin": {
        "accounts/audit",
        "accounts/conf.py",
        "accounts/entra",
        "accounts/ids.py",
        "accounts/models.py",
        "accounts/prepared_queries.py",
        "accounts/process_copy.py",
        "accounts/reasons.py",
        "accounts/references.py",
        "accounts/telemetry.py",
        "accounts/transaction.py",
        "accounts/users.py",
    },
    "accounts/registration.py": {
        "accounts/conf.py",
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
        "accounts/models.py",
        "accounts/staff_urls.py",
        "accounts/process_copy.py",
        "accounts/reasons.py",
        "accounts/secretbox.py",
        "accounts/signin",
    },
    "accounts/settings_in_database.py": {
        "accounts/models.py",
        "accounts/registration.py",
        "accounts/secretbox.py",
        "accounts/signin",
        "accounts/transaction.py",
    },
    "accounts/processes.py": {
        "accounts/conf.py",
        "accounts/outages.py",
        "accounts/redis_cache.py",
        "accounts/sealed.py",
    },
    "accounts/sessions": {
        "accounts/app.py",
        "accounts/audit",
        "accounts/conf.py",
        "accounts/models.py",
        "accounts/outages.py",
        "accounts/sealed.py",
        "accounts/transaction.py",
        "accounts/users.py",
    },
    "accounts/operate": {
        "accounts/app.py",
        "accounts/audit",
        "accounts/conf.py",
        "accounts/configuration",
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
        "accounts/local_time.py",
        "accounts/models.py",
        "accounts/naming.py",
        "accounts/outages.py",
        "accounts/reasons.py",
        "accounts/references.py",
        "accounts/registration.py",
        "accounts/secretbox.py",
        "accounts/sessions",
        "accounts/signin",
        "accounts/staff_urls.py",
        "accounts/transaction.py",
        "accounts/users.py",
        "accounts/visible.py",
    },
    "accounts/web": {
        "accounts/app.py",
        "accounts/audit",
        "accounts/conf.py",
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
        "accounts/logs.py",
        "accounts/models.py",
        "accounts/outages.py",
        "accounts/staff_urls.py",
        "accounts/prepared_queries.py",
        "accounts/reasons.py",
        "accounts/redact.py",
        "accounts/redis_cache.py",
        "accounts/references.py",
        "accounts/registration.py",
        "accounts/secretbox.py",
        "accounts/sessions",
        "accounts/signin",
        "accounts/transaction.py",
        "accounts/users.py",
    },
    "accounts/urls.py": {"accounts/web"},
    "accounts/transport.py": {"accounts/http"},
    "accounts/checks.py": {
        "accounts/app.py",
        "accounts/conf.py",
        "accounts/http",
        "accounts/naming.py",
        "accounts/staff_urls.py",
        "accounts/redis_cache.py",
        "accounts/sessions",
        "accounts/static_files.py",
        "accounts/telemetry.py",
        "accounts/transport.py",
    },
    "accounts/access_checks.py": {
        "accounts/app.py",
        "accounts/checks.py",
        "accounts/conf.py",
        "accounts/staff_urls.py",
        "accounts/transaction.py",
        "accounts/users.py",
    },
    "accounts/operate/doctor": {
        "accounts/app.py",
        "accounts/checks.py",
        "accounts/conf.py",
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
        "accounts/models.py",
        "accounts/naming.py",
        "accounts/operate",
        "accounts/outages.py",
        "accounts/staff_urls.py",
        "accounts/processes.py",
        "accounts/reasons.py",
        "accounts/redact.py",
        "accounts/redis_cache.py",
        "accounts/registration.py",
        "accounts/sessions",
        "accounts/signin",
        "accounts/transaction.py",
        "accounts/users.py",
        "accounts/web",
    },
    "accounts/admin": {
        "accounts/app.py",
        "accounts/audit",
        "accounts/browsers.py",
        "accounts/conf.py",
        "accounts/models.py",
        "accounts/local_time.py",
        "accounts/naming.py",
        "accounts/operate",
        "accounts/operate/doctor",
        "accounts/outages.py",
        "accounts/staff_urls.py",
        "accounts/reasons.py",
        "accounts/registration.py",
        "accounts/sealed.py",
        "accounts/secretbox.py",
        "accounts/sessions",
        "accounts/signin",
        "accounts/transaction.py",
        "accounts/users.py",
        "accounts/visible.py",
        "accounts/web",
    },
    "accounts/user_admin.py": {"accounts/admin"},
    "accounts/management": {
        "accounts/audit",
        "accounts/conf.py",
        "accounts/http",
        "accounts/models.py",
        "accounts/naming.py",
        "accounts/operate",
        "accounts/operate/doctor",
        "accounts/reasons.py",
        "accounts/registration.py",
        "accounts/sessions",
        "accounts/transaction.py",
        "accounts/users.py",
    },
    "accounts/apps.py": {
        "accounts/admin",
        "accounts/audit",
        "accounts/checks.py",
        "accounts/conf.py",
        "accounts/access_checks.py",
        "accounts/logs.py",
        "accounts/settings_in_database.py",
        "accounts/web",
    },
    "project": {
        "accounts/configuration",
        "accounts/http",
        "accounts/logs.py",
        "accounts/outages.py",
        "accounts/per_process.py",
        "accounts/processes.py",
        "accounts/registration.py",
        "accounts/web",
    },
}
POLICY_ALONE = {
    "accounts.ids",
    "accounts.signin.bindings",
    "__future__",
    "dataclasses",
    "string",
    "types",
    "typing",
    "collections.abc",
}


@cache
def imports(path: Path, *, typing_too: bool = True) -> list[str]:
    return [*_imports(path, typing_too=typing_too)]


def _module(path: Path, node: ast.ImportFrom) -> str:
    """The absolute name that an import names: the app imports itself relatively."""
    package = path.relative_to(ROOT).parent.parts
    start = package[: len(package) - node.level + 1] if node.level else ()
    return ".".join([*start, *filter(None, [node.module])])


def _imports(path: Path, *, typing_too: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = set() if typing_too else set(_under_type_checking(tree))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{_module(path, node)}.{alias.name}" for alias in node.names)


def _under_type_checking(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from ast.walk(node)


def modules(place: str) -> list[Path]:
    path = ROOT / place
    found = [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
    return [one for one in found if "migrations" not in one.parts]


def room_of(name: str) -> str:
    """The package of a dotted name: the longest that fits."""
    path = name.replace(".", "/") + "/"
    fitting = [room for room in FLOORS if path.startswith(room.removesuffix(".py") + "/")]
    return max(fitting, key=len, default="")


def imported_by_room() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in [*modules("accounts"), *modules("project")]:
        room = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name in imports(path):
            if name.split(".")[0] in ("accounts", "project"):
                found[room].add(room_of(name))
    return found


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_imports_exactly_what_the_table_says(room: str) -> None:
    assert imported_by_room()[room] - {room} == FLOORS[room]


@pytest.mark.parametrize("room", FLOORS)
def test_no_room_imports_back_up(room: str) -> None:
    floors = list(FLOORS)
    above = set(floors[floors.index(room) :])
    assert not FLOORS[room] & above


def test_every_module_has_a_room() -> None:
    assert set(imported_by_room()) <= {*FLOORS, ""}
    assert imported_by_room().get("", set()) == set()


def test_the_app_imports_itself_relatively_so_that_it_runs_under_another_name() -> None:
    for path in Path(ROOT / "accounts").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] != "accounts", path


def test_entra_knows_no_model_and_no_request() -> None:
    wrong = ("django.db.models", "django.http", "django.contrib", "allauth")
    for path in [*modules("accounts/entra"), *modules("accounts/http")]:
        assert not [name for name in imports(path) if name.startswith(wrong)], path


def test_the_policy_knows_only_the_standard_library_and_microsofts_ids() -> None:
    path = ROOT / "accounts/signin/policy.py"
    roots = {name.rpartition(".")[0] or name for name in imports(path, typing_too=False)}
    assert {name for name in roots if not name.startswith(("__future__",))} <= POLICY_ALONE


def test_the_emulator_stands_alone_so_that_the_wheel_can_carry_it() -> None:
    for path in modules("tests/emulator"):
        assert path.name[:5] != "test_", path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] not in ("tests", "accounts"), path


@pytest.mark.parametrize("place", ["accounts", "project", "manage.py"])
def test_no_production_module_imports_the_tests(place: str) -> None:
    wrong = [p for p in modules(place) if any(n.split(".")[0] == "tests" for n in imports(p))]
    assert not wrong
