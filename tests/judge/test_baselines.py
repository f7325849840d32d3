import torch

from likeness.judge.baselines import gaussian, halves, memoriser, noise


def test_the_gaussian_has_the_moments_it_was_fitted_to():
    fitted = torch.randn(500, 4) @ torch.randn(4, 4) + 3
    drawn = gaussian(fitted, 100_000)
    assert torch.allclose(drawn.mean(0), fitted.mean(0), atol=0.05)
    assert torch.allclose(torch.cov(drawn.T), torch.cov(fitted.T), atol=0.15)


def test_a_singular_gaussian_stays_in_its_plane():
    fitted = torch.randn(5, 20)
    drawn = gaussian(fitted, 50)
    assert drawn.shape == (50, 20)
    assert torch.linalg.matrix_rank(drawn - fitted.mean(0), rtol=1e-4) == 4


def test_the_memoriser_returns_training_rows():
    train = torch.arange(30.0)[:, None]
    assert len(memoriser(train, 30).unique()) == 30
    assert torch.bincount(memoriser(train, 60).long().flatten()).tolist() == [2] * 30
    assert not torch.equal(memoriser(train, 30), memoriser(train, 30, seed=1))


def test_noise_fills_the_range_and_a_sample_is_its_own():
    like = torch.linspace(-1, 3, 20).reshape(10, 2)
    x = noise(like, 5000)
    assert -1 <= x.min() < -0.99
    assert 2.99 < x.max() <= 3
    assert torch.equal(noise(like, 7), x[:7])


def test_halves_share_no_row():
    a, b = halves(torch.arange(101))
    assert (len(a), len(b)) == (50, 51)
    assert sorted([*a.tolist(), *b.tolist()]) == list(range(101))
