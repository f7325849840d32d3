import pytest
import torch

from likeness.errors import InputError
from likeness.judge.inception import InceptionV3, max_pool, mean_pool, network_of, prepare


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return InceptionV3().eval()


def test_it_has_the_parameters_of_the_published_network(network):
    assert sum(p.numel() for p in network.parameters()) == 23_850_960
    names = set(network.state_dict())
    assert {"Conv2d_1a_3x3.conv.weight", "Mixed_5b.branch3x3dbl_3.bn.running_var", "fc.bias"} <= names
    assert network.state_dict()["Mixed_6e.branch7x7dbl_4.conv.weight"].shape == (192, 192, 7, 1)
    assert network.state_dict()["Mixed_7c.branch3x3_2a.conv.weight"].shape == (384, 384, 1, 3)


def test_features_and_probabilities(network):
    with torch.no_grad():
        features = network(torch.rand(2, 1, 20, 24) * 2 - 1)
    assert features.shape == (2, 2048)
    assert features.min() >= 0
    c = network.probabilities(features)
    assert c.shape == (2, 1008)
    assert torch.allclose(c.sum(1), torch.ones(2), atol=1e-5)


def test_images_are_prepared_as_files_would_be():
    x = torch.tensor([-1.0, 1.0, 0.0, 5.0])[:, None, None, None].expand(4, 1, 8, 8)
    expected = torch.tensor([-1.0, 127 / 128, 0.0, 127 / 128])  # 0, 255, 128 and 255 of 8 bits
    assert torch.allclose(prepare(x), expected[:, None, None, None].expand(4, 3, 299, 299), atol=1e-5)


def test_shrinking_does_not_alias():
    x = (torch.arange(897) % 3 - 1.0).expand(1, 1, 897, 897)  # a period of three pixels, gone at a third of the size
    assert prepare(x)[..., 5:-5].std() < 0.05


def test_padding_has_no_part_in_the_mean():
    ones = torch.ones(1, 1, 4, 4)
    assert torch.allclose(mean_pool(ones), ones)
    assert torch.equal(max_pool(-ones), -ones)


def test_neither_grey_nor_colour():
    with pytest.raises(InputError, match=r"got \(2, 4, 8, 8\)"):
        prepare(torch.zeros(2, 4, 8, 8))


def test_weights_without_batch_counters_fit_and_others_do_not(network):
    tensors = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    loaded = network_of(tensors)
    assert torch.equal(loaded.fc.weight, network.fc.weight)
    assert not any(p.requires_grad for p in loaded.parameters())
    with pytest.raises(InputError, match="no Inception-v3 weights"):
        network_of({"fc.weight": torch.zeros(1008, 2048)})
