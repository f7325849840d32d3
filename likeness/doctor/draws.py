"""What is drawn, by either sampler of a VAE, each figure under the name of what was drawn: a mean is no sample.

Blur is the energy of the Laplacian against the data's (`judge/blur.py`), and the share of grey pixels beside it.
"""

from collections.abc import Mapping

from torch import Tensor

from likeness.doctor.part import Interval, Part, mean_of
from likeness.findings import Finding
from likeness.judge.blur import grey_share, laplacian_energy
from likeness.judge.diagnosis import of_memorisation
from likeness.judge.features import FeatureSpace
from likeness.judge.judge import judge
from likeness.judge.score import Score
from likeness.sampling import Sampler, Streams, draw

SHOWN = ("frechet", "precision", "recall", "density", "coverage", "c2st", "memorisation")
SOFT, GRAINY = 0.6, 1.5  # of the data's energy


def side_by_side(
    samplers: Mapping[str, Sampler], real: Tensor, train: Tensor, space: FeatureSpace, *, seed: int, device: str
) -> Part:
    """The same measures of every sampler; whether draws are copies is told of the first one."""
    table = {
        name: judge(sampler, real, train=train, features=lambda x, y: space, baselines=False, seed=seed, device=device,
                    n=min(1000, len(real)), draws=name)
        for name, sampler in samplers.items()
    }  # fmt: skip
    numbers = {
        metric: {
            f"drawn: {name}s": (row.value, row.low, row.high) for name, made in table.items() for row in [made[metric]]
        }
        for metric in SHOWN
        if all(metric in made.own for made in table.values())
    }
    words = [f"{len(real)} unseen samples against as many draws, in the space {space.name}."]
    if "frechet" in next(iter(table.values())).own and len(table) > 1:
        best = min(table, key=lambda name: table[name]["frechet"].value)
        words.append(f"By Fréchet distance {best}s are nearer to the data: say with a figure which were drawn.")
    first = next(iter(table.values()))
    told = of_memorisation(first["memorisation"] if "memorisation" in first.own else None)
    return Part("draws", "The draws", words, numbers, findings=told)


def blur(images: Mapping[str, Tensor], data: Tensor) -> Part:
    """Detail and grey of several sets of images against data."""
    energy, grey = mean_of(laplacian_energy(data)), mean_of(grey_share(data))
    numbers, words, told = {"data": {"Laplacian energy": energy, "grey pixels": grey}}, [], []
    for name, x in images.items():
        own, share = mean_of(laplacian_energy(x)), mean_of(grey_share(x))
        ratio = own[0] / max(energy[0], 1e-12)
        numbers[name] = {"Laplacian energy": own, "grey pixels": share}
        told_grey = f"{share[0]:.0%} of pixels grey, of the data {grey[0]:.0%}"
        words.append(f"{name}: {ratio:.2f} of the data's Laplacian energy; {told_grey}.")
        if ratio < SOFT:
            saw = f"{name} are blurred: {ratio:.2f} of the data's Laplacian energy."
            remedy = "Lower σ or β, or widen the decoder: means blur where codes leave doubt."
            told.append(Finding("blurred", saw, remedy))
        elif ratio > GRAINY:
            saw = f"{name} are grainy: {ratio:.2f} of the data's Laplacian energy, which is noise of pixels."
            told.append(Finding("grainy", saw, "Lower σ, or say that means are drawn and draw them (--draws mean)."))
    return Part("blur", "Blur", words, numbers, findings=told)


def drawn(sampler: Sampler, n: int, seed: int) -> Tensor:
    """Draws that belong to a diagnosis."""
    return draw(sampler, n, generator=Streams(seed).split("diagnosis"))


def _interval(row: Score) -> Interval:
    return row.value, row.low, row.high
