"""Of the card `autoencoders`: noise taken away, and what is unlike the training data found.

Digits are built in; MNIST counts where the folder that LIKENESS_DATA names holds it.
"""

from functools import partial
from statistics import fmean

import torch

from likeness.data.corruptions import gaussian
from likeness.papers._autoencoder_training import Components, Images, auroc, deep, fitted, images
from likeness.papers._shelf import there
from likeness.papers.card import Claim, Numbers, for_each
from likeness.represent import psnr, threshold

SIGMAS = (0.3, 0.5)  # on the scale [0, 1]
MNIST = "mnist"


def denoising(data: Images, sigmas: tuple[float, ...], epochs: int, seed: int) -> dict[str, float]:
    """PSNR against the clean test images; the number of components is picked on the test images, in their favour."""
    found: dict[str, float] = {}
    plain = fitted(partial(deep, data.event, 32), data.x, epochs=epochs, seed=seed)
    for sigma in sigmas:
        corrupt = gaussian(2 * sigma)
        dae = fitted(partial(deep, data.event, 32, corrupt), data.x, epochs=epochs, seed=seed)
        torch.manual_seed(seed)
        noisy = corrupt(data.test)
        ways = {
            "noisy": noisy,
            "clipped": noisy.clamp(-1, 1),
            "plain": plain.reconstruct(noisy),
            "dae": dae.reconstruct(noisy),
        }
        found |= {f"{sigma}.{name}": psnr(x, data.test) for name, x in ways.items()}
        found[f"{sigma}.pca"] = max(psnr(Components(data.x, d).reconstruct(noisy), data.test) for d in range(4, 25, 2))
    return found


def anomalies(data: Images, classes: tuple[int, ...], epochs: int, seed: int, name: str = "out") -> dict[str, float]:
    """Trained on all classes but one, which is to be found; and the false alarms of a threshold for 5 %."""
    found, alarms = {}, []
    for c in classes:
        ae = fitted(partial(deep, data.event, 8), data.x[data.y != c], epochs=epochs, seed=seed)
        scores = ae.error(data.test)
        found[f"{name}{c}.auroc"] = auroc(scores, (data.y_test == c).long())
        limit = threshold(ae.error(data.held[data.y_held != c]))
        alarms.append(float(limit.flags(scores[data.y_test != c]).float().mean()))
        pca = Components(data.x[data.y != c], 8)
        away = (pca.reconstruct(data.test) - data.test).square().flatten(1).sum(1)
        found[f"{name}{c}.pca"] = auroc(away, (data.y_test == c).long())
    for way in ("auroc", "pca"):
        found[f"{name}.{way}"] = fmean(found[f"{name}{c}.{way}"] for c in classes)
    return found | {f"{name}.alarms": 100 * fmean(alarms)}


def one_class(data: Images, classes: tuple[int, ...], epochs: int, seed: int) -> dict[str, float]:
    """Trained on one class, the others are to be found."""
    found = []
    for c in classes:
        ae = fitted(partial(deep, data.event, 4), data.x[data.y == c], epochs=epochs, seed=seed, size=32)
        found.append(auroc(ae.error(data.test), (data.y_test != c).long()))
    return {"one.auroc": fmean(found), "one.worst": min(found)}


def has_mnist() -> bool:
    return there(MNIST)


def mnist(limit: int, epochs: int, seed: int) -> dict[str, float]:
    """One class left out of MNIST at a time: the digit 1 has so little in it that it is said again all too well."""
    return anomalies(images(MNIST, seed, limit), tuple(range(10)), epochs, seed, MNIST)


# ------------------------------------------------------------------------------------- what is claimed


def gains(sigma: float, n: Numbers) -> bool:
    return n[f"{sigma}.dae"] - max(n[f"{sigma}.pca"], n[f"{sigma}.plain"]) >= 1.5


def _rows() -> list[Claim]:
    rows = []
    for s in SIGMAS:
        told = f"noise of {s}: PSNR to the clean images, dB"
        rows.append(Claim(f"{told}, untouched", f"{s}.noisy", None, f"{s}.clipped"))
        rows.append(Claim(f"{told}, plain autoencoder", f"{s}.plain", None, f"{s}.pca"))
        rows.append(Claim(f"{told}, denoising", f"{s}.dae", None, f"{s}.pca", for_each(partial(gains, s))))
    rows += [Claim(f"{c} left out: AUROC", f"out{c}.auroc", None, f"out{c}.pca") for c in range(10)]
    return [
        *rows,
        Claim("one class left out: AUROC, mean", "out.auroc", None, "out.pca",
              for_each(lambda n: n["out.auroc"] >= 0.93 and n["out.auroc"] > n["out.pca"])),
        Claim("threshold for 5 % false alarms: on fresh normals, %", "out.alarms", "5", None,
              lambda seeds: 3 <= fmean(n["out.alarms"] for n in seeds) <= 8),
        Claim("one class alone learned: AUROC, mean", "one.auroc", None, None,
              for_each(lambda n: n["one.auroc"] >= 0.97)),
        Claim("one class alone learned: AUROC, worst", "one.worst"),
    ]  # fmt: skip


def _mnist_rows() -> list[Claim]:
    rows = [Claim(f"MNIST, {c} left out: AUROC", f"{MNIST}{c}.auroc", None, f"{MNIST}{c}.pca") for c in range(10)]
    rows[1] = Claim("MNIST, 1 left out: AUROC, below chance", f"{MNIST}1.auroc", "below ½", f"{MNIST}.auroc",
                    for_each(lambda n: n[f"{MNIST}1.auroc"] < 0.5))  # fmt: skip
    return rows


CLAIMS = (*_rows(), *(_mnist_rows() if has_mnist() else ()))
