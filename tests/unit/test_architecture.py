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
    "accounts/display": {
        "accounts/conf.py",
    },
    "accounts/users.py": set(),
    "accounts/reasons.py": {
        "accounts/display",
    },
    "accounts/logs.py": {
        "accounts/display",
    },
    "accounts/models.py": set(),
    "accounts/protection": {
        "accounts/conf.py",
    },
    "accounts/stores": {
        "accounts/protection",
    },
    "accounts/process": {
        "accounts/conf.py",
        "accounts/protection",
        "accounts/stores",
    },
    "accounts/telemetry.py": {
        "accounts/conf.py",
        "accounts/process",
    },
    "accounts/sentry.py": {
        "accounts/logs.py",
        "accounts/protection",
    },
    "accounts/staff_urls.py": {
        "accounts/conf.py",
    },
    "accounts/templatetags": {
        "accounts/app.py",
        "accounts/conf.py",
        "accounts/display",
        "accounts/staff_urls.py",
    },
    "accounts/audit": {
        "accounts/display",
        "accounts/models.py",
        "accounts/protection",
        "accounts/stores",
        "accounts/users.py",
    },
    "accounts/http": {
        "accounts/conf.py",
        "accounts/process",
        "accounts/reasons.py",
        "accounts/telemetry.py",
    },
    "accounts/entra": {
        "accounts/display",
        "accounts/http",
        "accounts/ids.py",
        "accounts/process",
        "accounts/protection",
        "accounts/reasons.py",
    },
    "accounts/configuration": {
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
    },
    "accounts/host.py": {
        "accounts/conf.py",
        "accounts/configuration",
        "accounts/display",
    },
    "accounts/signin": {
        "accounts/audit",
        "accounts/conf.py",
        "accounts/display",
        "accounts/entra",
        "accounts/ids.py",
        "accounts/models.py",
        "accounts/process",
        "accounts/reasons.py",
        "accounts/stores",
        "accounts/telemetry.py",
        "accounts/users.py",
    },
    "accounts/registration.py": {
        "accounts/conf.py",
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
        "accounts/models.py",
        "accounts/process",
        "accounts/protection",
        "accounts/reasons.py",
        "accounts/signin",
        "accounts/staff_urls.py",
    },
    "accounts/settings_in_database.py": {
        "accounts/models.py",
        "accounts/protection",
        "accounts/registration.py",
        "accounts/signin",
        "accounts/stores",
    },
    "accounts/sessions": {
        "accounts/app.py",
        "accounts/audit",
        "accounts/conf.py",
        "accounts/models.py",
        "accounts/protection",
        "accounts/stores",
        "accounts/users.py",
    },
    "accounts/checks": {
        "accounts/app.py",
        "accounts/conf.py",
        "accounts/display",
        "accounts/http",
        "accounts/sessions",
        "accounts/staff_urls.py",
        "accounts/stores",
        "accounts/telemetry.py",
        "accounts/users.py",
    },
    "accounts/operate": {
        "accounts/app.py",
        "accounts/audit",
        "accounts/conf.py",
        "accounts/configuration",
        "accounts/display",
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
        "accounts/models.py",
        "accounts/protection",
        "accounts/reasons.py",
        "accounts/registration.py",
        "accounts/sessions",
        "accounts/signin",
        "accounts/staff_urls.py",
        "accounts/stores",
        "accounts/users.py",
    },
    "accounts/web": {
        "accounts/app.py",
        "accounts/audit",
        "accounts/conf.py",
        "accounts/display",
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
        "accounts/logs.py",
        "accounts/models.py",
        "accounts/protection",
        "accounts/reasons.py",
        "accounts/registration.py",
        "accounts/sessions",
        "accounts/signin",
        "accounts/staff_urls.py",
        "accounts/stores",
        "accounts/users.py",
    },
    "accounts/urls.py": {
        "accounts/web",
    },
    "accounts/operate/doctor": {
        "accounts/app.py",
        "accounts/checks",
        "accounts/conf.py",
        "accounts/display",
        "accounts/entra",
        "accounts/http",
        "accounts/ids.py",
        "accounts/models.py",
        "accounts/operate",
        "accounts/process",
        "accounts/protection",
        "accounts/reasons.py",
        "accounts/registration.py",
        "accounts/sessions",
        "accounts/signin",
        "accounts/staff_urls.py",
        "accounts/stores",
        "accounts/users.py",
        "accounts/web",
    },
    "accounts/admin": {
        "accounts/app.py",
        "accounts/audit",
        "accounts/conf.py",
        "accounts/display",
        "accounts/models.py",
        "accounts/operate",
        "accounts/operate/doctor",
        "accounts/protection",
        "accounts/reasons.py",
        "accounts/registration.py",
        "accounts/sessions",
        "accounts/signin",
        "accounts/staff_urls.py",
        "accounts/stores",
        "accounts/users.py",
        "accounts/web",
    },
    "accounts/user_admin.py": {
        "accounts/admin",
    },
    "accounts/management": {
        "accounts/audit",
        "accounts/conf.py",
        "accounts/display",
        "accounts/http",
        "accounts/models.py",
        "accounts/operate",
        "accounts/operate/doctor",
        "accounts/reasons.py",
        "accounts/registration.py",
        "accounts/sessions",
        "accounts/stores",
        "accounts/users.py",
    },
    "accounts/apps.py": {
        "accounts/admin",
        "accounts/audit",
        "accounts/checks",
        "accounts/conf.py",
        "accounts/logs.py",
        "accounts/settings_in_database.py",
        "accounts/web",
    },
    "project": {
        "accounts/configuration",
        "accounts/http",
        "accounts/logs.py",
        "accounts/process",
        "accounts/registration.py",
        "accounts/stores",
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
