"""Classifier guidance: draws of a class from a model that knows no classes, by a classifier of noisy samples.

    minimised   E −log p_φ(y | x₀ + σ ε, σ),   σ of the levels that the diffusion model learned       (1)
    Algorithm 2 D'(x, σ) = D(x, σ) + s σ² ∇ₓ log p_φ(y|x)                          (`guided`)        (2)
    Algorithm 1 x' ~ N(μ + s Σ ∇ₓ log p_φ(y|x), Σ)                                 (`pushed`)        (3)

(2) is ε̂ = ε − s √(1−ᾱ) ∇ log p_φ(y|x_t) of the paper in our unit. (3) is for the ancestral rule, which knows Σ; every
other rule takes `pushed` for (2). s = 1 is Bayes' rule, as far as the classifier has it right; more sharpens: p(y|x)ˢ
puts more weight on what the classifier is surest of. Clamp the denoiser before it is guided, as the authors do.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.density.classes import normalised
from likeness.diffusion.denoisers import Denoiser, Function, alpha, over
from likeness.diffusion.guidance_interval import within
from likeness.diffusion.sampler import Diffused, Rule
from likeness.diffusion.schedules import Schedule
from likeness.diffusion.steering import LogDensity, labels_of, pushed
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import noise_like, per_sample
from likeness.sampling import Streams, streams

HIGHEST = 80.0  # EDM's highest level: above it nothing is seen of a class
Steering = Callable[[Denoiser, LogDensity, float], Denoiser]


class NoisyClassifier(Method):
    """p_φ(y|x) of samples with noise of any level.

    Args:
        F: the network, (n, *event), t (n,) → logits (n, classes).
        schedule: that of the diffusion model: which levels there are, and what the network is told of them.
        classes: how many.
        c_in: what the network's input is multiplied by, a function of σ, such as a parameterisation's `c_in`.
    """

    def __init__(self, F: nn.Module, schedule: Schedule, *, classes: int, c_in: Function = alpha) -> None:
        super().__init__()
        self.F, self.schedule, self.classes, self.c_in = F, schedule, classes, c_in

    def updates(self, batch: Batch) -> Iterator[Update]:
        """Raises InputError for a batch without labels, or with one that is no class."""
        y = _taught(batch, self.classes if self.iteration == 0 else None)
        u = per_sample(len(y), lambda n: torch.rand(n, device=batch.x.device))
        sigma = self.schedule.trained(u)
        x = batch.x + over(sigma, batch.x) * noise_like(batch.x)
        yield self, lambda: {"cross_entropy": functional.cross_entropy(self.logits(x, sigma), y)}  # (1)

    def logits(self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n classes"]:
        return self.F(over(self.c_in(sigma), x) * x, self.schedule.told(sigma).to(x.dtype))

    def log_class(
        self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"], y: Int[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        """log p_φ(y|x), in evaluation mode; gradients reach x."""
        with evaluating(self.F):
            return self.logits(x, sigma).log_softmax(1).gather(1, y[:, None])[:, 0]

    @torch.no_grad()
    def accuracy(
        self,
        x: Float[Tensor, " n *event"],
        y: Int[Tensor, " n"],
        sigmas: Float[Tensor, " levels"],
        *,
        generator: int | Streams | None = 0,
        batch_size: int = 256,
    ) -> Float[Tensor, " levels"]:
        """The share of clean samples whose class is seen through noise, at each of these levels."""
        source, right = streams(generator), torch.zeros(len(sigmas))
        eps = source.normal(*x.shape, device=x.device)
        with evaluating(self.F):
            for i, level in enumerate(sigmas.tolist()):
                parts = zip((x + level * eps).split(batch_size), y.split(batch_size), strict=True)
                hits = [(self.logits(a, a.new_full((len(a),), level)).argmax(1) == b).sum() for a, b in parts]
                right[i] = float(torch.stack(hits).sum()) / len(x)
        return right


def classifier_guided(
    D: Denoiser,
    log_class: Callable[[Tensor, Tensor, Tensor], Tensor],
    y: Int[Tensor, " n"] | None,
    scale: float = 1.0,
    *,
    classes: int,
    steer: Steering = pushed,
) -> Denoiser:
    """The denoiser, steered to these labels.

    Args:
        log_class: log p(y|x) (n,) of x, σ and y, such as `NoisyClassifier.log_class`.
        steer: `pushed`, (3) for rules that know their variance and (2) for others, or `guided`, (2) for all.

    Raises:
        InputError: no labels, or one that is no class.
    """
    y = labels_of(y, classes)
    return steer(D, lambda x, sigma: log_class(x, sigma, y), scale)  # (2), (3)


def guiding(
    of: Callable[[Int[Tensor, " n"]], Denoiser],
    log_class: Callable[[Tensor, Tensor, Tensor], Tensor],
    rule: Rule,
    sigmas: Float[Tensor, " levels"],
    event: Sequence[int],
    *,
    frequencies: Shaped[Tensor, " k"],
    scale: float = 1.0,
    steer: Steering = pushed,
    interval: tuple[float, float] = (0.0, HIGHEST),
    device: torch.device | str = "cpu",
) -> Diffused:
    """The sampler of classes: of those given, `sampler(n, y=labels)`, or drawn by their frequencies (k,).

    It guides in an interval of levels, where the authors guide at all. Far above the data's spread a trained
    classifier's gradient is noise, which (2) multiplies by σ²: where levels begin at thousands, few steps never recover
    (digits, 25 steps of DDIM, cosine: a Fréchet distance of 126 at scale 0.5, and 8 with the interval).

    Args:
        of: the denoiser of labels; `lambda y: D` where the model knows none.
    """

    def steered(y: Int[Tensor, " n"]) -> Denoiser:
        y = y.to(device)
        plain = of(y)
        return within(
            classifier_guided(plain, log_class, y, scale, classes=len(frequencies), steer=steer), plain, *interval
        )

    return Diffused(steered, rule, sigmas, event, frequencies=normalised(frequencies), device=device)


def _taught(batch: Batch, classes: int | None) -> Int[Tensor, " n"]:
    if batch.y is None:
        raise InputError("a classifier learns from labels and the data have none: use class subfolders, y, or --label")
    return batch.y if classes is None else labels_of(batch.y, classes)
