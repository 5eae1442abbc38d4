"""processors.chains.expanding: a preset that is made of others is ordered as its steps."""

import pytest

from processors import chains
from processors.chains import Ordered
from processors.errors import InputRefusedError
from schemas.preset import Binding, ChainStep, ChainTarget
from tests.builders import a_chain_preset, a_prompt

PHOTO = Binding(step=1)
BOTH = a_chain_preset(
    "both",
    ChainStep(preset="draw", inputs={"steps": 7}, asked={"prompt": "words", "note": "more"}),
    ChainStep(preset="wear", bindings={"photo": PHOTO}, over={"steps": (1, 2)}),
    inputs=(a_prompt(name="words"), a_prompt(name="more", required=False)),
)


def test_each_step_is_given_what_it_asks_of_the_person() -> None:
    """Beside what is always the same; what was not given is left out."""
    assert isinstance(BOTH.target, ChainTarget)
    assert chains.expanded(BOTH, BOTH.target, {"words": "a jacket"}) == (
        Ordered("draw", {"steps": 7, "prompt": "a jacket"}),
        Ordered("wear", {}, {"photo": PHOTO}, {"steps": (1, 2)}),
    )


def test_its_own_inputs_are_held_against_what_it_takes() -> None:
    """Before any of its steps is looked at."""
    assert isinstance(BOTH.target, ChainTarget)
    with pytest.raises(InputRefusedError, match="words"):
        chains.expanded(BOTH, BOTH.target, {})
