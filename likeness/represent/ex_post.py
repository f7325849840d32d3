"""Draws of an autoencoder: a density of its codes, fitted when the networks stand, and their decoder.

    z ~ q(z), fitted to the codes E(x) of training samples,   x = D(z)                              (1)

An autoencoder trained with no thought of drawing draws well so, where its codes are smooth; Ghosh et al. take a
Gaussian, or a mixture of ten, with full covariances. The density is part of the state: it is fitted when a checkpoint
is judged, and saved beside the weights that its codes are of.

Partha Ghosh, Mehdi S. M. Sajjadi, Antonio Vergari, Michael Black, Bernhard Schölkopf. From Variational to Deterministic
Autoencoders. 2020. https://arxiv.org/abs/1903.12436
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method
from likeness.errors import InputError
from likeness.sampling import Streams, streams


class ExPost(nn.Module):
    """A sampler from an autoencoder and a density of its codes.

    Args:
        autoencoder: has `encode`, `outputs` and a `cost`; it is not a part of this module.
        density: has `start(codes)`, which fits it, and `sample` (`likeness.density.Mixture`).
    """

    fitted: Tensor

    def __init__(self, autoencoder: Method, density: nn.Module) -> None:
        super().__init__()
        self._whose: tuple[Any] = (autoencoder,)  # in a tuple, its state is not saved twice
        self.density: Any = density
        self.register_buffer("fitted", torch.tensor(False))

    @torch.no_grad()
    def fit(self, x: Float[Tensor, " n *event"]) -> None:
        """Fit the density to the codes of these samples; the same outcome for the same weights and samples."""
        codes = torch.cat([self._whose[0].encode(part) for part in x.split(512)])
        self.density.start(codes)
        self.fitted.fill_(True)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        """Raises InputError where nothing was fitted yet."""
        if not self.fitted:
            raise InputError("the codes have no density yet: train to the first judged checkpoint (--judge-every)")
        source, (autoencoder,) = streams(generator), self._whose
        z = self.density.sample(n, generator=source.split("codes"))
        return autoencoder.cost.sample(autoencoder.outputs(z), source)  # (1)
