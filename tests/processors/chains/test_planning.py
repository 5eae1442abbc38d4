"""processors.chains.planning: what does not fit together is refused when it is ordered."""

from decimal import Decimal
from typing import Any

import pytest

from processors import chains
from processors.chains import Terms, Wanted
from processors.errors import ChainRefusedError, InputRefusedError
from schemas.base import GenerationId
from schemas.job import Step
from schemas.preset import Binding, ChainStep, ImageInput, NamedOutput, TextInput
from schemas.run import OutputKind
from tests.builders import USER, a_chain_preset, a_preset, a_prompt, some_steps, titled

PHOTO = ImageInput(name="photo", type="image", titles=titled("Photo"), required=True, to="image_0")
CAPTION = TextInput(name="caption", type="text", titles=titled("Caption"), to="text", most=80)
DRAW = a_preset(
    "draw",
    a_prompt(),
    some_steps(),
    outputs=(
        NamedOutput(name="image", type=OutputKind.IMAGE, of="9/"),
        NamedOutput(name="words", type=OutputKind.TEXT),
        NamedOutput(name="film", type=OutputKind.VIDEO),
    ),
)
WEAR = a_preset("wear", PHOTO, CAPTION, some_steps())
NOTHING = a_preset("nothing", a_prompt(), outputs=())
TERMS = Terms(USER, {}, Decimal(100))


def draw(**fields: Any) -> Wanted:  # noqa: ANN401 - any field of what is ordered
    """A step that takes nothing of others."""
    known: dict[str, Any] = {
        "preset": DRAW,
        "inputs": {"prompt": "a jacket"},
        "bindings": {},
        "over": {},
    }
    return Wanted(**(known | fields))


def wear(**fields: Any) -> Wanted:  # noqa: ANN401 - any field of what is ordered
    """A step that takes the picture of the first one."""
    known: dict[str, Any] = {
        "preset": WEAR,
        "inputs": {},
        "bindings": {"photo": Binding(step=1)},
        "over": {},
    }
    return Wanted(**(known | fields))


def bound(**fields: Any) -> Wanted:  # noqa: ANN401 - any field of a binding
    """The same, bound so."""
    known: dict[str, Any] = {"step": 1}
    return wear(bindings={"photo": Binding(**(known | fields))})


def planned(*wanted: Wanted) -> tuple[Step, ...]:
    """The steps as they are agreed on; the ids of their generations are ``{step}.{item}``."""
    ids = [
        [GenerationId(f"{number}.{item}") for item in range(1, size + 1)]
        for number, size in enumerate(chains.sizes(wanted), 1)
    ]
    return chains.planned(wanted, ids, TERMS)


