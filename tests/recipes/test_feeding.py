"""The place in the data: every process goes on behind the batch it learned from last."""

import torch
from torch import Tensor

from likeness.core import Method
from likeness.data import load
from likeness.lockstep import lockstep
from likeness.recipes.feeding import Feed
from likeness.recipes.gan import Settings


def test_the_place_in_the_data_is_kept_for_every_process() -> None:
    data, settings = load("digits"), Settings(data="digits", device="cpu")
    whole = [b.index for b in Feed(Method(), data, 9, 8, settings)]

    def play(rank: int) -> list[Tensor]:
        feed = Feed(Method(), data, 9, 5, settings)
        assert feed.state_dict() == {"places": [None, None]}
        list(feed)
        assert feed.state_dict() == {"places": [{"batches": 5}] * 2}
        method = Method()
        method.iteration = 5
        again = Feed(method, data, 9, 8, settings)
        again.load_state_dict(feed.state_dict())
        return [b.index for b in again]

    halves = lockstep(2, play)
    for i, expected in enumerate(whole[5:]):
        assert torch.equal(torch.cat([half[i] for half in halves]), expected)


def test_other_processes_go_on_where_as_much_of_a_stream_was_read() -> None:
    def play(rank: int) -> object:
        feed = Feed(Method(), load("grid25"), 9, 5, Settings(data="grid25"))
        feed.load_state_dict({"places": [{"epoch": 2, "entries": 90}] * 2})
        return feed.place

    assert lockstep(3, play) == [{"epoch": 2, "entries": 60}] * 3
