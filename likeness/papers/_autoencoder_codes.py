"""Of the card `autoencoders`: how wide the code, whether there is anything to learn, few labels, bits."""

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from likeness.data.corruptions import gaussian
from likeness.papers._autoencoder_training import Components, Images, deep, fitted, linear, mse
from likeness.papers.card import SCALES, Claim, Numbers, for_each
from likeness.represent import Autoencoder, Quantiser, probes, psnr

WIDTHS = (1, 2, 4, 8, 16, 32)
SHUFFLED = (2, 8, 16)
LABELS = (2, 5, 10)
BITS = (2, 3, 4, 6)


def sweep(data: Images, widths: tuple[int, ...], epochs: int, seed: int) -> tuple[dict[str, float], Autoencoder]:
    """Test and training error by the width of the code, and the deep autoencoder of width 8."""
    found = {"mean.mse": mse(data.x.mean(0).expand_as(data.test), data.test)}
    kept = None
    for d in widths:
        pca = Components(data.x, d)
        # at the deep network's rate of 2e-3 its training error still stands a tenth above the optimum, which is known
        flat = fitted(partial(linear, data.event, d), data.x, epochs=epochs, seed=seed, lr=1e-2)
        ae = fitted(partial(deep, data.event, d), data.x, epochs=epochs, seed=seed)
        kept = ae if d == 8 else kept
        for name, model in (("pca", pca), ("linear", flat), ("deep", ae)):
            found[f"{name}{d}.mse"] = mse(model.reconstruct(data.test), data.test)
            found[f"{name}{d}.train"] = mse(model.reconstruct(data.x), data.x)
    assert kept is not None, "the sweep has a code of 8 numbers"
    return found, kept


def independence(data: Images, widths: tuple[int, ...], epochs: int, seed: int) -> dict[str, float]:
    """Share of the variance explained where every pixel is shuffled over the images for itself."""
    generator = torch.Generator().manual_seed(seed)
    x, test = (_shuffled(part, generator) for part in (data.x, data.test))
    mean = mse(x.mean(0).expand_as(test), test)
    found = {}
    for d in widths:
        ae = fitted(partial(deep, data.event, d), x, epochs=epochs, seed=seed)
        found[f"shuffled{d}.explained"] = 100 * (1 - mse(ae.reconstruct(test), test) / mean)
    return found


def _shuffled(x: Tensor, generator: torch.Generator) -> Tensor:
    flat = x.flatten(1)
    order = torch.rand(flat.shape, generator=generator).argsort(0)
    return flat.gather(0, order).view_as(x)


def few_labels(data: Images, plain: Autoencoder, epochs: int, draws: int, seed: int) -> dict[str, float]:
    """Test accuracy (%) by logistic regression on codes, for few labels of each class."""
    dae = fitted(partial(deep, data.event, 16, gaussian(0.6)), data.x, epochs=epochs, seed=seed)
    ways = {
        "pixels": lambda x: x.flatten(1),
        "pca": Components(data.x, 8).encode,
        "plain": plain.encode,
        "denoising": dae.encode,
    }
    return {
        f"{name}{k}.accuracy": 100 * float(torch.tensor(_accuracies(data, encode, k, draws, seed)).mean())
        for name, encode in ways.items()
        for k in LABELS
    }


def _accuracies(data: Images, encode: object, k: int, draws: int, seed: int) -> list[float]:
    codes, test = (encode(x) for x in (data.x, data.test))  # type: ignore[operator]
    return probes.few_labels(codes, data.y, test, data.y_test, per_class=k, draws=draws, seed=seed)


def compression(data: Images, ae: Autoencoder) -> dict[str, float]:
    """PSNR of 8 numbers rounded to so many bits, beside principal components at the same rate."""
    found = {}
    D = data.x[0].numel()
    for name, model in (("ae", ae), ("pca", Components(data.x, ae.d_z))):
        codes, test = model.encode(data.x), model.encode(data.test)
        for bits in BITS:
            made = Quantiser(bits).fit(codes)
            q = made.transform(test)
            found[f"{name}.bits{bits}.psnr"] = psnr(model.decode(made.inverse_transform(q)).detach(), data.test)
            found[f"{name}.bits{bits}.entropy"] = made.entropy(q, D)
            found[f"{name}.bits{bits}.rate"] = made.rate(ae.d_z, D)
    return found


