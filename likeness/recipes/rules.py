"""The ways down that a person chooses from by name, and how many steps each takes if nothing is asked for.

A new rule is a row. `calls` is what a step costs, in calls of the denoiser.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.ddim import ddim
from likeness.diffusion.dpm_solver import dpm_solver
from likeness.diffusion.heun import euler, heun
from likeness.diffusion.predictor_corrector import predictor_corrector
from likeness.diffusion.sampler import Rule
from likeness.errors import InputError, unknown

CHURN = ("S_churn", "S_tmin", "S_tmax", "S_noise")


class Row(NamedTuple):
    """A maker of rules, the steps it is used with, calls of the denoiser a step, and the options it takes."""

    make: Callable[..., Rule]
    steps: int
    calls: int = 1
    options: tuple[str, ...] = ()


RULES = {
    "ddpm": Row(ancestral, 250, options=("variance",)),
    "ddim": Row(ddim, 50, options=("eta",)),
    "euler": Row(euler, 50, options=CHURN),
    "heun": Row(heun, 25, 2, CHURN),
    "dpm++": Row(dpm_solver, 20, options=("eta",)),
    "predictor-corrector": Row(predictor_corrector, 250, 2, ("snr", "corrections")),
}


def rule(name: str, options: Mapping[str, Any]) -> Rule:
    """The rule of this name with those of the options that are not None.

    Raises:
        InputError: no rule of this name, an option that it does not take, or one out of its range.
    """
    if name not in RULES:
        raise unknown("rule", name, RULES)
    given = {option: value for option, value in options.items() if value is not None}
    for option, value in given.items():
        if option not in RULES[name].options:
            takers = [known for known, row in RULES.items() if option in row.options]
            raise InputError(f"{option} {value}: the rule {name} takes none, {' and '.join(takers) or 'no rule'} does")
    return RULES[name].make(**given)
