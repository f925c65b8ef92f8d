"""Who may import whom: dependencies point one way, and no production module imports the tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A package may import only these of ours (beside itself).
MAY_IMPORT = {
    "accounts/telemetry.py": ("accounts.per_process",),
    "accounts/entra": ("accounts.entra", "accounts.signin.reasons", "accounts.telemetry",
                       "accounts.per_process"),
    "accounts/signin/reasons.py": (),
    "accounts/signin/state.py": ("accounts.signin.reasons",),
    "accounts/signin/policy.py": ("accounts.entra.tokens",),
    "accounts/per_process.py": (),
    "accounts/signin": ("accounts.entra", "accounts.signin", "accounts.models",
                        "accounts.telemetry"),
    "accounts/models.py": (),
    "accounts/web": ("accounts.entra", "accounts.signin", "accounts.models", "accounts.web",
                     "accounts.secretbox", "accounts.logs", "accounts.operate.break_glass"),
    "accounts/operate": ("accounts", "project.env", "project.values"),
    "accounts/admin": ("accounts",),
    "project": ("project", "accounts.logs", "accounts.web.health", "accounts.per_process"),
}  # fmt: skip
POLICY_ALONE = {"__future__", "dataclasses", "string", "types", "typing", "collections.abc"}


def imports(path: Path, *, typing_too: bool = True) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = set() if typing_too else set(_under_type_checking(tree))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _under_type_checking(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from ast.walk(node)


def modules(place: str) -> list[Path]:
    path = ROOT / place
    return [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


def ours(name: str) -> bool:
    return name.split(".")[0] in ("accounts", "project", "tests")


def within(name: str, allowed: tuple[str, ...]) -> bool:
    """`from accounts.signin import state` is read as both names: the longer one decides."""
    return any(
        name == one or name.startswith(f"{one}.") or one.startswith(f"{name}.") for one in allowed
    )


@pytest.mark.parametrize("place", MAY_IMPORT)
def test_dependencies_point_one_way(place: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(place)
        for name in imports(path)
        if ours(name) and not within(name, MAY_IMPORT[place])
    ]
    assert not wrong, "\n".join(wrong)


def test_entra_knows_no_model_and_no_request() -> None:
    wrong = ("django.db.models", "django.http", "django.contrib", "allauth")
    for path in modules("accounts/entra"):
        assert not [name for name in imports(path) if name.startswith(wrong)], path


def test_the_policy_knows_only_the_standard_library() -> None:
    path = ROOT / "accounts/signin/policy.py"
    roots = {name.rpartition(".")[0] or name for name in imports(path, typing_too=False)}
    assert {name for name in roots if not name.startswith(("__future__",))} <= POLICY_ALONE


@pytest.mark.parametrize("place", ["accounts", "project", "manage.py"])
def test_no_production_module_imports_the_tests(place: str) -> None:
    wrong = [p for p in modules(place) if any(n.split(".")[0] == "tests" for n in imports(p))]
    assert not wrong


def test_no_file_tells_two_stories() -> None:
    """250 lines at most, save the table of reasons and the one settings file."""
    tables = {"reasons.py", "settings.py", "env.py"}
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for place in ("accounts", "project")
        for path in modules(place)
        if path.name not in tables and path.parent.name != "migrations"
    }
    assert not {name: size for name, size in sizes.items() if size > 250}