# ------------------------------------------------------------------------------------- what is claimed


def falls(n: Numbers) -> bool:
    values = [n[f"deep{d}.mse"] for d in WIDTHS if f"deep{d}.mse" in n]
    return all(a > b for a, b in pairwise(values))


def linear_is_pca(n: Numbers) -> bool:
    """Within a tenth of it on new images, and on the training images not below the optimum."""
    there = [d for d in WIDTHS if f"linear{d}.mse" in n]
    near = all(abs(n[f"linear{d}.mse"] / n[f"pca{d}.mse"] - 1) < 0.1 for d in there)
    return near and all(n[f"linear{d}.train"] > n[f"pca{d}.train"] * (1 - 1e-4) for d in there)


def beats_components(d: int, n: Numbers) -> bool:
    return n[f"deep{d}.mse"] < 0.75 * n[f"pca{d}.mse"]


def depends(d: int, n: Numbers) -> bool:
    return n[f"deep{d}.explained"] - n[f"shuffled{d}.explained"] > 25


def helps(k: int, n: Numbers) -> bool:
    return n[f"denoising{k}.accuracy"] > n[f"pixels{k}.accuracy"]


def denser(bits: int, n: Numbers) -> bool:
    return n[f"ae.bits{bits}.psnr"] > n[f"pca.bits{bits}.psnr"]


def explained(n: Numbers, d: int) -> float:
    return 100 * (1 - n[f"deep{d}.mse"] / n["mean.mse"])


def _sweep_rows() -> list[Claim]:
    rows = []
    for d in WIDTHS:
        beats = for_each(partial(beats_components, d)) if d <= 8 else None
        if d == 32:
            beats = for_each(lambda n: n["deep32.mse"] > n["pca32.mse"])
        what = "deep loses to principal components" if d == 32 else "deep, beside principal components"
        rows.append(Claim(f"{d} numbers, {what}: error on [0, 1]", f"deep{d}.mse", None, f"pca{d}.mse", beats))
    rows.append(Claim("the error falls with every widening", "deep8.mse", "yes", "mean.mse", for_each(falls), SCALES))
    rows.append(
        Claim("linear, beside principal components", "linear8.mse", "equal", "pca8.mse", for_each(linear_is_pca))
    )
    return rows


def _other_rows() -> list[Claim]:
    rows = [
        Claim(f"pixels shuffled for themselves, {d} numbers: variance explained, %", f"shuffled{d}.explained", "little",
              f"deep{d}.explained",
              for_each(partial(depends, d)),
              SCALES if d == 8 else SCALES[1:])
        for d in SHUFFLED
    ]  # fmt: skip
    for k in LABELS:
        gains = for_each(partial(helps, k)) if k < 10 else None
        told = f"{k} labels a class: accuracy, %"
        rows.append(Claim(f"{told}, denoising code", f"denoising{k}.accuracy", None, f"pixels{k}.accuracy", gains))
        rows.append(Claim(f"{told}, plain code of 8", f"plain{k}.accuracy", None, f"pixels{k}.accuracy"))
    for b in BITS:
        beats = for_each(partial(denser, b)) if b >= 4 else None
        told = f"8 numbers of {b} bits ({b / 8:g} bits a pixel): PSNR, dB, beside components"
        rows.append(Claim(told, f"ae.bits{b}.psnr", None, f"pca.bits{b}.psnr", beats))
    told = "8 numbers of 4 bits, by an entropy coder: bits a pixel"
    return [*rows, Claim(told, "ae.bits4.entropy", None, "pca.bits4.entropy")]


CLAIMS = (*_sweep_rows(), *_other_rows())
