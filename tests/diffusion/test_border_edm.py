"""A state dict of EDM tells its network, which computes what the published one does and comes back bit by bit."""

from pathlib import Path

import pytest
import torch
from published_unets import Edm, stirred
from safetensors.torch import save_file
from torch.nn.functional import one_hot

from likeness.diffusion.border_edm import load, state_of
from likeness.errors import InputError
from likeness.nn.adm_unet import UNet


@pytest.mark.parametrize(("classes", "prefix"), [(0, ""), (3, "model.")])
def test_it_computes_what_the_published_denoiser_does(tmp_path: Path, classes: int, prefix: str) -> None:
    theirs = stirred(Edm(c=3, side=16, width=64, multipliers=(1, 2), blocks=2, attention=(8,), classes=classes))
    save_file({prefix + k: v for k, v in theirs.state_dict().items()}, tmp_path / "edm.safetensors")
    found = load(tmp_path / "edm.safetensors")
    assert (found.event, found.classes) == ((3, 16, 16), classes)
    sigma, y = torch.tensor([0.01, 5.0]), torch.tensor([2, 0]) if classes else None
    x = torch.randn(2, 3, 16, 16) * (sigma**2 + 0.25).sqrt()[:, None, None, None]
    s = sigma[:, None, None, None]
    with torch.no_grad():
        label = None if y is None else one_hot(y, 3).float()
        F = theirs(x / (0.25 + s**2).sqrt(), sigma.log() / 4, label)
        wanted = 0.25 / (s**2 + 0.25) * x + 0.5 * s / (s**2 + 0.25).sqrt() * F
        torch.testing.assert_close(found.D(x, sigma, y), wanted, atol=1e-4, rtol=1e-4)
    back = state_of(found.D.F)
    used = {k: v for k, v in theirs.state_dict().items() if "resample" not in k and "augment" not in k}
    assert back.keys() == used.keys()
    assert all(torch.equal(v, back[k]) for k, v in used.items())


def test_pickles_and_other_networks_are_refused(tmp_path: Path) -> None:
    torch.save(Edm(c=1, side=8, width=64, multipliers=(1,), blocks=1), tmp_path / "edm.pkl")
    with pytest.raises(InputError, match=r"write net\.state_dict\(\) with safetensors"):
        load(tmp_path / "edm.pkl")
    save_file({"a": torch.zeros(1)}, tmp_path / "song.safetensors")
    with pytest.raises(InputError, match="no DhariwalUNet"):
        load(tmp_path / "song.safetensors")


def test_what_edm_has_not_is_not_exported() -> None:
    with pytest.raises(InputError, match="32 groups of normalisation for 64"):
        state_of(UNet((1, 8, 8), width=64, multipliers=(1,), groups=32))
    with pytest.raises(InputError, match="adaptive normalisation"):
        state_of(UNet((1, 8, 8), width=64, multipliers=(1,), adaptive=False))
