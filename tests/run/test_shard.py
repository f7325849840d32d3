"""Sharding is refused where it cannot work; that it works is told by real processes in `test_processes`."""

import pytest
from together import game, one_loss

from likeness.errors import InputError
from likeness.run.shard import shard


def test_several_players_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"GAN trains several players \(VectorCritic, MLP\)"):
        shard(game())


def test_one_process_has_nobody_to_share_with() -> None:
    with pytest.raises(InputError, match="there is one"):
        shard(one_loss())