def sources(step: Step) -> dict[str, str]:
    """Which generation each of its inputs is taken from."""
    return {key: each.generation for key, each in step.sources.items()}


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        ((draw(), bound(step=3)), "steps.2.bindings.photo", "there is no step 3"),
        ((draw(), bound(step=2)), "steps.2.bindings.photo", "comes before step 2 has made"),
        ((bound(step=2), draw()), "steps.1.bindings.photo", "step 1 comes before step 2"),
        ((draw(), bound(item=2)), "steps.2.bindings.photo", "step 1 is made 1 times"),
        ((draw(), bound(output="sound")), "steps.2.bindings.photo", "image, words, film"),
        ((draw(preset=NOTHING), bound()), "steps.2.bindings.photo", "it makes nothing"),
        ((draw(), bound(output="words")), "steps.2.bindings.photo", "type image takes no text"),
        ((draw(), bound(output="film")), "steps.2.bindings.photo", "takes no video"),
        (
            (draw(), wear(bindings={"steps": Binding(step=1)})),
            "steps.2.bindings.steps",
            "type integer takes no image",
        ),
        (
            (draw(), wear(bindings={"hat": Binding(step=1)})),
            "steps.2.bindings.hat",
            "is no input of wear",
        ),
        ((draw(over={"hat": (1,)}),), "steps.1.over.hat", "is no input of draw"),
        ((draw(over={"prompt": ("a",)}),), "steps.1.inputs.prompt", "is given in two ways"),
        (
            (draw(), wear(inputs={"photo": "https://example.com/a.png"})),
            "steps.2.inputs.photo",
            "is given in two ways",
        ),
        ((draw(), wear(over={"photo": ("a",)})), "steps.2.inputs.photo", "in two ways"),
        ((draw(over={"steps": ()}),), "steps.1.over.steps", "takes from 1 to 100 values"),
        ((draw(over={"steps": (1,) * 101}),), "steps.1.over.steps", "takes from 1 to 100 values"),
        (
            (draw(inputs={}, over={"steps": (1, 2, 3), "prompt": ("a", "b")}),),
            "steps.1.over.prompt",
            "has 2 values where another has 3",
        ),
        (
            (draw(over={"steps": (1, 2)}), wear(over={"steps": (1, 2, 3)})),
            "steps.2.bindings.photo",
            "has 2 values where another has 3",
        ),
        ((draw(over={"steps": (1,) * 70}),) * 3, "steps", "come to 210 runs; a job has 200"),
        (
            (draw(preset=a_chain_preset("both", ChainStep(preset="draw"))),),
            "steps.1.preset",
            "is made of steps itself",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(
    wanted: tuple[Wanted, ...], field: str, words: str
) -> None:
    """Steps count from 1, as people count them; so nothing can go round in circles."""
    with pytest.raises(ChainRefusedError, match=words) as refused:
        chains.sizes(wanted)
    assert refused.value.field == field


def test_each_step_is_agreed_on_as_if_it_were_alone() -> None:
    """With its own price, and its sources by the engine's names of its inputs."""
    first, second = planned(draw(inputs={"prompt": "a jacket", "steps": None}), bound(place=2))

    assert (first.number, first.item, first.generation, first.sources) == (1, 1, "1.1", {})
    assert (second.number, second.preset, second.held) == (2, "wear", 5)
    [(key, source)] = second.sources.items()
    assert (key, source.step, source.generation, source.place) == ("image_0", 1, "1.1", 2)
    assert (source.type, source.of, source.most) == (OutputKind.IMAGE, "9/", None)
    assert second.work is not None
    assert second.work.request.inputs == {"steps": 20}


def test_a_job_carries_so_much_and_no_more() -> None:
    """A record is hot and small; each of a hundred runs has its own inputs."""
    wordy = a_preset("wordy", a_prompt(most=2000), some_steps())
    over = {"steps": tuple(range(1, 51))}
    many = draw(preset=wordy, inputs={"prompt": "a" * 1900}, over=over)
    with pytest.raises(ChainRefusedError, match="inputs come to") as refused:
        planned(many, many, many)
    assert refused.value.field == "steps"


def test_a_text_may_be_as_long_as_its_input_takes() -> None:
    """That is known when it is ordered, and held against what is written later."""
    bindings = {"photo": Binding(step=1), "caption": Binding(step=1, output="words")}
    [_, second] = planned(draw(), wear(bindings=bindings))
    assert (second.sources["text"].type, second.sources["text"].most) == (OutputKind.TEXT, 80)


def test_a_step_is_made_once_for_each_value() -> None:
    """Of several lists the first with the first, and so on."""
    lists = {"steps": (1, 2), "prompt": ("a", "b")}
    parts = planned(draw(inputs={}, over=lists))
    assert [(each.number, each.item, each.inputs) for each in parts] == [
        (1, 1, {"steps": 1, "prompt": "a"}),
        (1, 2, {"steps": 2, "prompt": "b"}),
    ]


def test_a_step_is_made_for_each_item_that_it_takes() -> None:
    """Item by item, unless one is chosen; of a step that is made once all take the same."""
    fan = draw(over={"steps": (1, 2)})
    each = planned(fan, bound(), wear(bindings={"photo": Binding(step=2, item=2)}))
    assert [sources(part) for part in each[2:]] == [
        {"image_0": "1.1"},
        {"image_0": "1.2"},
        {"image_0": "2.2"},
    ]
    same = planned(draw(), wear(over={"steps": (1, 2)}))
    assert [sources(part) for part in same[1:]] == [{"image_0": "1.1"}] * 2


def test_what_is_refused_says_of_which_step() -> None:
    """Where there are several; of one alone it is said as ever."""
    wrong = draw(inputs={"prompt": ""})
    with pytest.raises(InputRefusedError) as refused:
        planned(draw(), wrong)
    assert (refused.value.field, refused.value.name) == ("steps.2.inputs.prompt", "prompt")
    with pytest.raises(InputRefusedError) as refused:
        planned(wrong)
    assert refused.value.field == "inputs.prompt"
    with pytest.raises(InputRefusedError, match="missing"):
        planned(draw(), wear(bindings={}))
