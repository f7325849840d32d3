"""The autoencoder: a network that has to say a sample again after it went through a code.

    min  E cost(x, D(E(x)))  [+ penalties on the code]                                              (1)
    denoising   min  E cost(x, D(E(x̃))),   x̃ ~ q(x̃|x): the clean x is asked for                     (2)

A narrow code, noise to be undone or a penalty keeps it from learning the identity; with none of them and a code as wide
as the sample it may. Linear networks with squared error span the principal subspace (Baldi and Hornik). It has no
density and draws nothing: `ExPost` adds a density of its codes.

David Rumelhart, Geoffrey Hinton, Ronald Williams. Learning representations by back-propagating errors. 1986.
https://doi.org/10.1038/323533a0
Geoffrey Hinton, Ruslan Salakhutdinov. Reducing the Dimensionality of Data with Neural Networks. 2006.
https://doi.org/10.1126/science.1127647
(2) Pascal Vincent, Hugo Larochelle, Yoshua Bengio, Pierre-Antoine Manzagol. Extracting and Composing Robust Features
    with Denoising Autoencoders. 2008. https://doi.org/10.1145/1390156.1390294
Pierre Baldi, Kurt Hornik. Neural networks and principal component analysis. 1989.
https://doi.org/10.1016/0893-6080(89)90014-2
"""

from collections.abc import Iterator, Sequence
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.costs import Cost, SquaredError
from likeness.data.batch import Batch
from likeness.data.corruptions import Corruption
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.represent.penalties import Penalty


class Autoencoder(Method):
    """Encoder `E` (samples to codes of shape `latent`) and decoder `D` (codes to outputs of the cost).

    Outside, codes are vectors (n, d_z) whatever their shape within: (d_z,), or maps (c, h, w).

    Args:
        cost: what a reconstruction costs (`costs.py`); parameters of its own are learned too.
        corrupt: what is done to the samples that E sees in training (`likeness.data.corruptions`).
        penalties: on the codes of what E sees (`penalties.py`).

    Raises:
        InputError: the code has no numbers.
    """

    def __init__(
        self,
        E: nn.Module,
        D: nn.Module,
        *,
        latent: Sequence[int],
        cost: Cost | None = None,
        corrupt: Corruption | None = None,
        penalties: Sequence[Penalty] = (),
    ) -> None:
        super().__init__()
        if not latent or min(latent) < 1:
            raise InputError(f"a code of shape {tuple(latent)}: it needs one number or more")
        self.E, self.D, self.latent, self.cost = E, D, tuple(latent), cost or SquaredError()
        self.corrupt, self.penalties = corrupt, tuple(penalties)

    @property
    def d_z(self) -> int:
        """How many numbers a code has; beside those of a sample, how narrow the bottleneck is."""
        return prod(self.latent)

    def updates(self, batch: Batch) -> Iterator[Update]:
        seen = batch.x if self.corrupt is None else self.corrupt(batch.x)
        yield self, lambda: self.terms(batch.x, seen)

    def terms(self, x: Float[Tensor, " n *event"], seen: Float[Tensor, " n *event"]) -> Terms:
        """What is minimised, where E sees `seen` and D is asked for x."""
        z = self.E(seen)
        terms = {"error": self.cost(x, self.D(z)).mean()}  # (1), (2)
        return terms | {p.name: p.weight * p.value(self.E, seen, z).mean() for p in self.penalties}

    @torch.no_grad()
    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d_z"]:
        """The codes of new data, in evaluation mode."""
        with evaluating(self.E):
            return self.E(x).flatten(1)

    def outputs(self, z: Float[Tensor, "n d_z"]) -> Tensor:
        """What D makes of codes, in evaluation mode; gradients reach z."""
        with evaluating(self.D):
            return self.D(z.unflatten(1, self.latent))

    def decode(self, z: Float[Tensor, "n d_z"]) -> Float[Tensor, " n *event"]:
        """The samples of codes; gradients reach z."""
        return self.cost.mean(self.outputs(z))

    @torch.no_grad()
    def reconstruct(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        """D(E(x)); of noisy samples, the denoised ones."""
        return self.decode(self.encode(x))

    @torch.no_grad()
    def error(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """The cost of each sample's reconstruction, nothing corrupted: how unlike the training data it is."""
        return self.cost(x, self.outputs(self.encode(x)))
