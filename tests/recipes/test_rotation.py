"""The recipe of rotation: square images alone."""

import pytest

from likeness.errors import InputError
from likeness.recipes import rotation
from likeness.recipes.common import Facts

GREY = Facts("images", (1, 8, 8), ("a", "b"), (50, 50), 100)
SMALL = {"device": "cpu", "steps": 4, "batch_size": 16, "d_z": 8}


def test_images_are_changed_before_they_are_turned_unless_told_not_to() -> None:
    for change in (True, False):
        settings = rotation.fitting(rotation.Settings("d", change=change, **SMALL), GREY)
        assert (rotation.build(settings, GREY).learner.method.view is not None) is change


@pytest.mark.parametrize("facts", [GREY._replace(event=(1, 8, 9)), GREY._replace(kind="vectors", event=(2,))])
def test_what_is_no_square_image_is_refused(facts: Facts) -> None:
    with pytest.raises(InputError, match="rotation turns square images"):
        rotation.fitting(rotation.Settings("d"), facts)
