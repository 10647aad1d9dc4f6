"""Keeps the calendar: begins what is due, sees it through, and says what does not go.

Whether a crawl is done is the store's to say, not a scrapyd's: a run has a verdict or it has none.
So a machine that is lost, a job that is lost and a run that was killed come to the same: somebody
else is given the errand. ``look`` is all of it; it never waits, and the time is an argument.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from partner_monitor import alerts
from partner_monitor.config import Alerts, Config, from_settings
from partner_monitor.directory.countries import UnknownCountry, find_country, parse_country
from partner_monitor.reports import health
from partner_monitor.schedule import memory as memories
from partner_monitor.schedule.memory import Errand, Round
from partner_monitor.schedule.plan import Job, Plan
from partner_monitor.schedule.spread import ASKING, spread
from partner_monitor.schedule.times import due
from partner_monitor.service.scrapyd import Away, Refused, Scrapyd, State
from partner_monitor.store import migrate, reporting, runs
from partner_monitor.store.engine import StoreError, StoreGone
from partner_monitor.store.menu import exists, stored_menu

logger = logging.getLogger(__name__)

SILENCE = timedelta(seconds=60)
"""How long a host may not answer before others get its errands and people are told."""

TRIES = 3
"""How often a crawl may end without a verdict before it is left alone until its next time."""

REST = timedelta(minutes=5)
"""Between two of those tries: whatever was in the way may be gone then."""


class Keeper:
    """The calendar at work."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        settings: Mapping[str, object],
        file: Path,
        connect: Callable[[str], Scrapyd],
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._settings = settings
        self._config: Config = from_settings(settings, {"mode": "all"})
        self._file = file
        self._memory = memories.load(file)
        self._scrapyds = {host.name: connect(host.name) for host in plan.hosts}
        self._silent: dict[str, datetime] = {}  # since when
        self._troubles: set[str] = set()  # what was told and is not over
        self._answers: dict[str, dict[str, State] | None] = {}  # in this look

    def look(self, now: datetime) -> None:
        """See to all that there is to be done at ``now``."""
        self._answers = {}
        if self._memory.told_until is None:
            self._memory.told_until = now  # what was before is no news
        try:
            self._see_through(now)
            self._begin_due(now)
            self._give(now)
            self._end_rounds(now)
        except StoreError as error:
            self._tell("store", "the calendar waits for the store", str(error))
        else:
            self._over("store", "the store answers again")
        memories.save(self._memory, self._file)

    # --- what is due -----------------------------------------------------------------------------

    def _begin_due(self, now: datetime) -> None:
        for job in self._plan.jobs.values():
            if not job.at:
                continue
            # Times before the calendar was first started are nobody's miss.
            last = self._memory.last.setdefault(job.name, now)
            found = due(job, self._plan, last, now)
            if found is None:
                continue
            if found.missed:
                logger.warning("%s: %d times were missed; the last counts", job.name, found.missed)
            if found.too_late:
                logger.warning("%s: %s was missed by too much", job.name, self._local(found.at))
            else:
                self._begin(job, found.at, now)
            self._memory.last[job.name] = found.at

    def _begin(self, job: Job, at: datetime, now: datetime) -> None:
        if job.task:
            self._do_task(job, now)
            self._begin_those_after(job.name, now)
            return
        for other in self._memory.rounds:
            if other.job == job.name or self._same_work(self._plan.jobs.get(other.job), job):
                logger.warning(
                    "%s: left out at %s, %s of %s is still under way",
                    job.name,
                    self._local(at),
                    other.job,
                    self._local(other.at),
                )
                return
        errands = self._errands(job)
        self._memory.rounds.append(Round(job=job.name, at=at, errands=errands))
        logger.info(
            "%s of %s begins%s",
            job.name,
            self._local(at),
            f": {len(errands)} countries" if len(errands) > 1 else "",
        )

    def _same_work(self, other: Job | None, job: Job) -> bool:
        return other is not None and (other.spider, other.arguments) == (job.spider, job.arguments)

    def _begin_those_after(self, name: str, now: datetime) -> None:
        for job in self._plan.jobs.values():
            if job.after == name:
                self._begin(job, now, now)

    def _errands(self, job: Job) -> list[Errand]:
        arguments = dict(job.arguments)
        if job.spider == "recheck":
            found = [Errand(label=job.name, spider=job.spider, arguments=arguments)]
        elif self._plan.spreads and "mode" not in arguments and (menu := self._countries()):
            found = [
                Errand(
                    label=name,
                    spider=job.spider,
                    arguments=arguments | {"mode": "specific_c", "country": str(id_)},
                    country_id=id_,
                    size=size + ASKING,
                )
                for id_, (name, size) in menu.items()
            ]
        else:
            # A store that knows no country learns them from a run over all.
            arguments.setdefault("mode", "all")
            found = [Errand(label=job.name, spider=job.spider, arguments=arguments)]
        for errand in found:
            run = runs.newest(self._engine, self._key(errand))
            over = run is not None and run.state not in runs.UNFINISHED
            # A run left behind is continued: its own end is what is waited for then.
            errand.before = 0 if run is None else run.id if over else run.id - 1
        return found

    def _countries(self) -> dict[int, tuple[str, int]]:
        """Name and declared size of each country that may have partners."""
        return {
            country.id: (country.name, country.listed_count or 0)
            for country in stored_menu(self._engine)
            if country.listed_count != 0
        }

    def _key(self, errand: Errand) -> runs.RunKey:
        if errand.country_id is None and "country" in errand.arguments:
            # In a new store no country has a number before a run has found it.
            menu = stored_menu(self._engine)
            with suppress(UnknownCountry):  # the crawl itself refuses it, in its log
                country = find_country(parse_country(errand.arguments["country"], menu), menu)
                errand.country_id = country.id if country is not None else None
        if errand.spider == "recheck":
            mode, page = errand.arguments.get("what", "all"), None
        else:
            config = from_settings(self._settings, errand.arguments)
            mode, page = config.mode, config.page if config.mode == "specific" else None
        return runs.RunKey(
            spider=errand.spider,
            mode=mode,
            country_id=errand.country_id,
            page=page,
            site=self._config.site,
        )

    # --- what the calendar does itself -----------------------------------------------------------

    def _do_task(self, job: Job, now: datetime) -> None:
        try:
            if not exists(self._engine):
                raise StoreError("there is no store yet")
            migrate.require(self._engine)
        except StoreGone:
            raise
        except StoreError as error:
            logger.warning("%s: %s", job.name, error)
            return
        if job.task == "digest":
            self._digest()
            return
        found = health.gather(self._engine, now, self._config.health_max_age)
        for line in found.lines():
            logger.log(logging.INFO if found.healthy else logging.WARNING, "health: %s", line)
        if not found.healthy:
            self._alert("not healthy", *found.problems)

    def _digest(self) -> None:
        until, _ = reporting.freshness(self._engine)
        after = self._memory.told_until
        assert after is not None
        if until is None or until <= after:
            logger.info("digest: nothing was published since the last one")
            return
        if self._config.alert_urls:
            for trouble in alerts.notify_of_time(self._engine, after, until, self._config):
                logger.warning(trouble)
        logger.info(
            "digest: of what was published from %s to %s%s",
            self._local(after),
            self._local(until),
            "" if self._config.alert_urls else "; nobody is told, PARTNER_ALERT_URLS is empty",
        )
        self._memory.told_until = until

    # --- seeing it through -----------------------------------------------------------------------

    def _see_through(self, now: datetime) -> None:
        for name in list(self._silent):
            self._ask(name, now)
        moved: Counter[str] = Counter()
        for round_ in self._memory.rounds:
            for errand in list(round_.errands):
                if not errand.host:
                    continue
                # First the host, then the store: a job that is over has left its verdict there.
                jobs = self._ask(errand.host, now)
                run = runs.newest(self._engine, self._key(errand))
                if run is not None and run.id > errand.before and run.state not in runs.UNFINISHED:
                    round_.errands.remove(errand)
                    round_.done[run.state] = round_.done.get(run.state, 0) + 1
                    if jobs is not None and jobs.get(errand.job) is State.PENDING:
                        # Somebody else has done it meanwhile, such as a host thought lost.
                        self._memory.strays.setdefault(errand.host, []).append(errand.job)
                    if run.state != runs.State.PUBLISHED:
                        logger.warning(
                            "%s: run %d %s: %s", errand.label, run.id, run.state, run.reason
                        )
                elif jobs is None:
                    if self._lost(errand.host, now):
                        moved[errand.host] += 1
                        self._memory.strays.setdefault(errand.host, []).append(errand.job)
                        errand.host = ""
                elif jobs.get(errand.job, State.FINISHED) is State.FINISHED:
                    self._ended_without_verdict(round_, errand, now)
        for name, count in moved.items():
            logger.warning("%d crawls of host %s are given to others", count, name)

    def _lost(self, name: str, now: datetime) -> bool:
        """Whether others shall have the errands of a host that does not answer."""
        if name not in self._scrapyds:
            return True  # it is no longer in the plan
        since = self._silent.get(name, now)
        return now - since >= SILENCE and any(other not in self._silent for other in self._scrapyds)

    def _ended_without_verdict(self, round_: Round, errand: Errand, now: datetime) -> None:
        log = self._scrapyds[errand.host].log_url(errand.spider, errand.job)
        errand.failed += 1
        errand.host = ""
        errand.rests_until = now + REST
        if errand.failed < TRIES:
            logger.warning(
                "%s: ended without a verdict, and is tried again; its log: %s", errand.label, log
            )
            return
        round_.errands.remove(errand)
        round_.done["without a verdict"] = round_.done.get("without a verdict", 0) + 1
        line = f"{errand.label} ended {TRIES} times without a verdict; its log: {log}"
        logger.error(line)
        self._alert(f"{round_.job} of {self._local(round_.at)} is not complete", line)

    def _end_rounds(self, now: datetime) -> None:
        for round_ in [one for one in self._memory.rounds if not one.errands]:
            ends = ", ".join(f"{count} {state}" for state, count in sorted(round_.done.items()))
            logger.info("%s of %s ends: %s", round_.job, self._local(round_.at), ends)
            self._begin_those_after(round_.job, now)
            self._memory.rounds.remove(round_)
            self._give(now)

    # --- giving it to somebody -------------------------------------------------------------------

    def _give(self, now: datetime) -> None:
        """Give what nobody has to the hosts that answer."""
        for round_ in self._memory.rounds:
            free = {
                place: one
                for place, one in enumerate(round_.errands)
                if not one.host and (one.rests_until is None or one.rests_until <= now)
            }
            if not free:
                continue
            hosts = [name for name in self._scrapyds if self._ask(name, now) is not None]
            if not hosts:
                continue
            load: Counter[str] = Counter()
            for other in self._memory.rounds:
                for errand in other.errands:
                    load[errand.host] += errand.size
            sizes = {place: errand.size for place, errand in free.items()}
            given = spread(sizes, hosts, load)
            sums = Counter(given.values())
            if len(given) > 1:
                shares = ", ".join(f"{name} {sums[name]}" for name in hosts)
                logger.info("%s: countries for each host: %s", round_.job, shares)
            for place, name in given.items():
                self._give_one(round_, free[place], name, now)

    def _give_one(self, round_: Round, errand: Errand, name: str, now: datetime) -> None:
        jobs = self._ask(name, now)
        if jobs is None:
            return  # it was there a moment ago; the next look finds another
        job = self._plan.jobs.get(round_.job)
        what = f"-{errand.country_id}" if errand.size else ""
        errand.job = f"{round_.job}-{round_.at:%Y%m%dT%H%M}{what}-{errand.given + 1}"
        fields = dict(errand.arguments)
        settings = dict(job.settings) if job is not None else {}
        if any(one.task == "digest" for one in self._plan.jobs.values()):
            settings.setdefault("PARTNER_ALERTS", Alerts.TROUBLE)
        try:
            # It may have come through the last time, with the answer lost.
            if errand.job not in jobs:
                self._scrapyds[name].schedule(errand.spider, errand.job, fields, settings)
        except (Away, Refused) as error:
            self._fall_silent(name, error, now)
            return
        errand.host = name
        errand.given += 1

    def _ask(self, name: str, now: datetime) -> dict[str, State] | None:
        """The jobs of a host, asked for once in a look; None where it does not answer."""
        if name not in self._scrapyds:
            return None
        if name not in self._answers:
            try:
                scrapyd = self._scrapyds[name]
                for job in self._memory.strays.get(name, []):
                    scrapyd.cancel(job)
                self._memory.strays.pop(name, None)
                self._answers[name] = scrapyd.jobs()
            except (Away, Refused) as error:
                self._fall_silent(name, error, now)
            else:
                if self._silent.pop(name, None) is not None:
                    self._over(name, f"host {name} answers again")
        return self._answers[name]

    def _fall_silent(self, name: str, error: Away | Refused, now: datetime) -> None:
        self._answers[name] = None
        if name not in self._silent:
            self._silent[name] = now
            logger.warning("host %s: %s; trying again", name, error)
        elif now - self._silent[name] >= SILENCE:
            self._tell(name, f"host {name} is of no use", f"host {name}: {error}")

    # --- telling ---------------------------------------------------------------------------------

    def _tell(self, key: str, title: str, line: str) -> None:
        """Log and alert, once for as long as it lasts."""
        if key in self._troubles:
            return
        self._troubles.add(key)
        logger.error(line)
        self._alert(title, line)

    def _over(self, key: str, line: str) -> None:
        if key in self._troubles or key in self._scrapyds:
            logger.info(line)
        self._troubles.discard(key)

    def _alert(self, title: str, *lines: str) -> None:
        for trouble in alerts.notify_of_trouble(title, lines, self._config):
            logger.warning(trouble)

    def _local(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._plan.zone):%Y-%m-%d %H:%M}"
