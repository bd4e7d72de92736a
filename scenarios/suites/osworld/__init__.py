"""OSWorld: its task files, each a scenario on a desktop that its own client sets up and judges.

Nothing of it is kept here: the client lies in .venv-osworld, the task files where SUREHAND_OSWORLD_TASKS says, and what
they download where SUREHAND_OSWORLD_CACHE says. Those that can run here are scenarios; `listing` says why others cannot.
"""

from scenarios.suites.osworld.tasks import ids, listing, load

__all__ = ["ids", "listing", "load"]
