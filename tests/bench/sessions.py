"""What the limits on sessions cost a page of admin: all of them on, against all of them off."""

import statistics
from contextlib import ExitStack

from tests.bench.browser import Browser
from tests.bench.stage import stage

OFF = {"SESSION_IDLE_MINUTES": "0", "RECHECK_MINUTES": "0", "STEP_UP": "off"}
ON = {"SESSION_IDLE_MINUTES": "60", "RECHECK_MINUTES": "60", "STEP_UP": "login"}
BLOCKS, PAGES = 20, 30
PATH = "/admin/"


def main() -> None:
    with stage() as built, ExitStack() as stack:
        took: dict[str, list[float]] = {"off": [], "on": []}
        commands: dict[str, float] = {}
        browsers = {}
        for name, env in (("off", OFF), ("on", ON)):
            browsers[name] = Browser(stack.enter_context(built.ours.site(**env)).url)
            browsers[name].sign_in()
            browsers[name].page_ms(PATH)
        for _ in range(BLOCKS):  # in turns, so that both meet the same weather
            for name, browser in browsers.items():
                before = built.ours.redis.client().info("stats")["total_commands_processed"]
                took[name] += [browser.page_ms(PATH) for _ in range(PAGES)]
                after = built.ours.redis.client().info("stats")["total_commands_processed"]
                commands[name] = (after - before) / PAGES
    p95 = {name: statistics.quantiles(values, n=20)[-1] for name, values in took.items()}
    print(f"{'admin page, limits on sessions':34}{'off':>10}{'on':>10}{'ratio':>8}")
    medians = {name: statistics.median(values) for name, values in took.items()}
    for row, values in (("median ms", medians), ("p95 ms", p95), ("Redis commands", commands)):
        ratio = values["on"] / values["off"]
        print(f"{row:34}{values['off']:10.2f}{values['on']:10.2f}{ratio:8.2f}")
