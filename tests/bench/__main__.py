"""`make bench`: full sign-ins, ours against stock allauth, in turns in one run.

ARGS="--quick" for a short one; ARGS="--json FILE" writes the figures (bench.json by default).
ARGS="--million" measures admin's lists over a million sign-ins instead.
ARGS="--adfs" measures CPU and memory against django-auth-adfs instead.
ARGS="--sessions" measures what the limits on sessions cost a page.
ARGS="--credentials" measures a sign-in by each kind of credential.
ARGS="--front-page" measures admin's front page beside Django's own.
"""

import argparse
import json
import statistics
from contextlib import ExitStack
from pathlib import Path

from tests.bench import credentials, front_page, measure, million, peers, sessions
from tests.bench.browser import Browser
from tests.bench.stage import Stage, stage
from tests.servers.site import Site

BLOCKS = 4
CLIENTS = 4
MORE_IS_BETTER = ("sign-ins a second of one core",)
Figures = dict[str, dict[str, float]]


def main() -> None:
    options = _options()
    if options.credentials:
        credentials.main(quick=options.quick)
        return
    if options.sessions:
        sessions.main()
        return
    if options.adfs:
        peers.main(options.quick)
        return
    if options.front_page:
        front_page.main()
        return
    if options.million:
        million.main()
        return
    rounds = 10 if options.quick else 40
    with stage() as built:
        figures = _measured(built, rounds)
    _show(figures)
    Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")


def _measured(built: Stage, rounds: int) -> Figures:
    figures: Figures = {
        c.name: measure.counts(c, built.microsoft, rounds) for c in built.contestants
    }
    for contestant in built.contestants:
        figures[contestant.name]["ms to the first answer"] = measure.first_answer_ms(contestant)
    with ExitStack() as stack:
        sites = {c.name: stack.enter_context(c.site()) for c in built.contestants}
        _latencies(built, figures, sites, rounds)
        _loads(figures, sites, rounds)
    return figures


def _latencies(built: Stage, figures: Figures, sites: dict[str, Site], rounds: int) -> None:
    for delay in (0, 25):
        built.microsoft.set_delay(delay)
        for idle in (False, True):
            took: dict[str, list[float]] = {name: [] for name in sites}
            for _ in range(BLOCKS):  # in turns, so that both meet the same weather
                for name, site in sites.items():
                    took[name] += measure.callbacks(
                        site, built.microsoft, rounds // BLOCKS, idle=idle
                    )
            row = f"callback ms, {delay} ms of round trip, {'after idle' if idle else 'warm'}"
            for name, values in took.items():
                figures[name][row] = statistics.median(values)
    built.microsoft.set_delay(0)


def _loads(figures: Figures, sites: dict[str, Site], rounds: int) -> None:
    loads: dict[str, list[float]] = {name: [] for name in sites}
    for _ in range(BLOCKS):
        for name, site in sites.items():
            browsers = [Browser(site.url) for _ in range(CLIENTS)]
            loads[name].append(measure.under_load(browsers, site, rounds))
    for name, site in sites.items():
        each = statistics.median(loads[name])
        figures[name]["worker CPU ms, whole sign-in"] = each
        figures[name]["sign-ins a second of one core"] = 1000 / each
        figures[name]["MB of a worker"] = measure.memory_mb(site)


def _show(figures: Figures) -> None:
    print(f"{'':52}{'ours':>10}{'stock':>10}{'times better':>14}")
    for row, ours in figures["ours"].items():
        stock = figures["stock"][row]
        better, worse = (ours, stock) if row in MORE_IS_BETTER else (stock, ours)
        ratio = f"{better / worse:.2f}" if worse else "-"
        print(f"{row:52}{ours:10.1f}{stock:10.1f}{ratio:>14}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--adfs", action="store_true")
    parser.add_argument("--credentials", action="store_true")
    parser.add_argument("--sessions", action="store_true")
    parser.add_argument("--front-page", action="store_true")
    parser.add_argument("--json", default="bench.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
