"""Digits drawn in few steps, and steered to their class: by a classifier of noisy digits, by labels, by both.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis, section 4. 2021.
https://arxiv.org/abs/2105.05233
Jiaming Song, Chenlin Meng, Stefano Ermon. Denoising Diffusion Implicit Models. 2021. https://arxiv.org/abs/2010.02502
Jonathan Ho, Tim Salimans. Classifier-Free Diffusion Guidance. 2022. https://arxiv.org/abs/2207.12598
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim import AdamW

from likeness.core import train
from likeness.data import Dataset, batches
from likeness.data.batching import whole
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.classifier_free import classifier_free
from likeness.diffusion.classifier_guidance import NoisyClassifier, guiding
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import clamped
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.guidance_scales import swept
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine
from likeness.diffusion.transitions import VARIANCES, learned
from likeness.nn.adm_encoder import UNetEncoder
from likeness.nn.adm_unet import Plan
from likeness.nn.modes import evaluating
from likeness.papers._diffusion import BATCH, DRAWS, Eye, model, trained, under
from likeness.papers._diffusion_parts import GREY, bits, respaced

FEW, SCALES, DDIM_SCALES, FREE = (
    (5, 10, 25, 50, 100),
    (0.5, 1.0, 2.0, 4.0, 10.0),
    (1.0, 2.0, 4.0, 10.0),
    (1.0, 2.0, 4.0),
)
HIGHEST = 80.0  # above this level a classifier of noisy digits sees nothing


class Budget(NamedTuple):
    """Levels of the schedule; steps of the models and of the classifier; channels; test digits of the bound."""

    T: int
    steps: int
    classifier: int
    width: int
    test: int


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
    judge = classifier(data, budget, seed, eye.device)
    found |= guided(plain, judge, data, eye, seed)
    torch.manual_seed(seed)
    of_class = model(data, cosine(budget.T), plan, learned=True, conditional=True, drop=0.1).to(eye.device)
    of_class, _ = trained(of_class, data, budget.steps, seed)
    return found | conditional(of_class, judge, data, eye, seed)


def baselines(data: Dataset, eye: Eye, seed: int) -> dict[str, float]:
    """Training digits themselves, and a Gaussian with the mean and the covariance of their pixels."""
    x = whole(data.train).x
    flat = x.flatten(1).double()
    factor = torch.linalg.cholesky(torch.cov(flat.T) + 1e-6 * torch.eye(flat.shape[1]))
    noise = torch.randn(DRAWS, flat.shape[1], generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    gaussian = (flat.mean(0) + noise @ factor.T).float().view(-1, *data.event).clamp(-1, 1)
    return under("train", eye.scores(x[:DRAWS])) | under("gaussian", eye.scores(gaussian))


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
    net = UNetEncoder(tuple(data.event), outputs=len(data.classes), plan=plan)
    judge = NoisyClassifier(net, cosine(budget.T), classes=len(data.classes)).to(device)
    moves = AdamW(judge.parameters(), 1e-3, weight_decay=0.05, fused=True)
    for _ in train(judge, batches(data.train, BATCH, seed=seed, steps=budget.classifier, device=device), moves):
        pass
    return judge.eval()


def guided(plain: Diffusion, judge: NoisyClassifier, data: Dataset, eye: Eye, seed: int) -> dict[str, float]:
    """A model that knows no classes, steered at several scales: with noise in 50 steps, without in 25."""
    found: dict[str, float] = {}
    for way, rule, n, scales in (
        ("guided", ancestral(learned), 50, (0.0, *SCALES)),
        ("guided-ddim", ddim(), 25, DDIM_SCALES),
    ):

        def at(scale: float, rule=rule, n=n) -> Diffused:  # type: ignore[no-untyped-def]
            return steered(plain, lambda y: plain.denoiser(), judge, rule, n, scale, data)

        found |= judged(way, at, scales, data, eye, seed)
    return found


def steered(made, of, judge, rule, n, scale, data) -> Diffused:  # type: ignore[no-untyped-def]
    device = next(made.parameters()).device
    frequencies = torch.ones(len(data.classes))
    given = {"frequencies": frequencies, "scale": scale, "interval": (0.0, HIGHEST), "device": device}
    return guiding(of, judge.log_class, rule, made.schedule.levels(min(n, made.schedule.T)), made.event, **given)


def conditional(of_class: Diffusion, judge: NoisyClassifier, data: Dataset, eye: Eye, seed: int) -> dict[str, float]:
    """A model that knows the classes: as it is, steered by the classifier too, and by its own labels alone."""
    device, k = next(of_class.parameters()).device, len(data.classes)

    def both(scale: float) -> Diffused:
        return steered(of_class, of_class.denoiser, judge, ancestral(learned), 50, scale, data)

    def free(scale: float) -> Diffused:
        def of(y: Tensor):  # type: ignore[no-untyped-def]
            return clamped(classifier_free(of_class.D, y, scale, classes=k))

        share = torch.full((k,), 1 / k)
        levels = of_class.schedule.levels(min(50, of_class.schedule.T))  # type: ignore[attr-defined]
        return Diffused(of, ancestral(learned), levels, of_class.event, frequencies=share, device=device)

    found = judged("class", both, (0.0, 1.0, 4.0), data, eye, seed)
    return found | judged("free", free, FREE, data, eye, seed)


def judged(way, at, scales, data, eye, seed) -> dict[str, float]:  # type: ignore[no-untyped-def]
    found: dict[str, float] = {}
    for scale, x, y in swept(at, len(data.classes), DRAWS, scales=scales, generator=seed):
        found |= under(f"{way}{scale:g}", eye.scores(x) | {"accuracy": eye.accuracy(x, y)})
    return found
