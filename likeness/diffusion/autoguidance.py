"""Autoguidance: away from what a worse version of the same model says, without any label or classifier.

    D'(x, σ) = D₀(x, σ) + s (D₁(x, σ) − D₀(x, σ))                                                   (1)

D₀ is trained less, or is smaller, and errs where D₁ errs, only more; s = 1 is D₁ itself, and more goes on in the
direction from the worse to the better.

Tero Karras, Miika Aittala, Tuomas Kynkäänniemi, Jaakko Lehtinen, Timo Aila, Samuli Laine. Guiding a Diffusion Model
with a Bad Version of Itself. 2024. https://arxiv.org/abs/2406.02507
"""

from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, Prediction, predict
from likeness.diffusion.steering import extrapolated


class Autoguided:
    """D' of (1); learned variances are those of the better model."""

    def __init__(self, D1: Denoiser, D0: Denoiser, scale: float) -> None:
        self.D1, self.D0, self.scale = D1, D0, scale

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.predict(x, sigma).x0

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        return extrapolated(Prediction(self.D0(x, sigma)), predict(self.D1, x, sigma), self.scale)  # (1)


def autoguided(better: Denoiser, worse: Denoiser, scale: float = 2.0) -> Denoiser:
    """The better denoiser, pushed away from the worse one; at one, as it is."""
    return better if scale == 1 else Autoguided(better, worse, scale)
