"""How a diffusion model is drawn from: a rule, its steps and its noise, guidance; all of it may change afterwards."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from jaxtyping import Float, Int
from torch import Tensor

from likeness.diffusion.classifier_free import classifier_free
from likeness.diffusion.denoisers import Denoiser, clamped
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.sampler import Diffused, Rule
from likeness.diffusion.schedules import Schedule
from likeness.diffusion.transitions import VARIANCES
from likeness.errors import InputError
from likeness.recipes.rules import RULES, rule
from likeness.sampling import Streams


class How(NamedTuple):
    """A rule by name, its steps, its share of noise (`eta`) where it has one, the scale of guidance, and the variances
    of the rule that needs some."""

    rule: str
    steps: int
    eta: float | None = None
    scale: float = 1.0
    variance: str = "small"


class Drawing:
    """A sampler whose ways may be changed at each call: `drawing(64, generator=0, steps=25, rule="ddim", scale=2.0)`.

    Args:
        method: the diffusion model.
        how: the ways where a call says nothing else.
        make: the draws of a model in these ways.
        classes: how many can be asked for; 0 for none. Those of the model if not given.

    Raises:
        InputError: no such rule, an option it does not take, more steps than there are levels, or guidance of a model
            that it cannot be had of.
    """

    def __init__(
        self,
        method: Diffusion,
        how: How,
        make: Callable[[Diffusion, How], Diffused] | None = None,
        *,
        classes: int | None = None,
    ) -> None:
        self.method, self.how, self.make = method, how, make or plain
        self.classes = method.classes if classes is None else classes
        self.changed()

    def __call__(
        self, n: int, *, generator: int | Streams | None = None, y: Int[Tensor, " n"] | None = None, **changed: Any
    ) -> Float[Tensor, " n *event"]:
        return self.changed(**changed)(n, generator=generator, y=y)

    def states(
        self, n: int, *, generator: int | Streams | None = None, y: Int[Tensor, " n"] | None = None, **changed: Any
    ) -> Iterator[Float[Tensor, " n *event"]]:
        """The draws at every level, from pure noise on."""
        return self.changed(**changed).states(n, generator=generator, y=y)

    def changed(self, **changed: Any) -> Diffused:
        """The draw of `how` with what is given otherwise; another rule comes with its own noise."""
        how = self.how
        if changed.get("rule", how.rule) != how.rule:
            how = how._replace(eta=None)
        return self.make(self.method, how._replace(**changed))


def plain(method: Diffusion, how: How) -> Diffused:
    """The draws of a model by itself, guided by its own labels where the scale asks for it.

    Raises:
        InputError: as for `Drawing`.
    """
    classes, k = method.frequencies is not None, method.classes
    if how.scale != 1 and not (classes and method.drop):
        raise InputError(
            f"--scale {how.scale:g} guides by labels, and this model was not trained to do without some of them: "
            "leave it out, or train with --conditional and --drop 0.1"
        )
    way, sigmas = parts(how, method.schedule)
    device = next(method.D.parameters()).device

    def of(y: Int[Tensor, " n"]) -> Denoiser:
        y = y.to(device)
        D = classifier_free(method.D, y, how.scale, classes=k) if method.drop else method.denoiser(y, clip=False)
        return clamped(D) if method.clip else D

    D = of if classes else method.denoiser()
    return Diffused(D, way, sigmas, method.event, frequencies=method.frequencies, device=device)


def parts(how: How, schedule: Schedule) -> tuple[Rule, Float[Tensor, " levels"]]:
    """The rule and the levels it walks down.

    Raises:
        InputError: no such rule, an option it does not take, or more steps than there are levels.
    """
    variance = VARIANCES[how.variance] if how.rule == "ddpm" else None
    return rule(how.rule, {"eta": how.eta, "variance": variance}), schedule.levels(how.steps)


def default_steps(name: str, most: int | None = None) -> int:
    """The steps of a rule, `most` at most."""
    return RULES[name].steps if most is None else min(RULES[name].steps, most)
