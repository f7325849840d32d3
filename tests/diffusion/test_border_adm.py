"""Files of the published layout give the published network's outputs, and come back bit by bit."""

from pathlib import Path

import pytest
import torch
from published_unets import Adm, stirred
from safetensors.torch import save_file

from likeness.diffusion.border_adm import CLASSIFIERS, PUBLISHED, Published, layout, load, load_classifier, state_of
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import Labelled, clamped
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine, linear
from likeness.errors import InputError
from likeness.nn.adm_unet import Plan, UNet

PLAN = Plan(32, (1, 2, 2), 2, (8, 4), head_channels=16)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("updown", [False, True])
@pytest.mark.parametrize("adaptive", [False, True])
def test_it_computes_what_the_published_network_does(tmp_path: Path, whole: bool, updown: bool, adaptive: bool) -> None:
    theirs = stirred(
        Adm(
            c=3,
            out=6,
            side=16,
            width=32,
            multipliers=(1, 2, 2),
            blocks=2,
            attention=(8, 4),
            head=16,
            classes=5,
            updown=updown,
            adaptive=adaptive,
            whole=whole,
        )
    )
    torch.save(theirs.state_dict(), tmp_path / "model.pt")
    plan = PLAN._replace(resblock_updown=updown, adaptive=adaptive)
    found = load(tmp_path / "model.pt", Published((3, 16, 16), plan, 5, cosine, whole=whole))
    x, t, y = torch.randn(2, 3, 16, 16), torch.tensor([3.0, 700.0]), torch.tensor([4, 0])
    with torch.no_grad():
        wanted = theirs(x, t, y)
        torch.testing.assert_close(found.D.F(x, t, y), wanted, atol=1e-4, rtol=1e-4)
    back = state_of(found.D.F, whole=whole)
    assert {k: v.shape for k, v in back.items()} == {k: v.shape for k, v in theirs.state_dict().items()}
    assert all(torch.equal(v, back[k]) for k, v in theirs.state_dict().items())
    assert (found.event, found.classes) == ((3, 16, 16), 5)


def test_the_denoiser_is_told_the_index_and_predicts_the_noise(tmp_path: Path) -> None:
    theirs = stirred(Adm(c=1, out=2, side=8, width=32, multipliers=(1,), blocks=1, head=32))
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    D, schedule, *_ = load(
        tmp_path / "model.safetensors", Published((1, 8, 8), Plan(32, (1,), 1, (), head_channels=32), 0, linear)
    )
    kept = (
        (1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.double))
        .cumprod(0)[[0, 500, 999]]
        .float()[:, None, None, None]
    )
    x0, t = torch.randn(3, 1, 8, 8), torch.tensor([0.0, 500.0, 999.0])
    noisy = kept.sqrt() * x0 + (1 - kept).sqrt() * torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        eps, v = theirs(noisy, t).chunk(2, 1)
        found = D.predict(noisy / kept.sqrt(), schedule.sigmas[[0, 500, 999]].float())
    wanted = (noisy - (1 - kept).sqrt() * eps) / kept.sqrt()
    torch.testing.assert_close(found.x0 / (1 / kept - 1).sqrt(), wanted / (1 / kept - 1).sqrt(), atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(found.v, (v + 1) / 2, atol=2e-3, rtol=2e-3)


def test_a_model_from_elsewhere_is_drawn_from_by_class(tmp_path: Path) -> None:
    theirs = stirred(Adm(c=1, out=2, side=8, width=32, multipliers=(1,), blocks=1, head=32, classes=3))
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    plan = Plan(32, (1,), 1, (), head_channels=32)
    D, schedule, event, classes = load(tmp_path / "model.safetensors", Published((1, 8, 8), plan, 3, linear))
    sampler = Diffused(
        lambda y: clamped(Labelled(D, y)), ddim(), schedule.levels(4), event, frequencies=torch.ones(classes) / classes
    )
    x = sampler(3, generator=0, y=torch.tensor([0, 1, 2]))
    assert x.shape == (3, 1, 8, 8)
    assert x.abs().max() <= 1
    torch.testing.assert_close(sampler(1, generator=0, y=torch.tensor([0])), x[:1], atol=1e-4, rtol=1e-4)


def test_a_classifier_too(tmp_path: Path) -> None:
    theirs = stirred(
        Adm(c=3, out=7, side=16, width=32, multipliers=(1, 2), blocks=1, attention=(8,), head=16, pooled=True)
    )
    torch.save(theirs.state_dict(), tmp_path / "classifier.pt")
    net = load_classifier(
        tmp_path / "classifier.pt", (3, 16, 16), Plan(32, (1, 2), 1, (8,), head_channels=16), classes=7
    )
    x, t = torch.randn(2, 3, 16, 16), torch.tensor([3.0, 700.0])
    with torch.no_grad():
        torch.testing.assert_close(net(x, t), theirs(x, t), atol=1e-4, rtol=1e-4)
    back = state_of(net)
    assert all(torch.equal(v, back[k]) for k, v in theirs.state_dict().items())


@pytest.mark.parametrize(("name", "millions"), [("imagenet64", 296), ("imagenet128", 422), ("imagenet256", 554),
    ("imagenet512", 559), ("lsun-cat", 552), ("upsampler-64-256", 312), ("upsampler-128-512", 309)])  # fmt: skip
def test_published_sizes(name: str, millions: int) -> None:
    event, plan, classes, _, extra, *_ = PUBLISHED[name]
    with torch.device("meta"):
        net = UNet(event, outputs=2, classes=classes, extra=extra, plan=plan._replace(groups=32))
    assert round(sum(p.numel() for p in net.parameters()) / 1e6) == pytest.approx(millions, abs=1)
    assert {entry.ours for entry in layout(net)} == set(net.state_dict())


def test_classifiers_have_the_sides_of_their_models() -> None:
    assert all(event == PUBLISHED[name].event for name, (event, _) in CLASSIFIERS.items())


def test_other_files_are_named(tmp_path: Path) -> None:
    theirs = Adm(c=1, out=2, side=8, width=32, multipliers=(1,), blocks=1, head=32)
    torch.save(theirs.state_dict(), tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"no tensor label_emb\.weight"):
        load(tmp_path / "model.pt", Published((1, 8, 8), Plan(32, (1,), 1, (), head_channels=32), 4, linear))
    with pytest.raises(InputError, match="all of 32"):
        state_of(UNet((1, 8, 8), width=32, multipliers=(1,)))
