"""A Ray cluster of two nodes on the loopback, each with one processor: `python -m tests.agent.two_nodes`.

Prints its address. A line on standard input kills the second node, the end of it ends all.
"""

import os
import sys
from typing import Any


def main() -> None:
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 100 * 2**20,
                            "memory": 2**30, "include_dashboard": False}  # fmt: skip
    cluster: Any = Cluster(initialize_head=True, head_node_args=node)
    second = cluster.add_node(**node)
    print(cluster.address, flush=True)
    if sys.stdin.readline():
        cluster.remove_node(second, allow_graceful=False)
        print("killed", flush=True)
        sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
