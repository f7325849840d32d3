"""Of the card `autoencoders`: codes that keep their place, and sequences."""

import math
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from likeness.data.corruptions import Corruption, gaussian
from likeness.nn.recurrent import LSTMDecoder, LSTMEncoder
from likeness.nn.spatial import SpatialDecoder, SpatialEncoder, latent_shape
from likeness.papers._autoencoder_training import Components, Images, auroc, deep, fitted, mse
from likeness.papers.card import Claim, Numbers, for_each
from likeness.represent import Autoencoder, EncDecAD

MAPS = (1, 2, 4, 8)  # of 2 × 2 places
LENGTH = 32


def spatial(event: tuple[int, ...], maps: int) -> Autoencoder:
    E, D = SpatialEncoder(event, maps, width=8), SpatialDecoder(event, maps, width=8)
    return Autoencoder(E, D, latent=latent_shape(event, maps))


def convolutional(data: Images, maps: tuple[int, ...], epochs: int, seed: int) -> dict[str, float]:
    """Test error by the number of maps, and what a shift by one pixel costs, beside a dense network of equal code."""
    found = {}
    dense = fitted(partial(deep, data.event, 16), data.x, epochs=epochs, seed=seed)
    for m in maps:
        ae = fitted(partial(spatial, data.event, m), data.x, epochs=epochs, seed=seed)
        found[f"maps{m}.mse"] = mse(ae.reconstruct(data.test), data.test)
        if m == 4:
            found["maps.dimensions"] = float(len(ae.latent))
            for name, model in (("conv", ae), ("dense", dense)):
                found[f"{name}.growth"] = _moved(model, data.test)
    found["dense16.mse"] = mse(dense.reconstruct(data.test), data.test)
    return found | {"components16.mse": mse(Components(data.x, 16).reconstruct(data.test), data.test)}


def _moved(ae: Autoencoder, x: Tensor) -> float:
    """By how much the error grows when images are shifted by one pixel to the right, as a factor."""
    moved = torch.nn.functional.pad(x[..., :-1], (1, 0), value=-1.0)
    return mse(ae.reconstruct(moved), moved) / mse(ae.reconstruct(x), x)


class Waves(NamedTuple):
    """Sines of half a period to two, with any phase, in three parts."""

    x: Tensor
    held: Tensor
    test: Tensor


def waves(n: int, seed: int) -> Waves:
    generator = torch.Generator().manual_seed(seed)

    def draw(n: int) -> Tensor:
        cycles, phase = 0.5 + 1.5 * torch.rand(n, 1, generator=generator), torch.rand(n, 1, generator=generator)
        return torch.sin(2 * math.pi * (cycles * torch.arange(LENGTH) / LENGTH + phase))

    return Waves(draw(n), draw(500), draw(500))


def recurrent(reverse: bool = False, corrupt: Corruption | None = None) -> Autoencoder:
    event = (LENGTH,)
    return Autoencoder(LSTMEncoder(event, 16), LSTMDecoder(event, 16, reverse=reverse), latent=(16,), corrupt=corrupt)


def sequences(n: int, epochs: int, seed: int) -> dict[str, float]:
    """Error, anomalies, noise, and how soon either order of the decoder gets there."""
    data = waves(n, seed)
    curves: dict[str, list[float]] = {}

    def learned(name: str, reverse: bool = False, corrupt: Corruption | None = None) -> Autoencoder:
        curve = curves[name] = []
        tell = lambda epoch, ae: curve.append(_error(ae.reconstruct(data.held), data.held))  # noqa: E731
        return fitted(
            partial(recurrent, reverse, corrupt), data.x, epochs=epochs, seed=seed, lr=3e-3, clip=1.0, tell=tell
        )

    ae, back, dae = learned("forward"), learned("reverse", True), learned("dae", corrupt=gaussian(0.5))
    torch.manual_seed(seed)
    noisy = gaussian(0.5)(data.test)
    return {
        "lstm.mse": _error(ae.reconstruct(data.test), data.test),
        "lstm.variance": float(data.test.var()),
        "lstm.back": _error(back.reconstruct(data.test), data.test),
        "lstm.noisy": _error(noisy, data.test),
        "lstm.denoised": _error(dae.reconstruct(noisy), data.test),
        "lstm.forward.epochs": float(reached(curves["forward"], 0.1)),
        "lstm.reverse.epochs": float(reached(curves["reverse"], 0.1)),
        **found(ae, data, seed),
    }


