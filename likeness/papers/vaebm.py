"""Card: an energy on top of a VAE takes away what the VAE draws where no data are.

On 25 Gaussians with a weak VAE, where everything can be counted: draws before and after, by chains and by resampling,
with energies kept small and with energies left to sharpen. Then images, judged in the space of a classifier.

Zhisheng Xiao, Karsten Kreis, Jan Kautz, Arash Vahdat. VAEBM: A Symbiosis between Variational Autoencoders and
Energy-based Models. 2021. https://arxiv.org/abs/2010.00654
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR

from likeness.core import train
from likeness.data.batching import batches
from likeness.data.memory import InMemory
from likeness.data.toys import grid
from likeness.density import VAE, Gaussian
from likeness.energy.vaebm import VAEBM
from likeness.judge.likelihood import auroc
from likeness.nn import MLP
from likeness.nn.energy_net import VectorEnergy
from likeness.papers import _vaebm_images
from likeness.papers.card import Card, Claim, Numbers, Scale, for_each
from likeness.refine.resampling import effective_size
from likeness.sampling import Streams, draw

STD = 0.1
TRUTH = grid(std=STD)
ALARM = 0.05  # effective share of the VAE's draws below which an energy is called sharp, as the recipe does
KEPT, LEFT = 0.3, 0.02  # weights of the squared energies


class Budget(NamedTuple):
    """Samples, steps of the VAE and of the energy, draws; what images are given, None leaves them out; of StackedMNIST
    too."""

    samples: int
    vae: int
    energy: int
    draws: int
    images: _vaebm_images.Budget | None = None
    stacked: _vaebm_images.Budget | None = None


Images = _vaebm_images.Budget
BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(20_000, 1500, 400, 5000),
    "laptop": Budget(50_000, 3000, 1500, 10_000, Images(2000, 400, 16, 64)),
    "gpu": Budget(50_000, 3000, 1500, 10_000, Images(20_000, 10_000, 64, 64), Images(20_000, 10_000, 64, 64)),
}


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    device = torch.device("cuda" if scale == "gpu" and torch.cuda.is_available() else "cpu")
    found = modes(budget, seed)
    for name in _vaebm_images.names() if budget.images else ():
        assert budget.images is not None
        found |= _vaebm_images.measure(name, seed, budget.images, device)
    if budget.stacked is not None and _vaebm_images.has_mnist():
        found |= _vaebm_images.stacked(seed, budget.stacked, 25_600, device)
    return found


# ------------------------------------------------------------------------------------- 25 Gaussians


def modes(budget: Budget, seed: int) -> dict[str, float]:
    """A weak VAE, its energy kept small, and another one left to sharpen."""
    data = InMemory(TRUTH.sample(budget.samples, generator=seed))
    vae = weak(data, budget.vae, seed)
    found = {f"vae.{k}": v for k, v in counted(draw(vae.sample, budget.draws, generator=seed)).items()}
    found["true.js"] = divergence(TRUTH.sample(budget.draws, generator=Streams(seed).split("again")), budget.draws)
    kept, _ = energy(vae, data, budget.energy, KEPT, seed)
    for way, sampler in _vaebm_images.samplers(kept).items():
        if way != "vae":
            x = draw(sampler, budget.draws, generator=seed)
            found |= {f"{way}.{k}": v for k, v in counted(x).items()}
    left, early = energy(vae, data, budget.energy, LEFT, seed)
    x = draw(_vaebm_images.samplers(left)[LONGEST], budget.draws, generator=seed)
    found |= {f"sharp.{k}": v for k, v in counted(x).items()}
    found |= {"effective": share(kept, seed), "sharp.early": early, "sharp.effective": share(left, seed)}
    test, noise = TRUTH.sample(4000, generator=Streams(seed).split("test")), 6 * Streams(seed).uniform(4000, 2) - 3
    told = {"auroc": -kept.energy(test), "known": TRUTH.log_prob(test)}
    there = {"auroc": -kept.energy(noise), "known": TRUTH.log_prob(noise)}
    return found | {key: float(auroc(told[key].double(), there[key].double()).mean()) for key in told}


LONGEST = f"ld{_vaebm_images.LENGTHS[-1]}"


def weak(data: InMemory, steps: int, seed: int) -> VAE:
    """Two hidden layers either way, and one σ for everything."""
    torch.manual_seed(seed)
    E, D = MLP(2, 4, depth=2), MLP(2, 2, depth=2)
    vae = VAE(E, D, Gaussian(0.5, learn=True), d_z=2)
    for _ in train(vae, batches(data, 256, seed=seed, steps=steps), Adam(vae.parameters(), 1e-3)):
        pass
    return vae.eval()


def energy(vae: VAE, data: InMemory, steps: int, magnitude: float, seed: int) -> tuple[VAEBM, float]:
    """With chains that begin anew; also, what share of the VAE's draws had weight after a third of the training."""
    torch.manual_seed(seed)
    E = VectorEnergy(2)
    method = VAEBM(vae, E, (2,), capacity=0, step_size=1e-2, spectral=0.0, magnitude=magnitude)
    optimiser, early = Adam(E.parameters(), 1e-3, betas=(0.0, 0.99)), 1.0
    falling = CosineAnnealingLR(optimiser, steps)
    for step in train(method, batches(data, 256, seed=seed + 1, steps=steps), {E: optimiser}):
        falling.step()
        if step.iteration == steps // 3:
            early = share(method, seed)
    return method.eval(), early


