"""The order of work: queries that take turns, what is fresh before what is not."""

from collections.abc import Callable, Collection, Iterable
import sqlite3


def first_jobs[Job](
    connection: sqlite3.Connection,
    queries: Iterable[str],
    *,
    ranks: Collection[int],
    now: float,
    exclude: Collection[int],
    limit: int,
    fresh_for: float,
    key: str,
    job: Callable[[sqlite3.Row], Job],
    **values: object,
) -> list[Job]:
    """Return at most `limit` jobs of neighboring ranks, those of earlier queries first.

    `job` makes a job of a row whose column `key` is not one of `exclude`. The queries
    know `:now`, `:first` and `:last` rank, `:limit`, `:fresh` (the moment
    since when something counts as fresh) and `values`.
    """
    values |= {
        "now": now,
        "first": min(ranks),
        "last": max(ranks),
        "limit": limit + len(exclude),
        "fresh": now - fresh_for,
    }
    jobs: dict[int, Job] = {}
    for query in queries:
        for row in connection.execute(query, values):
            if row[key] not in exclude:
                jobs.setdefault(row[key], job(row))
        if len(jobs) >= limit:
            break
    return list(jobs.values())[:limit]
