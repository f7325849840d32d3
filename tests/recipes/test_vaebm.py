"""Open choices are made by the data or by the run of the VAE; both ways lead to a run that goes on bit for bit."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from likeness.data import load
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes import vae
from likeness.recipes.common import Facts
from likeness.recipes.pipeline import Session, begin, reopen, resume, training
from likeness.recipes.vaebm import Settings, Sharpened, build, fitting, sharpened, weighed
from likeness.run import checkpoint
from likeness.run.folder import open_run
from likeness.run.track import records
from likeness.sampling import draw

IMAGES = Facts("images", (1, 8, 8), (), (), 300)
POINTS = Facts("vectors", (2,), (), (), 300)


def trained(name: str, settings: object) -> Session:
    data = load("ring8", limit=300)
    session = begin(name, settings, data)  # type: ignore[arg-type]
    for _ in training(session, data, raw()):
        pass
    return session


@pytest.fixture(scope="module")
def of_vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "vae"
    given = {"steps": 40, "batch_size": 32, "judge_every": 20, "limit": 300, "width": 16, "sigma": 0.4}
    trained("vae", vae.Settings(data="ring8", out=folder, device="cpu", **given))  # type: ignore[arg-type]
    return folder


def small(folder: Path, **given: object) -> Settings:
    chosen = {"batch_size": 32, "limit": 300, "width": 16, "judge_every": 10, "chain_steps": 3, "spectral": 0.1}
    chosen |= {"persistence": 0.5, "buffer": 100}
    return Settings(data="ring8", out=folder, device="cpu", **(chosen | given))  # type: ignore[arg-type]


def test_open_choices_are_made_and_others_kept() -> None:
    made = fitting(Settings(data="x", device="cpu", lr=1e-4), IMAGES)
    assert (made.steps, made.vae_steps, made.d_z, made.lr, made.spectral) == (6000, 4000, 16, 1e-4, 0.2)
    assert fitting(made, IMAGES) == made
    assert fitting(Settings(data="x", steps=30), POINTS).vae_steps == 20
    model = build(replace(made, hierarchy=2, device="cpu"), IMAGES)
    x = model.sampler(3, generator=0)
    assert x.shape == (3, 1, 8, 8)
    assert model.energy is not None
    assert model.energy(x).shape == (3,)


def test_what_cannot_be_is_refused(of_vae: Path, tmp_path: Path) -> None:
    table = POINTS._replace(columns=({"kind": "number"},))
    for facts, wrong, clue in (
        (POINTS, {"shard": True}, "--shard trains one player"),
        (table, {}, "these are a table"),
        (POINTS, {"steps": 10, "vae_steps": 10}, "--vae-steps 10 of --steps 10"),
        (POINTS, {"vae": str(tmp_path / "none")}, "does not exist"),
        (IMAGES, {"vae": str(of_vae)}, "is of samples"),
        (POINTS, {"vae": str(of_vae), "d_z": 7}, "--d-z 7: .* has 2; leave it out"),
        (POINTS, {"vae": str(of_vae), "vae_steps": 7}, "--vae-steps 7 with --vae"),
        (POINTS, {"lr": 0.0}, "--lr 0.0"),
    ):
        with pytest.raises(InputError, match=clue):
            fitting(Settings(data="x", device="cpu", **wrong), facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [True, False], ids=["given", "own"])
def test_a_run_goes_on_bit_for_bit(of_vae: Path, tmp_path: Path, given: bool) -> None:
    data, weights = load("ring8", limit=300), []
    last = 20 if given else 40
    for name, stops in (("whole", (last,)), ("parts", (last - 7, last))):
        ways = {"vae": str(of_vae)} if given else {"vae_steps": 20, "vae_width": 16, "sigma": 0.4}
        session = trained("vaebm", small(tmp_path / name, steps=stops[0], **ways))
        for steps in stops[1:]:
            session = resume(open_run(tmp_path / name), replace(session.settings, steps=steps), data)
            for _ in training(session, data, raw()):
                pass
        weights.append(dict(checkpoint.load(tmp_path / name / "checkpoints" / "last.safetensors")[0]))
    for name in weights[0]:
        assert torch.equal(weights[0][name], weights[1][name]), name
    assert not [name for name in weights[0] if "replay" in name or "penalty" in name]
    judged = [r["iteration"] for r in records(tmp_path / "whole", "score")]
    assert min(judged) > (0 if given else 20), "the VAE alone is not judged"


def test_a_given_vae_is_frozen_and_no_longer_needed(of_vae: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(of_vae, copied)
    session = trained("vaebm", small(tmp_path / "run", steps=20, vae=str(copied)))
    assert (session.settings.d_z, session.settings.sigma, session.settings.vae_steps) == (2, 0.4, 0)  # type: ignore[attr-defined]
    theirs, ours = reopen(of_vae).model, session.model.learner.method
    for name, p in theirs.vae.state_dict().items():
        if isinstance(p, torch.Tensor) and "extra" not in name:
            assert torch.equal(p, ours.vae.state_dict()[name]), name
    assert torch.equal(theirs.sampler(5, generator=2), ours.sample(5, generator=2, steps=0))
    shutil.rmtree(copied)
    again = reopen(tmp_path / "run").model
    assert torch.equal(
        draw(again.sampler, 5, generator=1), draw(reopen(tmp_path / "run").model.sampler, 5, generator=1)
    )
    torch.testing.assert_close(again.learner.method.vae.state_dict()["D.body.1.weight"],
                               theirs.vae.state_dict()["D.body.1.weight"])  # fmt: skip


def test_an_energy_that_leaves_weight_to_few_draws_is_told() -> None:
    method = build(fitting(Settings(data="x", device="cpu"), POINTS), POINTS).learner.method
    terms = {"data": -1.0, "negative": 0.5}
    assert weighed(method, 200) > 0.5
    assert Sharpened(method)(terms) == []
    with torch.no_grad():
        method.E.body.body[-1].weight.mul_(1000)
    (finding,) = Sharpened(method)(terms)
    assert finding.code == "sharp-energy"
    assert "1.0% of the draws" in sharpened(0.01).saw
    assert "energy-holes" in {f.code for f in Sharpened(method)({"data": 9.0, "negative": -3.0})}
