"""The images of the card `vaebm`: what an energy takes away from a VAE's draws, and what it says of other data.

Digits are built in; Fashion-MNIST and MNIST count where the folder that LIKENESS_DATA names holds them. StackedMNIST
has three digits of MNIST as the channels of an image, a thousand modes that a classifier of digits counts.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data import Dataset, batches, load, whole
from likeness.data.dataset import Split
from likeness.data.memory import InMemory
from likeness.density import VAE, Gaussian
from likeness.energy.vaebm import VAEBM
from likeness.judge import FeatureSpace, classifier
from likeness.judge.features import features_of
from likeness.judge.frechet import frechet_distance
from likeness.judge.likelihood import auroc
from likeness.nn import decoder_for, encoder_for
from likeness.nn.energy_net import energy_for
from likeness.papers._shelf import there
from likeness.papers.card import Claim, Scale, for_each
from likeness.refine import resampling
from likeness.refine.resampling import effective_size
from likeness.sampling import Sampler, Streams, draw

FASHION, MNIST = "fashion_mnist", "mnist"
LENGTHS = (10, 30, 100)  # steps of chains
HELD = 500  # samples by whose energies data are told apart


class Budget(NamedTuple):
    """Steps of the VAE and of the energy, channels of the energy, samples in a batch of it, draws that are judged."""

    vae: int
    energy: int
    width: int
    batch: int
    draws: int = 1000


def names() -> tuple[str, ...]:
    """The sets of images there are."""
    return ("digits", *((FASHION,) if there(FASHION) else ()))


def has_mnist() -> bool:
    return there(MNIST)


def measure(name: str, seed: int, budget: Budget, device: torch.device) -> dict[str, float]:
    """Fréchet distances before and after, in a classifier's space; how well energy and bound tell other data."""
    data = load(name, seed=seed, limit=10_000)
    learned, test = whole(data.train), whole(data.test, 2000)
    assert learned.y is not None
    half = len(learned.x) // 2
    space = classifier(learned.x[:half], learned.y[:half], seed=seed, device=device)
    method = trained(data.train, data.event, seed, budget, device)
    ways = samplers(method)
    reference = features_of(space, test.x, device=device).cpu()

    def distance(x: Tensor) -> float:
        return float(frechet_distance(features_of(space, x, device=device).cpu(), reference))

    found = {f"{name}.{way}.frechet": distance(draw(made, budget.draws, generator=seed)) for way, made in ways.items()}
    found[f"{name}.real.frechet"] = distance(whole(data.validation, budget.draws).x)
    energies = method.energy(draw(ways["vae"], HELD, generator=seed + 1).to(device))
    found[f"{name}.effective"] = float(effective_size(-energies[None])) / HELD
    return found | {f"{name}.{key}": value for key, value in told(method, data, seed, device).items()}


def trained(split: Split, event: tuple[int, ...], seed: int, budget: Budget, device: torch.device) -> VAEBM:
    """A convolutional VAE and then its energy."""
    torch.manual_seed(seed)
    d_z = 16 if event[1] <= 16 else 32
    likelihood = Gaussian(0.5, learn=True, floor=0.01)
    vae = VAE(encoder_for(event, 2 * d_z), decoder_for(event, d_z=d_z), likelihood, d_z=d_z).to(device)
    for _ in train(vae, batches(split, 128, seed=seed, steps=budget.vae, device=device), _adam(vae, 1e-3)):
        pass
    E = energy_for(event, width=budget.width)
    method = VAEBM(vae, E, event, capacity=0, step_size=3e-2, magnitude=0.3, drawing=LENGTHS[-1]).to(device)
    moves = {E: Adam(E.parameters(), 3e-4, betas=(0.0, 0.99))}
    for _ in train(method, batches(split, budget.batch, seed=seed, steps=budget.energy, device=device), moves):
        pass
    return method.eval()


def samplers(method: VAEBM) -> dict[str, Sampler]:
    """The VAE's draws, the ends of chains of several lengths, and draws of the VAE resampled by e^−E."""

    def after(steps: int) -> Sampler:
        return lambda n, *, generator=None: method.sample(n, generator=generator, steps=steps)

    ways = {"vae": after(0)} | {f"ld{steps}": after(steps) for steps in LENGTHS}
    return ways | {"sir": resampling(after(0), lambda x: -method.energy(x), pool=32)}


def told(method: VAEBM, data: Dataset, seed: int, device: torch.device) -> dict[str, float]:
    """AUROC of the energy, of the VAE's bound and of both, by which test data are told from other data."""
    inside = whole(data.test, HELD).x
    others = {"uniform": 2 * Streams(seed).split("uniform").uniform(HELD, *data.event) - 1}
    if data.event == (1, 28, 28) and has_mnist():
        others["mnist"] = whole(load(MNIST).test, HELD).x
    vae: Any = method.vae
    scores = {"energy": lambda x: -method.energy(x), "bound": lambda x: vae.log_prob(x, k=8)}
    scores["model"] = lambda x: scores["bound"](x) + scores["energy"](x)
    found = {}
    for name, x in others.items():
        for key, score in scores.items():
            here, there = (torch.cat([score(p.to(device)).cpu() for p in part.split(100)]) for part in (inside, x))
            found[f"{name}.{key}"] = float(auroc(here.double(), there.double()).mean())
    return found


