"""Networks: tensors in, tensors out. They know no loss, no data and no training."""

from likeness.nn.adm_encoder import Encoder
from likeness.nn.adm_unet import UNet
from likeness.nn.average import average
from likeness.nn.choose import critic_for, denoiser_net_for, encoder_net_for, generator_for
from likeness.nn.coding import ConvDecoder, ConvEncoder, decoder_for, encoder_for
from likeness.nn.dcgan import ConvCritic, ConvGenerator
from likeness.nn.dit import DiT
from likeness.nn.gated import GatedMLP
from likeness.nn.heads import linear_head, projection
from likeness.nn.line_encoder import LineEncoder
from likeness.nn.masked import MaskedMLP
from likeness.nn.pixelcnn import GatedPixelCNN
from likeness.nn.resnet import ResidualCritic, ResidualGenerator
from likeness.nn.resnet_encoder import resnet18, resnet50
from likeness.nn.small_cnn import SmallCNN
from likeness.nn.time_mlp import TimeMLP
from likeness.nn.vector import MLP, ResidualMLP, VectorCritic, orthogonal
from likeness.nn.vit import ViT

__all__ = [
    "MLP",
    "ConvCritic",
    "ConvDecoder",
    "ConvEncoder",
    "ConvGenerator",
    "DiT",
    "Encoder",
    "GatedMLP",
    "GatedPixelCNN",
    "LineEncoder",
    "MaskedMLP",
    "ResidualCritic",
    "ResidualGenerator",
    "ResidualMLP",
    "SmallCNN",
    "TimeMLP",
    "UNet",
    "VectorCritic",
    "ViT",
    "average",
    "critic_for",
    "decoder_for",
    "denoiser_net_for",
    "encoder_for",
    "encoder_net_for",
    "generator_for",
    "linear_head",
    "orthogonal",
    "projection",
    "resnet18",
    "resnet50",
]
