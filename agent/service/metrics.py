"""What a service does in numbers, as Prometheus reads them: counted in the database, for all workers."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from agent.service.orders import State
from agent.service.store import Store
from agent.service.tables import RunRow, TimingRow, WorkerRow
from agent.service.timings import BOUNDS


class _Counted(Collector):
    """Everything, counted anew."""

    def __init__(self, store: Store, workers: int) -> None:
        self._store, self._workers = store, workers

    def collect(self) -> Iterator[Metric]:
        """Runs by state and by how they ended, their steps and tokens, workers and what these have room for."""
        states = GaugeMetricFamily("surehand_runs", "Runs by state; those that are queued wait", labels=["state"])
        ended = GaugeMetricFamily("surehand_runs_ended", "Ended runs by status", labels=["status"])
        counted = select(RunRow.state, RunRow.status, func.count()).group_by(RunRow.state, RunRow.status)
        totals = select(func.sum(RunRow.steps), func.sum(RunRow.tokens), func.sum(RunRow.bytes))
        with self._store.begun() as session:
            by_state = dict.fromkeys(State, 0)
            for state, status, count in session.execute(counted):
                by_state[State(state)] += count
                if status:
                    ended.add_metric([status], count)
            steps, tokens, size = session.execute(totals).one()
            slots, worlds = session.execute(select(func.sum(WorkerRow.slots), func.sum(WorkerRow.busy))).one()
            timings = [*session.scalars(select(TimingRow))]
        for state, count in by_state.items():
            states.add_metric([state], count)
        yield states
        yield ended
        yield GaugeMetricFamily("surehand_steps", "Steps of the runs that are kept", steps or 0)
        yield GaugeMetricFamily("surehand_tokens", "Tokens of the runs that are kept", tokens or 0)
        yield GaugeMetricFamily("surehand_workers", "Workers that live", self._workers)
        yield GaugeMetricFamily("surehand_slots", "Runs that the workers have room for", slots or 0)
        yield GaugeMetricFamily("surehand_worlds", "Worlds that the workers have open", worlds or 0)
        yield GaugeMetricFamily("surehand_run_bytes", "Bytes of the files of runs", size or 0)
        yield from _histograms(timings)


def _histograms(rows: Sequence[TimingRow]) -> Iterator[Metric]:
    """How long the phases of steps take, and the model alone."""
    steps = HistogramMetricFamily("surehand_step_seconds", "Seconds of a step's phases", labels=["phase"])
    model = HistogramMetricFamily("surehand_model_seconds", "Seconds of the model's answers")
    for phase in sorted({row.phase for row in rows}):
        counts = {row.bucket: row.steps for row in rows if row.phase == phase}
        seconds = sum(row.seconds for row in rows if row.phase == phase)
        upto = accumulate(counts.get(bucket, 0) for bucket in range(len(BOUNDS)))
        buckets = [(_written(bound), float(count)) for bound, count in zip(BOUNDS, upto, strict=True)]
        if phase == "model":
            model.add_metric([], buckets, seconds)
        else:
            steps.add_metric([phase], buckets, seconds)
    yield steps
    yield model


def _written(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else f"{bound:g}"


def exposition(store: Store, lost_after: float) -> bytes:
    """The numbers as text; a worker that was silent for `lost_after` seconds does not live."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(store, store.workers(lost_after)))
    return generate_latest(registry)
