"""What the decoders of recipes say of a sample, by the name that a person gives it."""

from likeness.data.columns import Columns
from likeness.density.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian, GaussianMap, Likelihood
from likeness.density.mixed import Mixed
from likeness.recipes.common import Facts


def levels_of(name: str | None, facts: Facts) -> int | None:
    """Of how many values the likelihood of that name is a probability; None for a density."""
    return {"logistic": facts.levels or 256, "bernoulli": 2}.get(name or "")


def likelihood_of(name: str | None, facts: Facts, *, sigma: float | None = None, floor: float = 0.01) -> Likelihood:
    """The likelihood of that name, gaussian if none is given; its σ is learned unless it is given."""
    match name:
        case "gaussian-map":
            return GaussianMap(floor)
        case "logistic":
            return DiscretisedLogistic(facts.levels or 256)
        case "bernoulli":
            return Bernoulli()
        case "mixed":
            return Mixed(Columns.from_state(list(facts.columns)), floor=floor)
    return Gaussian(sigma or max(0.5, 2 * floor), learn=sigma is None, floor=floor)
