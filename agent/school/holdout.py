"""Which seeds may be looked at for what: the model never learns from those that a published figure is made of.

Every picture that is drawn and every episode that is begun for the school goes through `require`.
"""

from typing import Literal

Part = Literal["training", "figures"]
SEEDS: dict[Part, range] = {"training": range(50_000), "figures": range(50_000, 60_000)}
"""Seeds to learn from, and those that figures are made of. Nothing from 60,000 up is rendered at all."""


class HeldOutError(ValueError):
    """A seed that must not be looked at for this."""


def require(seed: int, part: Part) -> int:
    """The seed, if it belongs to this part. Raises HeldOutError."""
    if seed not in SEEDS[part]:
        seeds = SEEDS[part]
        raise HeldOutError(f"seed {seed} is not for {part}: take one from {seeds.start} to {seeds.stop - 1}")
    return seed
