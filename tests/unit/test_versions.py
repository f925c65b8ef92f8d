"""`make versions`: which packages a pair has, and what the page says of it."""

from tests.servers.versions import BEGIN, END, PAGE, Tried, pins_of, with_row

TRIED = Tried("3.13.0", "6.1.3", "the sign-in", 10, 0, 60)


def test_every_package_is_as_pinned_but_for_django() -> None:
    text = "django==5.2.19 \\\n    --hash=sha256:0\ncolorama==0.4 ; sys_platform == 'win32' \\\n"
    pins = pins_of(text, "6.1")
    assert pins["django"] == "==6.1.*"
    assert pins["colorama"].strip() == "==0.4 ; sys_platform == 'win32'"


def test_a_pair_has_one_row_and_the_rows_are_in_order() -> None:
    older = Tried("3.13.0", "6.1.2", "the sign-in", 9, 1, 60)
    page = f"before\n{BEGIN}\n{END}\nafter\n"
    for seen in (
        Tried("3.14.1", "6.1.3", "unit", 1, 0, 1),
        older,
        Tried("3.13.0", "5.2.1", "u", 1, 0, 1),
        TRIED,
    ):
        page = with_row(page, seen)
    rows = [line.split(" | ")[:2] for line in page.splitlines() if line.startswith("| 3")]
    assert rows == [["| 3.13.0", "5.2.1"], ["| 3.13.0", "6.1.3"], ["| 3.14.1", "6.1.3"]]
    assert page.startswith("before\n")
    assert page.endswith("after\n")


def test_the_page_has_its_place() -> None:
    assert TRIED.row() in with_row(PAGE.read_text(encoding="utf-8"), TRIED)
