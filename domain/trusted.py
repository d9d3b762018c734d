"""Make models of values that were checked already: the domain's own facts, put together by `decide`.

Pydantic checks what comes from outside: commands at the door, events that are read back. What `decide` makes
of them is typed and checked by mypy; to check it once more takes as long as deciding it.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from pydantic import BaseModel

Fields = ParamSpec("Fields")
Model = TypeVar("Model", bound=BaseModel)

_set_values = BaseModel.__dict__["__dict__"].__set__
_set_given = BaseModel.__dict__["__pydantic_fields_set__"].__set__
_set_extra = BaseModel.__dict__["__pydantic_extra__"].__set__
_set_private = BaseModel.__dict__["__pydantic_private__"].__set__


def trusted(model: Callable[Fields, Model]) -> Callable[Fields, Model]:
    """Give a constructor of a frozen model with the model's own signature, which checks nothing.

    The model must have no validators that change values, no factories as defaults and no aliases. (Pydantic's
    `model_construct` allows for all of these and takes longer than checking.)
    """
    kind = cast("type[Model]", model)
    blank = {name: field.default for name, field in kind.model_fields.items()}
    given = set(blank)

    def make(*_: Fields.args, **values: Fields.kwargs) -> Model:
        made = object.__new__(kind)
        _set_values(made, blank | values)
        _set_given(made, given)
        _set_extra(made, None)
        _set_private(made, None)
        return made

    return make
