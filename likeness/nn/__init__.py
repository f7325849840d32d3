"""Networks: tensors in, tensors out. They know no loss, no data and no training."""

from likeness.nn.average import average
from likeness.nn.choose import critic_for, generator_for
from likeness.nn.dcgan import ConvCritic, ConvGenerator
from likeness.nn.resnet import ResidualCritic, ResidualGenerator
from likeness.nn.vector import MLP, ResidualMLP, VectorCritic, orthogonal

__all__ = [
    "MLP",
    "ConvCritic",
    "ConvGenerator",
    "ResidualCritic",
    "ResidualGenerator",
    "ResidualMLP",
    "VectorCritic",
    "average",
    "critic_for",
    "generator_for",
    "orthogonal",
]
