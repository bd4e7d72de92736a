"""OSWorld: its task files, each a scenario on a desktop that its own client sets up and judges.

Nothing of it is kept here. Its client lies in .venv-osworld, its task files where SUREHAND_OSWORLD_TASKS says, and what
they download where SUREHAND_OSWORLD_CACHE says. What can run here is a scenario; `listing` has all files, with reasons.
"""

from scenarios.suites.osworld.tasks import deviations, digest, ids, listing, load

__all__ = ["deviations", "digest", "ids", "listing", "load"]