def found(ae: Autoencoder, data: Waves, seed: int) -> dict[str, float]:
    """AUROC of two anomalies, by the error and by EncDec-AD (per step, summed over the wave)."""
    at = torch.randint(0, LENGTH - 3, (len(data.test), 1), generator=torch.Generator().manual_seed(seed))
    place = torch.arange(LENGTH)
    shifted = data.test + ((place >= at) & (place < at + 3)).float()
    flipped = data.test * torch.where(place < LENGTH // 2, 1.0, -1.0)
    made = EncDecAD().fit(_errors(ae, data.held).reshape(-1, 1))
    numbers = {}
    for name, x in (("shift", shifted), ("flip", flipped)):
        both, which = torch.cat((data.test, x)), torch.arange(2 * len(x)) // len(x)
        e = _errors(ae, both)
        numbers[f"lstm.{name}.error"] = auroc(e.square().sum(1), which)
        numbers[f"lstm.{name}.encdec"] = auroc(made.score(e.reshape(-1, 1)).view_as(e).amax(1).float(), which)
    return numbers


def reached(curve: list[float], error: float) -> int:
    """The first epoch at whose end the error is no higher; one more than there were where none is."""
    return next((i + 1 for i, value in enumerate(curve) if value <= error), len(curve) + 1)


def _errors(ae: Autoencoder, x: Tensor) -> Tensor:
    return (x - ae.reconstruct(x)).abs()


def _error(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().mean())


# ------------------------------------------------------------------------------------- what is claimed


def falls(n: Numbers) -> bool:
    return all(n[f"maps{a}.mse"] > n[f"maps{b}.mse"] for a, b in pairwise(MAPS))


CLAIMS = (
    Claim("convolutional, 4 maps of 2×2: error on [0, 1], beside components", "maps4.mse", None, "components16.mse",
          for_each(lambda n: n["maps4.mse"] < 1.3 * n["components16.mse"] and n["maps.dimensions"] == 3), ()),
    Claim("convolutional, 4 maps of 2×2, beside dense of 16", "maps4.mse", None, "dense16.mse"),
    Claim("convolutional, 8 maps, beside 1: the error falls with the maps", "maps8.mse", None, "maps1.mse",
          for_each(falls)),
    Claim("images shifted by a pixel: the error grows by a factor, beside dense", "conv.growth", None, "dense.growth",
          for_each(lambda n: n["conv.growth"] < n["dense.growth"])),
    Claim("LSTM on sines: mean squared error, beside the variance", "lstm.mse", None, "lstm.variance",
          for_each(lambda n: n["lstm.mse"] < 0.05 * n["lstm.variance"])),
    Claim("LSTM on sines, 3 steps shifted by one: AUROC by the error", "lstm.shift.error", None, None,
          for_each(lambda n: n["lstm.shift.error"] > 0.97)),
    Claim("LSTM on sines, 3 steps shifted: AUROC by EncDec-AD", "lstm.shift.encdec", None, "lstm.shift.error"),
    Claim("LSTM on sines, sign flipped midway: AUROC by the error", "lstm.flip.error", None, None,
          for_each(lambda n: n["lstm.flip.error"] > 0.97)),
    Claim("LSTM on sines, sign flipped: AUROC by EncDec-AD", "lstm.flip.encdec", None, "lstm.flip.error"),
    Claim("LSTM on sines, noise of 0.5: error denoised, beside untouched", "lstm.denoised", None, "lstm.noisy",
          for_each(lambda n: n["lstm.denoised"] < 0.25 * n["lstm.noisy"])),
    Claim("LSTM written backwards: epochs to an error of 0.1, beside forwards", "lstm.reverse.epochs", "fewer",
          "lstm.forward.epochs", for_each(lambda n: n["lstm.reverse.epochs"] < n["lstm.forward.epochs"])),
)  # fmt: skip
