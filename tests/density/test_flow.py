"""A flow is invertible, its density integrates to one, and it is nearer to the truth than a Gaussian."""

import sys

import pytest
import torch
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.toys import TOYS
from likeness.density.flow import FAMILIES, Flow, family
from likeness.errors import InputError
from likeness.sampling import draw
from likeness.testing import check_method

pytest.importorskip("zuko", reason="flows need zuko")


def made(name: str, *, noise: float = 0.0) -> Flow:
    return Flow(family(name, 2, layers=3, width=32), 2, noise=noise)


def trained(name: str, data: str, steps: int) -> Flow:
    torch.manual_seed(0)
    flow, truth = made(name), TOYS[data].make()
    batches = [Batch(part) for part in truth.sample(steps * 256, generator=0).split(256)]
    for _ in train(flow, batches, Adam(flow.parameters(), 3e-3)):
        pass
    return flow.eval()


@pytest.mark.parametrize("name", FAMILIES)
def test_contract(name: str) -> None:
    x = torch.tensor([3.0, -1.0]) + 2 * torch.randn(24, 2, generator=torch.Generator().manual_seed(0))
    steps_of_a_solver = 1e-2 if name == "cnf" else 1e-4  # they suit the batch, so its parts have others
    check_method(
        lambda: made(name, noise=0.1),
        Batch(x),
        lambda m: Adam(m.parameters(), 1e-3),
        tolerance=steps_of_a_solver,
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_invertible_and_its_density_integrates_to_one(name: str) -> None:
    flow = trained(name, "moons", 5 if name == "cnf" else 40)
    x = TOYS["moons"].make().sample(200, generator=1)
    with torch.no_grad():
        assert (flow.decode(flow.encode(x)) - x).abs().max() < 1e-5 * (100 if name == "cnf" else 1)
        side = torch.arange(-6, 6, 0.06) + 0.03
        grid = torch.cartesian_prod(side, side)
        total = sum(float(flow.log_prob(part).double().exp().sum()) for part in grid.split(8192)) * 0.06**2
    assert total == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("data", ["moons", "checkerboard"])
def test_it_lies_between_a_gaussian_and_the_truth(data: str) -> None:
    flow, truth = trained("nsf", data, 250), TOYS[data].make()
    x = truth.sample(4000, generator=7)
    gauss = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov()).log_prob(x).mean()
    ours, ceiling = flow.log_prob(x).mean().detach(), truth.log_prob(x).mean()
    assert gauss + 0.25 < ours < ceiling


def test_draws_are_of_the_density() -> None:
    flow = trained("nsf", "moons", 100)
    x = draw(flow.sample, 4000, generator=0)
    z = flow.encode(x)
    assert z.mean(0).abs().max() < 0.06
    assert (z.T.cov() - torch.eye(2)).abs().max() < 0.08


def test_the_change_of_units_is_part_of_the_density() -> None:
    x, flow = 5 + 3 * torch.randn(400, 2), made("nsf")
    next(iter(flow.updates(Batch(x))))
    z = (x - flow.mean) / flow.std
    there = Flow(flow.f, 2)
    assert torch.allclose(flow.log_prob(x), there.log_prob(z) - flow.std.log().sum(), atol=1e-5)
    assert torch.allclose(z.std(0), torch.ones(2), atol=1e-2)


def test_bad_input_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="family of flows"):
        family("glow", 2)
    with pytest.raises(InputError, match="noise -1"):
        Flow(torch.nn.Identity(), 2, noise=-1)
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(InputError, match=r"likeness\[flows\]"):
        family("nsf", 2)
