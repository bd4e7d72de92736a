"""MiniWoB++: the pages of the package `miniwob`, each a scenario in a headless or visible browser.

Nothing of the package is imported, and none of its pages is kept here: they are served from where it is installed.
"""

from scenarios.suites.miniwob.pages import deviations, ids, load

__all__ = ["deviations", "ids", "load"]
