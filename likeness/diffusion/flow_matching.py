"""Flow matching: straight paths between noise and data, and two ways to make them straighter.

A path (1 − t) x₀ + t ε is x₀ + σ ε in another unit, σ = t/(1 − t), and its velocity ε − x₀ a row of `denoisers`; so
flow matching is a `Diffusion` with the schedule `flow`, that prediction and that weight. What is left is which noise a
sample is paired with:

    independent          any
    optimal_transport    that of the batch with which  Σ_i ‖x_i − ε_{π(i)}‖²  is least, over permutations π   (1)
    Paired               that from which a trained model draws it: reflow                           (2)

Under (1), within a class where there are labels, noise stays standard normal as a whole, and paths cross less. Under
(2) they cross less each time, and a draw needs fewer steps. How bent they are, on the way of a draw z from t = 1 to 0:

    ∫ E ‖dz/dt − (ε − z_0)‖² dt,   z = x/(1 + σ),  per dimension;  0 for straight ones             (3)

Yaron Lipman, Ricky T. Q. Chen, Heli Ben-Hamu, Maximilian Nickel, Matt Le. Flow Matching for Generative Modeling. 2022.
https://arxiv.org/abs/2210.02747
(1) Alexander Tong et al. Improving and Generalizing Flow-Based Generative Models with Minibatch Optimal Transport.
    2023. https://arxiv.org/abs/2302.00482
(2), (3) Xingchao Liu, Chengyue Gong, Qiang Liu. Flow Straight and Fast: Learning to Generate and Transfer Data with
    Rectified Flow. 2022. https://arxiv.org/abs/2209.03003
"""

from collections.abc import Iterable
from itertools import pairwise

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from likeness.data.batch import Batch
from likeness.diffusion.sampler import Diffused
from likeness.errors import InputError
from likeness.ranks import gather, per_sample
from likeness.sampling import Streams


def optimal_transport(batch: Batch, noise: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
    """The noise of the whole batch, whoever holds it, in the order that lies nearest to its samples."""
    x, every = gather(batch.x), gather(noise)
    y = torch.zeros(len(x)) if batch.y is None else gather(batch.y)
    matched = every.clone()
    for c in y.unique():
        (of_class,) = torch.where(y.to(every.device) == c)
        matched[of_class] = every[of_class][assigned(x[of_class], every[of_class])]  # (1)
    return per_sample(len(noise), lambda n: matched)


def assigned(x: Float[Tensor, " n *event"], noise: Float[Tensor, " n *event"]) -> Tensor:
    """π (n,), exact: the cost is cubic in n."""
    cost = torch.cdist(x.flatten(1).double(), noise.flatten(1).double()).square()
    return torch.from_numpy(linear_sum_assignment(cost.cpu().numpy())[1]).to(x.device)


class Paired:
    """The noise that is on file for each sample of a data set, by its place there (`Batch.index`)."""

    def __init__(self, noise: Float[Tensor, " n *event"]) -> None:
        self.noise = noise

    def __call__(self, batch: Batch, noise: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        """Raises InputError for batches that do not say which samples they hold."""
        if batch.index is None:
            raise InputError(
                "these samples have noise of their own, and the batch does not say which they are: set index"
            )
        return self.noise.to(noise)[batch.index]  # (2)


def pairs(
    sampler: Diffused, n: int, *, generator: int | Streams | None = None
) -> tuple[Float[Tensor, " n *event"], Float[Tensor, " n *event"]]:
    """New data to learn from: draws of a trained model, by a rule without noise, and the noise that each came from."""
    first, *_, last = sampler.states(n, generator=generator)
    return last, first / float(sampler.sigmas[0])


def curvature(states: Iterable[Float[Tensor, " n *event"]], sigmas: Float[Tensor, " levels"]) -> Float[Tensor, " n"]:
    """How bent the ways of draws are that pass through these states, one at each level."""
    t = (sigmas / (1 + sigmas)).tolist()
    z = [x / (1 + sigma) for x, sigma in zip(states, sigmas.tolist(), strict=True)]
    whole, total = (z[0] - z[-1]) / (t[0] - t[-1]), torch.zeros(len(z[0])).to(z[0])
    for (a, b), (s, to) in zip(pairwise(z), pairwise(t), strict=True):
        total += (s - to) * ((a - b) / (s - to) - whole).square().flatten(1).mean(1)  # (3)
    return total
