"""Networks: tensors in, tensors out. They know no loss, no data and no training."""

from likeness.nn.average import average
from likeness.nn.choose import critic_for, generator_for
from likeness.nn.coding import ConvDecoder, ConvEncoder, decoder_for, encoder_for
from likeness.nn.dcgan import ConvCritic, ConvGenerator
<<<<<<< HEAD
from likeness.nn.masked import MaskedMLP
from likeness.nn.pixelcnn import GatedPixelCNN
=======
from likeness.nn.gated import GatedMLP
>>>>>>> 31aa265 (Exemplar VAE in full: prior, retrieval in cells, recipe, likeness variants, card and benchmark)
from likeness.nn.resnet import ResidualCritic, ResidualGenerator
from likeness.nn.vector import MLP, ResidualMLP, VectorCritic, orthogonal

__all__ = [
    "MLP",
    "ConvCritic",
    "ConvDecoder",
    "ConvEncoder",
    "ConvGenerator",
<<<<<<< HEAD
    "GatedPixelCNN",
    "MaskedMLP",
=======
    "GatedMLP",
>>>>>>> 31aa265 (Exemplar VAE in full: prior, retrieval in cells, recipe, likeness variants, card and benchmark)
    "ResidualCritic",
    "ResidualGenerator",
    "ResidualMLP",
    "VectorCritic",
    "average",
    "critic_for",
    "decoder_for",
    "encoder_for",
    "generator_for",
    "orthogonal",
]