# ------------------------------------------------------------------------------------- three digits in one image


def stacked(seed: int, budget: Budget, n: int, device: torch.device) -> dict[str, float]:
    """Modes of a thousand, and KL of the shares of modes from even ones, of the VAE and of the VAEBM."""
    data = load(MNIST, seed=seed)
    digits = whole(data.train)
    assert digits.y is not None
    space = classifier(digits.x, digits.y, seed=seed, device=device)
    x = stack(digits.x, seed)
    ways = samplers(trained(InMemory(x), tuple(x.shape[1:]), seed, budget, device))
    found: dict[str, float] = {}
    for way in ("vae", f"ld{LENGTHS[-1]}"):
        k = modes(draw(ways[way], n, generator=seed, batch_size=256), space, device)
        found |= {f"stacked.{way}.{key}": value for key, value in counted(k).items()}
    return found


def stack(x: Float[Tensor, "n 1 h w"], seed: int) -> Float[Tensor, "n 3 h w"]:
    """Every image with two others as its channels."""
    generator = torch.Generator().manual_seed(seed)
    return torch.cat((x, *(x[torch.randperm(len(x), generator=generator)] for _ in range(2))), 1)


def modes(x: Float[Tensor, "n 3 h w"], space: FeatureSpace, device: torch.device) -> Int[Tensor, " n"]:
    """Which of a thousand each image shows, by a classifier of its channels."""
    assert space.probabilities is not None
    f = features_of(space, x.flatten(0, 1)[:, None], device=device)
    return (space.probabilities(f).argmax(1).cpu().unflatten(0, (-1, 3)) * torch.tensor([100, 10, 1])).sum(1)


def counted(k: Int[Tensor, " n"]) -> dict[str, float]:
    """How many of a thousand modes there are, and the KL of their shares from even ones, in nats."""
    share = torch.bincount(k, minlength=1000).double() / len(k)
    return {"modes": float((share > 0).sum()), "kl": float(torch.xlogy(share, 1000 * share).sum())}


def _adam(module: nn.Module, lr: float) -> Adam:
    return Adam(module.parameters(), lr)


# ------------------------------------------------------------------------------------- what is claimed

CIFAR, ALONE = "12.19 (CIFAR-10, Inception features)", "55.97 (NVAE alone, CIFAR-10)"
LONGEST = f"ld{LENGTHS[-1]}"


def claims() -> tuple[Claim, ...]:
    rows: list[Claim] = []
    for name in names():
        told = {"digits": "digits", FASHION: "Fashion-MNIST"}[name]
        vae = f"{name}.vae.frechet"
        better = for_each(lambda n, name=name: n[f"{name}.{LONGEST}.frechet"] <= 0.8 * n[f"{name}.vae.frechet"])  # type: ignore[misc]
        weights = for_each(lambda n, name=name: n[f"{name}.sir.frechet"] < n[f"{name}.vae.frechet"])  # type: ignore[misc]
        tells = for_each(lambda n, name=name: n[f"{name}.uniform.energy"] >= 0.9)  # type: ignore[misc]
        must: tuple[Scale, ...] = ("laptop", "gpu") if name == "digits" else ()
        rows += [
            Claim(f"{told}: Fréchet distance of held-out images", f"{name}.real.frechet"),
            Claim(f"{told}: … of the VAE's draws", vae, ALONE, f"{name}.real.frechet"),
            *(Claim(f"{told}: … after {k} steps", f"{name}.ld{k}.frechet", None, vae) for k in LENGTHS[:-1]),
            Claim(f"{told}: … after {LENGTHS[-1]} steps", f"{name}.{LONGEST}.frechet", CIFAR, vae, better, must),
            Claim(f"{told}: … resampled by the energy", f"{name}.sir.frechet", None, vae, weights, must),
            Claim(f"{told}: effective share of the VAE's draws under e^−E", f"{name}.effective"),
            Claim(f"{told}: AUROC of the energy against uniform noise (baseline: the bound)", f"{name}.uniform.energy",
                  None, f"{name}.uniform.bound", tells, must),
        ]  # fmt: skip
    return (
        *rows,
        Claim("Fashion-MNIST: AUROC of the energy against MNIST (baseline: the bound)", f"{FASHION}.mnist.energy",
              None, f"{FASHION}.mnist.bound"),
        Claim("Fashion-MNIST: … of bound and energy together", f"{FASHION}.mnist.model", None,
              f"{FASHION}.mnist.bound"),
        Claim("StackedMNIST: modes of the VAE's draws", "stacked.vae.modes"),
        Claim(f"StackedMNIST: modes after {LENGTHS[-1]} steps", f"stacked.{LONGEST}.modes", "1000", "stacked.vae.modes",
              for_each(lambda n: n[f"stacked.{LONGEST}.modes"] >= 995), ("gpu",)),
        Claim(f"StackedMNIST: KL of modes after {LENGTHS[-1]} steps, nats", f"stacked.{LONGEST}.kl", "0.087",
              "stacked.vae.kl", for_each(lambda n: n[f"stacked.{LONGEST}.kl"] <= n["stacked.vae.kl"]), ("gpu",)),
    )  # fmt: skip
