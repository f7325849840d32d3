"""Blur: how much of the finest detail images have, and how many of their pixels are neither dark nor bright.

    (Lx)_ij = x_{i−1,j} + x_{i+1,j} + x_{i,j−1} + x_{i,j+1} − 4 x_ij                     (1)
    energy = mean over pixels of (Lx)²                                                  (2)

The mean of many images that could all be is smooth, and grey where they differ: a decoder's means lose energy against
data. Noise has more of it than any image: samples of a Gaussian decoder can exceed the data's, which is grain, no
sharpness. Both are told by the ratio to the data's energy.

José Luis Pech-Pacheco, Gabriel Cristóbal, Jesús Chamorro-Martínez, Joaquín Fernández-Valdivia. Diatom Autofocusing in
Brightfield Microscopy. 2000. https://doi.org/10.1109/ICPR.2000.903548
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

GREY = (0.2, 0.8)  # of the range from black to white


def laplacian_energy(x: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """The energy of the Laplacian of each image, pixels at the edge aside."""
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], device=x.device)[None, None]
    return (
        conv2d(x.float().flatten(0, 1)[:, None], kernel).square().unflatten(0, x.shape[:2]).flatten(1).mean(1)
    )  # (1), (2)


def grey_share(x: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """The share of pixels of images in [-1, 1] that are neither dark nor bright."""
    share = (x + 1) / 2
    return ((share > GREY[0]) & (share < GREY[1])).flatten(1).double().mean(1)
