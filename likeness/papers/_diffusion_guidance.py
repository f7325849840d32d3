"""Digits drawn in few steps, and steered to their class: by a classifier of noisy digits, by labels, by both.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis, section 4. 2021.
https://arxiv.org/abs/2105.05233
Jiaming Song, Chenlin Meng, Stefano Ermon. Denoising Diffusion Implicit Models. 2021. https://arxiv.org/abs/2010.02502
Jonathan Ho, Tim Salimans. Classifier-Free Diffusion Guidance. 2022. https://arxiv.org/abs/2207.12598
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor
from torch.optim import AdamW

from likeness.core import train
from likeness.data import Dataset, batches
from likeness.data.batching import whole
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.classifier_free import classifier_free
from likeness.diffusion.classifier_guidance import NoisyClassifier, guiding
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import Denoiser, clamped
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.guidance_scales import swept
from likeness.diffusion.sampler import Diffused, Rule
from likeness.diffusion.schedules import cosine
from likeness.diffusion.transitions import VARIANCES, learned
from likeness.nn.adm_encoder import Encoder
from likeness.nn.adm_unet import Plan
from likeness.nn.modes import evaluating
from likeness.papers._diffusion import BATCH, Eye, model, trained, under
from likeness.papers._diffusion_parts import GREY, bits, respaced

FEW = 5, 10, 25, 50, 100  # steps of DDIM
SCALES, DDIM_SCALES, FREE = (0.5, 1.0, 2.0, 4.0, 10.0), (1.0, 2.0, 4.0, 10.0), (1.0, 2.0, 4.0)
HIGHEST = 80.0  # above this level a classifier of noisy digits sees nothing


class Budget(NamedTuple):
    """Levels of the schedule; steps of the models and of the classifier; channels; test digits of the bound."""

    T: int
    steps: int
    classifier: int
    width: int
    test: int


class Ground(NamedTuple):
    """What draws are steered by and judged with."""

    data: Dataset
    eye: Eye
    seed: int
    noisy: NoisyClassifier

    @property
    def classes(self) -> int:
        return len(self.data.classes)

    def steered(self, made: Diffusion, rule: Rule, n: int, *, knowing: bool = False) -> Callable[[float], Diffused]:
        """Draws of n steps by the scale of the classifier's guidance, of a model that knows the classes or does not."""
        levels = made.schedule.levels(min(n, made.schedule.T))  # type: ignore[attr-defined]
        of = made.denoiser if knowing else lambda y: made.denoiser()

        def at(scale: float) -> Diffused:
            return guiding(
                of,
                self.noisy.log_class,
                rule,
                levels,
                made.event,
                frequencies=torch.ones(self.classes),
                scale=scale,
                interval=(0.0, HIGHEST),
                device=self.eye.device,
            )

        return at

    def judged(self, way: str, at: Callable[[float], Diffused], scales: Sequence[float]) -> dict[str, float]:
        found: dict[str, float] = {}
        for scale, x, y in swept(at, self.classes, self.eye.draws, scales=scales, generator=self.seed):
            found |= under(f"{way}{scale:g}", self.eye.scores(x) | {"accuracy": self.eye.accuracy(x, y)})
        return found


def measure(data: Dataset, eye: Eye, seed: int, budget: Budget) -> dict[str, float]:
    """All of it for one seed."""
    plan = Plan(budget.width, (1, 2), blocks=1, attention=(4,), head_channels=budget.width // 2)
    torch.manual_seed(seed)
    plain = model(data, cosine(budget.T), plan, learned=True, levels=GREY).to(eye.device)
    plain, seconds = trained(plain, data, budget.steps, seed)
    found = {"plain.seconds": seconds} | baselines(data, eye, seed)
    found |= steps(plain, eye, seed)
    x = whole(data.test, budget.test).x.to(eye.device)
    found |= {f"bits.{name}": bits(plain, x, variance) for name, variance in VARIANCES.items()}
    ground = Ground(data, eye, seed, classifier(data, budget, seed, eye.device))
    found |= ground.judged("guided", ground.steered(plain, ancestral(learned), 50), (0.0, *SCALES))
    found |= ground.judged("guided-ddim", ground.steered(plain, ddim(), 25), DDIM_SCALES)
    torch.manual_seed(seed)
    knowing = model(data, cosine(budget.T), plan, learned=True, conditional=True, drop=0.1).to(eye.device)
    knowing, _ = trained(knowing, data, budget.steps, seed)
    both = ground.steered(knowing, ancestral(learned), 50, knowing=True)
    found |= ground.judged("class", both, (0.0, 1.0, 4.0))
    return found | ground.judged("free", free(knowing, ground.classes, eye.device), FREE)


def baselines(data: Dataset, eye: Eye, seed: int) -> dict[str, float]:
    """Training digits themselves, and a Gaussian with the mean and the covariance of their pixels."""
    x = whole(data.train).x
    flat = x.flatten(1).double()
    factor = torch.linalg.cholesky(torch.cov(flat.T) + 1e-6 * torch.eye(flat.shape[1]))
    noise = torch.randn(eye.draws, flat.shape[1], generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    gaussian = (flat.mean(0) + noise @ factor.T).float().view(-1, *data.event).clamp(-1, 1)
    return under("train", eye.scores(x[: eye.draws])) | under("gaussian", eye.scores(gaussian))


def steps(plain: Diffusion, eye: Eye, seed: int) -> dict[str, float]:
    """Draws of all levels and of fewer, with the noise of DDPM and without any."""
    T, device = plain.schedule.T, next(plain.parameters()).device  # type: ignore[attr-defined]
    found: dict[str, float] = {}
    with evaluating(plain.D):
        for n in dict.fromkeys((T, *(n for n in (50, 25) if n < T))):
            found |= under(f"ddpm{'' if n == T else n}", eye.drawn(respaced(plain, n), seed))
        for n in (n for n in FEW if n <= T):
            draws = Diffused(plain.denoiser(), ddim(), plain.schedule.levels(n), plain.event, device=device)
            found |= under(f"ddim{n}", eye.drawn(draws, seed))
    return found


def classifier(data: Dataset, budget: Budget, seed: int, device: torch.device) -> NoisyClassifier:
    """Half of the U-Net, taught to see the class through noise."""
    torch.manual_seed(seed)
    plan = Plan(budget.width, (1, 2), blocks=1, attention=(4,), head_channels=budget.width // 2)
    noisy = NoisyClassifier(Encoder(tuple(data.event), len(data.classes), plan=plan), cosine(budget.T), classes=10)
    noisy.to(device)
    moves = AdamW(noisy.parameters(), 1e-3, weight_decay=0.05, fused=True)
    for _ in train(noisy, batches(data.train, BATCH, seed=seed, steps=budget.classifier, device=device), moves):
        pass
    return noisy.eval()


def free(made: Diffusion, k: int, device: torch.device) -> Callable[[float], Diffused]:
    """Draws of 50 steps by the scale of guidance without a classifier."""
    levels, share = made.schedule.levels(min(50, made.schedule.T)), torch.full((k,), 1 / k)  # type: ignore[attr-defined]

    def at(scale: float) -> Diffused:
        def of(y: Int[Tensor, " n"]) -> Denoiser:
            return clamped(classifier_free(made.D, y, scale, classes=k))

        return Diffused(of, ancestral(learned), levels, made.event, frequencies=share, device=device)

    return at