def share(method: VAEBM, seed: int, n: int = 2000) -> float:
    """The effective share of the VAE's draws with weights e^−E."""
    x = method.sample(n, steps=0, generator=Streams(seed).split("weighed"))
    return float(effective_size(-method.energy(x)[None])) / n


def counted(x: Float[Tensor, "n 2"]) -> dict[str, float]:
    """Share within 4σ of a mode (%), modes that hold a tenth of their share or more, divergence of the histogram."""
    assert TRUTH.modes is not None
    near, mode = torch.cdist(x, TRUTH.modes).min(1)
    good = near <= 4 * STD
    held = torch.bincount(mode[good], minlength=25) / max(1, int(good.sum()))
    return {"hq": 100 * float(good.float().mean()), "modes": float((held >= 0.1 / 25).sum()),
            "js": divergence(x, len(x))}  # fmt: skip


def divergence(x: Float[Tensor, "n 2"], n: int) -> float:
    """Jensen–Shannon's, in nats, from as many draws of the truth, on a grid of 60 × 60."""
    p, q = (_histogram(a) for a in (x, TRUTH.sample(n, generator=77)))
    middle = ((p + q) / 2).clamp_min(1e-12)
    return float((torch.xlogy(p, p / middle) + torch.xlogy(q, q / middle)).sum() / 2)


def _histogram(x: Tensor) -> Tensor:
    inside = x.clamp(-2.999, 2.999)
    return torch.histogramdd(inside, bins=[60, 60], range=[-3.0, 3.0, -3.0, 3.0]).hist.flatten() / len(x)


# ------------------------------------------------------------------------------------- what is claimed

ALL: tuple[Scale, ...] = ("quick", "laptop", "gpu")
CLAIMS = (
    Claim("25 Gaussians, a weak VAE: within 4σ of a mode, %", "vae.hq"),
    Claim("… Jensen–Shannon divergence from the data, nats (baseline: of the truth itself)", "vae.js", None, "true.js"),
    *(Claim(f"with the energy, {k} steps: within 4σ of a mode, %", f"ld{k}.hq", None, "vae.hq")
      for k in _vaebm_images.LENGTHS[:-1]),
    *(Claim(f"with the energy, {k} steps: divergence", f"ld{k}.js", None, "vae.js")
      for k in _vaebm_images.LENGTHS[:-1]),
    Claim("with the energy, 100 steps: within 4σ of a mode, %", f"{LONGEST}.hq", None, "vae.hq",
          for_each(lambda n: n[f"{LONGEST}.hq"] >= n["vae.hq"] + 10), ALL),
    Claim("with the energy, 100 steps: divergence", f"{LONGEST}.js", None, "vae.js",
          for_each(lambda n: n[f"{LONGEST}.js"] <= 0.7 * n["vae.js"]), ALL),
    Claim("with the energy, 100 steps: modes of 25", f"{LONGEST}.modes", "all (StackedMNIST: 1000 of 1000)",
          "vae.modes", for_each(lambda n: n[f"{LONGEST}.modes"] == 25), ALL),
    Claim("resampled by e^−E, without chains: within 4σ, %", "sir.hq", None, "vae.hq"),
    Claim("resampled by e^−E, without chains: divergence", "sir.js", None, "vae.js",
          for_each(lambda n: n["sir.js"] < n["vae.js"]), ALL),
    Claim("AUROC of the energy, data from uniform noise (baseline: of the true density)", "auroc", "good", "known",
          for_each(lambda n: n["auroc"] >= 0.9), ALL),
    Claim("effective share of the VAE's draws under e^−E", "effective", None, None,
          for_each(lambda n: n["effective"] > 2 * ALARM), ALL),
    Claim("left to sharpen (r = 0.02): within 4σ of a mode, %", "sharp.hq", None, f"{LONGEST}.hq"),
    Claim("left to sharpen: modes of 25", "sharp.modes", "training explodes", f"{LONGEST}.modes",
          for_each(lambda n: n["sharp.modes"] <= 20)),
    Claim("left to sharpen: divergence", "sharp.js", None, "vae.js",
          for_each(lambda n: n["sharp.js"] > n["vae.js"])),
    Claim("left to sharpen: effective share after a third of the training (alarm: 0.05)", "sharp.early", None,
          "effective", for_each(lambda n: n["sharp.early"] < ALARM), ALL),
    Claim("left to sharpen: effective share at the end", "sharp.effective", None, "effective"),
)  # fmt: skip

CARD = Card(
    name="vaebm",
    title="VAEBM: a VAE times an energy (Xiao et al., 2021)",
    url="https://arxiv.org/abs/2010.00654",
    about=(
        "A VAE puts mass between modes; an energy on top, learned with Langevin chains in the VAE's noise, takes it "
        "away. The baseline is the draws of the same frozen VAE; resampling them by e^−E tests the energy without a "
        "chain. Without a weight on the squared energies the small energy sharpens: chains end in a few modes, and how "
        "few draws of the VAE keep any weight tells so long before the end. The published figures are of CIFAR-10 and "
        "StackedMNIST with NVAE and a GPU; ours at this scale are digits and Fashion-MNIST with a convolutional VAE, "
        "where a bound of the VAE's is the baseline for telling other data. 400 steps, ten minutes of a processor, are "
        "enough for digits and not for Fashion-MNIST: 8 % of the distance go, and its energy tells noise from clothes "
        "no better than chance."
    ),
    measure=measure,
    claims=(*CLAIMS, *_vaebm_images.claims()),
)
