"""A Ray cluster of two nodes on the loopback, each with one processor: `python -m tests.agent.two_nodes`.

Prints its address. A line on standard input kills the second node and what runs there, the end of it ends all.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any


def begun_by(node: Any) -> list[int]:
    """The processes in which a node's actors run."""
    (raylet,) = node.all_processes["raylet"]
    pid = raylet.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def main() -> None:
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 100 * 2**20,
                            "memory": 2**30, "include_dashboard": False}  # fmt: skip
    cluster: Any = Cluster(initialize_head=True, head_node_args=node)
    second = cluster.add_node(**node)
    print(cluster.address, flush=True)
    if sys.stdin.readline():
        actors = begun_by(second)
        cluster.remove_node(second, allow_graceful=False)
        for pid in actors:  # a machine that dies takes them along at once; they would notice a little later
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        print("killed", flush=True)
        sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
