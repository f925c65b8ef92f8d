"""Worker CPU of a whole sign-in, the front page that it ends on included, and memory: ours and
django-auth-adfs, in turns in one run."""

import statistics
from contextlib import ExitStack

from tests.bench import measure
from tests.bench.browser import FRONT_PAGE, Browser
from tests.bench.stage import ADFS, stage

BLOCKS, CLIENTS = 6, 4


def main(quick: bool) -> None:
    rounds = 20 if quick else 40
    with stage(ADFS) as built, ExitStack() as stack:
        sites = [(c, stack.enter_context(c.site())) for c in built.contestants]
        for row, then in (("sign-in", ""), ("sign-in and front page", FRONT_PAGE)):
            took: dict[str, list[float]] = {c.name: [] for c, _ in sites}
            for _ in range(BLOCKS):  # in turns, so that both meet the same weather
                for contestant, site in sites:
                    measure.forget_attempts(contestant)
                    browsers = [Browser(site.url) for _ in range(CLIENTS)]
                    took[contestant.name].append(measure.under_load(browsers, site, rounds, then))
            _show(f"worker CPU ms, {row}", {k: statistics.median(v) for k, v in took.items()})
        _show("MB of a worker", {c.name: measure.memory_mb(site) for c, site in sites})


def _show(row: str, figures: dict[str, float]) -> None:
    ours, peer = figures.values()
    named = ", ".join(f"{name} {value:.1f}" for name, value in figures.items())
    print(f"{row}: {named}, ratio {ours / peer:.2f}")
