"""The contract of every variant, the principal subspace, what denoising asks for, and what penalties do."""

from itertools import repeat
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import LBFGS, Adam

from likeness.core import train
from likeness.costs import Nats
from likeness.data.batch import Batch
from likeness.data.corruptions import gaussian, masking
from likeness.density.likelihoods import Gaussian
from likeness.errors import InputError
from likeness.nn.coding import decoder_for, encoder_for
from likeness.nn.recurrent import LSTMDecoder, LSTMEncoder
from likeness.nn.spatial import SpatialDecoder, SpatialEncoder, latent_shape
from likeness.nn.vector import MLP
from likeness.represent.autoencoder import Autoencoder
from likeness.represent.penalties import active, contracting, sparse
from likeness.testing import check_method

VECTORS = Batch(torch.randn(8, 5))


def dense(d: int = 5, d_z: int = 2, **given: Any) -> Autoencoder:
    return Autoencoder(MLP(d, d_z, width=8), MLP(d_z, d, width=8), latent=(d_z,), **given)


def spatial(**given: Any) -> Autoencoder:
    event = (1, 8, 8)
    networks = SpatialEncoder(event, 3, width=4), SpatialDecoder(event, 3, width=4)
    return Autoencoder(*networks, latent=latent_shape(event, 3), **given)


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "denoising": {"corrupt": gaussian(0.5)},
    "masking": {"corrupt": masking(0.3)},
    "sparse": {"penalties": (sparse(0.1),)},
    "active": {"penalties": (active(0.1),)},
    "contractive": {"penalties": (contracting(0.1),)},
    "all": {"corrupt": masking(0.3), "penalties": (sparse(0.1), active(0.1), contracting(0.1, exact=True))},
}


@pytest.mark.parametrize("given", VARIANTS.values(), ids=VARIANTS)
def test_contract(given: dict[str, Any]) -> None:
    check_method(lambda: dense(**given), VECTORS, lambda m: Adam(m.parameters(), 1e-3))


def test_contract_with_a_likelihood() -> None:
    check_method(lambda: dense(cost=Nats(Gaussian(1.0, learn=True))), VECTORS, lambda m: Adam(m.parameters(), 1e-3))


@pytest.mark.parametrize("given", [{}, {"corrupt": gaussian(0.5), "penalties": (contracting(0.1),)}])
def test_contract_on_images(given: dict[str, Any]) -> None:
    batch = Batch(torch.randn(6, 1, 8, 8))
    check_method(lambda: spatial(**given), batch, lambda m: Adam(m.parameters(), 1e-3))
    small = (1, 8, 8)
    networks = lambda: (encoder_for(small, 4, width=4), decoder_for(small, d_z=4, width=4))  # noqa: E731
    check_method(lambda: Autoencoder(*networks(), latent=(4,)), batch, lambda m: Adam(m.parameters(), 1e-3))


@pytest.mark.parametrize("reverse", [False, True])
def test_contract_on_sequences(reverse: bool) -> None:
    def build() -> Autoencoder:
        return Autoencoder(LSTMEncoder((6, 2), 3), LSTMDecoder((6, 2), 3, reverse=reverse), latent=(3,))

    check_method(build, Batch(torch.randn(8, 6, 2)), lambda m: Adam(m.parameters(), 1e-3))


def correlated(n: int = 300, d: int = 6) -> Tensor:
    x = torch.randn(n, d) * torch.tensor([3.0, 2.0, 1.5, 0.5, 0.3, 0.2]) @ torch.linalg.qr(torch.randn(d, d))[0]
    return x - x.mean(0)


def test_a_linear_autoencoder_spans_the_principal_subspace_and_errs_as_pca_does() -> None:
    x = correlated()
    ae = Autoencoder(nn.Linear(6, 3, bias=False), nn.Linear(3, 6, bias=False), latent=(3,))
    for _ in train(ae, repeat(Batch(x), 15), LBFGS(ae.parameters(), max_iter=100, line_search_fn="strong_wolfe")):
        pass
    _, s, V = torch.linalg.svd(x, full_matrices=False)
    span = torch.linalg.qr(ae.D.weight.detach())[0]
    cosines = torch.linalg.svdvals(V[:3] @ span)  # of the principal angles
    assert float(cosines.min()) > 1 - 1e-5
    assert float(ae.error(x).sum()) == pytest.approx(float(s[3:].square().sum()), rel=1e-4)
    assert float(ae.error(x).sum()) > float(s[3:].square().sum()) * (1 - 1e-6), "nothing linear does better"


def test_a_linear_denoiser_learns_wieners_filter() -> None:
    x = correlated(4000, 6)
    sigma = 1.0
    ae = Autoencoder(nn.Identity(), nn.Linear(6, 6, bias=False), latent=(6,), corrupt=gaussian(sigma))
    for lr, steps in ((3e-2, 200), (3e-3, 300)):
        for _ in train(ae, repeat(Batch(x), steps), Adam(ae.parameters(), lr)):
            pass
    C = x.T @ x / len(x)
    expected = torch.linalg.solve(C + sigma**2 * torch.eye(6), C)  # E[x | x̃], of the clean x: not the identity
    assert float((ae.D.weight.detach() - expected).abs().max()) < 0.03


def test_penalties_do_what_they_are_for() -> None:
    x = correlated(256)
    found = {}
    for name, penalties in {"none": (), "sparse": (sparse(1.0),), "contractive": (contracting(1.0),)}.items():
        torch.manual_seed(0)
        ae = dense(6, 6, penalties=penalties)
        for _ in train(ae, repeat(Batch(x), 150), Adam(ae.parameters(), 1e-2)):
            pass
        z = ae.encode(x)
        e = 1e-3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        found[name] = float(z.abs().mean()), float((ae.encode(x + e) - z).norm() / e.norm())
    assert found["sparse"][0] < 0.5 * found["none"][0]
    assert found["contractive"][1] < 0.7 * found["none"][1]


def test_codes_are_vectors_whatever_their_shape_within() -> None:
    ae, x = spatial(), torch.randn(3, 1, 8, 8)
    assert (ae.d_z, ae.encode(x).shape) == (12, (3, 12))
    torch.testing.assert_close(ae.reconstruct(x), ae.D(ae.E(x)))
    torch.testing.assert_close(ae.error(x), (ae.reconstruct(x) - x).square().flatten(1).sum(1))


def test_gradients_reach_codes_and_nothing_is_corrupted_after_training() -> None:
    ae = dense(corrupt=gaussian(5.0))
    z = torch.randn(2, 2, requires_grad=True)
    ae.decode(z).sum().backward()
    assert z.grad is not None
    assert torch.equal(ae.reconstruct(VECTORS.x), ae.reconstruct(VECTORS.x))


@pytest.mark.parametrize("latent", [(), (0,), (3, 0, 2)])
def test_a_code_without_numbers_is_refused(latent: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="one number or more"):
        Autoencoder(nn.Identity(), nn.Identity(), latent=latent)
