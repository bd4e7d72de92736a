"""Every exception of surehand, by who must hear of it.

    SurehandError
    ├── UserError       the person: bad file, missing program, wrong option   exit code 2, no run
    ├── EnvError        the world: no display, application or browser died    run ends as error:env
    ├── ModelError      the model server, after retries                       run ends as error:model
    └── ScenarioError   the scenario: setup or checker crashed                run ends as error:scenario

What the *model* must hear of is a value, never an exception: `Outcome` (tools.actions) and `Unreadable` (agent.trace).
"""


class SurehandError(Exception):
    """Root of the tree; never raised itself."""


class UserError(SurehandError):
    """A mistake that the person at the keyboard can mend.

    `what` names the value at fault, `cause` the likely reason, `remedy` the next step. Printed as one line.
    """

    def __init__(self, what: str, *, cause: str = "", remedy: str = "") -> None:
        self.what, self.cause, self.remedy = what, cause, remedy
        line = what + (f": {cause}" if cause else "") + (f"; {remedy}" if remedy else "")
        super().__init__(" ".join(line.split()))


class EnvError(SurehandError):
    """The world broke; the run is not a failure of the model."""


class ModelError(SurehandError):
    """The model server did not answer, or not in a way that can be used, after retries."""


class ScenarioError(SurehandError):
    """A scenario's own setup, oracle or checker is at fault."""
