"""How a service is set up: one frozen value, handed to each of its processes as JSON."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Setup(BaseModel):
    """What the service and its workers must agree on.

    `folder` holds the runs, and the databases where `database` names none; workers on other machines need both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Path("service")
    database: str = ""
    """Of SQLAlchemy: `postgresql://user@host/name`; empty keeps SQLite files in the folder."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    names: tuple[str, ...] = ()
    """Further names that the service is reached by; a request for any other is refused."""
    slots: int = Field(default=2, ge=1)
    """Most runs at once in one worker."""
    share: int = Field(default=8, ge=1)
    """Most runs at once of one account, on all workers together."""
    waiting: int = Field(default=1000, ge=1)
    """Most runs that one account may have waiting."""
    keep_days: float = Field(default=90.0, gt=0)
    """Days after which an ended run is forgotten, with its files."""
    room: float = Field(default=20.0, gt=0)
    """Gigabytes that runs may take; above, none is taken on, and the oldest that ended make room."""
    lost_after: float = Field(default=15.0, gt=0)
    """Seconds of silence after which a worker counts as dead, and its runs go on elsewhere."""
    drain: float = Field(default=30.0, ge=0)
    """Seconds that a worker gives its runs when it is told to end; what is left goes on elsewhere."""
    stop_within: float = Field(default=5.0, ge=0)
    """Seconds in which a run that is cancelled may end at a step; then it is cut off where it is."""
    models: tuple[str, ...] = ()
    """Models that a run may ask for, besides the one of the settings and those without weights."""
    tests: tuple[Path, ...] = ()
    """Folders whose tests may be ordered, by where they lie below."""
    private: bool = False
    """Whether goals may begin at addresses of this machine and of private networks."""
    config: Path | None = None
    """The settings file that runs begin with, as `--config` names it."""

    @property
    def known_as(self) -> tuple[str, ...]:
        """Every name that the service is reached by."""
        return (*LOOPBACK, self.host, *self.names)

    @property
    def runs(self) -> Path:
        """One folder for each run, with one for each attempt at it."""
        return self.folder / "runs"

    @property
    def tables_url(self) -> str:
        """Where the service's own tables are."""
        return _psycopg(self.database) or f"sqlite:///{self.tables_file}"

    @property
    def tables_file(self) -> Path | None:
        """The file of those tables, unless they are in a database server."""
        return None if self.database else self.folder / "service.sqlite"

    @property
    def jobs_url(self) -> str:
        """Where the engine keeps its queue: in a schema of its own, or in a file of its own."""
        return self.database or f"sqlite:///{self.jobs_file}"

    @property
    def jobs_file(self) -> Path | None:
        """The queue's own file, unless it is in a database server."""
        return None if self.database else self.folder / "jobs.sqlite"


def _psycopg(url: str) -> str:
    """The driver that the engine uses too."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
