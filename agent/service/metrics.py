"""What a service does in numbers, as Prometheus reads them: counted in the database, for all workers."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from agent.service.orders import State
from agent.service.store import Store
from agent.service.tables import RunRow, WorkerRow


class _Counted(Collector):
    """Everything, counted anew."""

    def __init__(self, store: Store, workers: int) -> None:
        self._store, self._workers = store, workers

    def collect(self) -> Iterator[Metric]:
        """Runs by state and by how they ended, their steps and tokens, workers and what these have room for."""
        states = GaugeMetricFamily("surehand_runs", "Runs by state; those that are queued wait", labels=["state"])
        ended = GaugeMetricFamily("surehand_runs_ended", "Ended runs by status", labels=["status"])
        counted = select(RunRow.state, RunRow.status, func.count()).group_by(RunRow.state, RunRow.status)
        totals = select(func.sum(RunRow.steps), func.sum(RunRow.tokens))
        with self._store.begun() as session:
            by_state = dict.fromkeys(State, 0)
            for state, status, count in session.execute(counted):
                by_state[State(state)] += count
                if status:
                    ended.add_metric([status], count)
            steps, tokens = session.execute(totals).one()
            slots = session.scalar(select(func.sum(WorkerRow.slots)))
        for state, count in by_state.items():
            states.add_metric([state], count)
        yield states
        yield ended
        yield GaugeMetricFamily("surehand_steps", "Steps of the runs that are kept", steps or 0)
        yield GaugeMetricFamily("surehand_tokens", "Tokens of the runs that are kept", tokens or 0)
        yield GaugeMetricFamily("surehand_workers", "Workers that live", self._workers)
        yield GaugeMetricFamily("surehand_slots", "Runs that the workers have room for", slots or 0)


def exposition(store: Store, lost_after: float) -> bytes:
    """The numbers as text; a worker that was silent for `lost_after` seconds does not live."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(store, store.workers(lost_after)))
    return generate_latest(registry)
