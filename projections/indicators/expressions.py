"""Conditions and times as data: one definition of an indicator is folded in Python and asked in SQL.

Comparing with what is not known is never true, and `~` of that is true, unlike in SQL.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

Value = str | int | bool | datetime | None
Surroundings = Mapping[str, Value]
"""The columns of a matter and the moments that a question fixes, by name."""


class Expression:
    """Something that has a value for one matter."""

    def value(self, of: Surroundings) -> Value:
        """Give the value."""
        raise NotImplementedError

    def parts(self) -> tuple["Expression", ...]:
        """Give what it is made of."""
        return ()


@dataclass(frozen=True, slots=True)
class Term(Expression):
    """What can be compared."""

    def __lt__(self, other: "Term") -> "Condition":
        return Compared("<", self, other)

    def __le__(self, other: "Term") -> "Condition":
        return Compared("<=", self, other)

    def __gt__(self, other: "Term") -> "Condition":
        return Compared(">", self, other)

    def __ge__(self, other: "Term") -> "Condition":
        return Compared(">=", self, other)

    def is_(self, *values: str | int | bool) -> "Condition":
        """Whether it is one of these values."""
        return OneOf(self, values)

    @property
    def known(self) -> "Condition":
        """Whether there is a value; an empty word is none."""
        return Known(self)

    def or_else(self, *others: "Term") -> "Term":
        """Give the first value that is known."""
        return FirstKnown((self, *others))

    def plus(self, duration: timedelta) -> "Term":
        """Give a moment this much later."""
        return Later(self, duration)


@dataclass(frozen=True, slots=True)
class Condition(Expression):
    """Whether something is so."""

    def __and__(self, other: "Condition") -> "Condition":
        return Both(self, other)

    def __or__(self, other: "Condition") -> "Condition":
        return Either(self, other)

    def __invert__(self) -> "Condition":
        return Otherwise(self)


@dataclass(frozen=True, slots=True)
class Column(Term):
    """A column of `projections.indicators.matter`."""

    name: str

    def value(self, of: Surroundings) -> Value:
        """Look it up."""
        return of[self.name]


@dataclass(frozen=True, slots=True)
class Moment(Term):
    """A moment that the question fixes: `as_of`, or `at`, the moment of a snapshot."""

    name: str

    def value(self, of: Surroundings) -> Value:
        """Look it up."""
        return of[self.name]


@dataclass(frozen=True, slots=True)
class Number(Term):
    """A number that the definition fixes."""

    number: int

    def value(self, of: Surroundings) -> Value:  # noqa: ARG002 - it depends on nothing
        """Give it."""
        return self.number


@dataclass(frozen=True, slots=True)
class FirstKnown(Term):
    """The first of several moments that is known."""

    terms: tuple[Term, ...]

    def value(self, of: Surroundings) -> Value:
        """Look through them."""
        values = (term.value(of) for term in self.terms)
        return next((value for value in values if value is not None), None)

    def parts(self) -> tuple[Expression, ...]:
        """Give the terms."""
        return self.terms


@dataclass(frozen=True, slots=True)
class Later(Term):
    """A moment and a fixed time more."""

    term: Term
    duration: timedelta

    def value(self, of: Surroundings) -> Value:
        """Add it to what is known."""
        value = self.term.value(of)
        return value + self.duration if isinstance(value, datetime) else None

    def parts(self) -> tuple[Expression, ...]:
        """Give the moment."""
        return (self.term,)


@dataclass(frozen=True, slots=True)
class When(Term):
    """A term where a condition holds; elsewhere nothing is known."""

    condition: "Condition"
    term: Term

    def value(self, of: Surroundings) -> Value:
        """Look at the condition first."""
        return self.term.value(of) if self.condition.value(of) else None

    def parts(self) -> tuple[Expression, ...]:
        """Give both."""
        return self.condition, self.term


@dataclass(frozen=True, slots=True)
class Elapsed(Term):
    """Microseconds from one moment to another, 0 if that is earlier; unknown if one of them is."""

    start: Term
    end: Term

    def value(self, of: Surroundings) -> Value:
        """Measure it."""
        start, end = self.start.value(of), self.end.value(of)
        if not isinstance(start, datetime) or not isinstance(end, datetime):
            return None
        return max(0, (end - start) // timedelta(microseconds=1))

    def parts(self) -> tuple[Expression, ...]:
        """Give both moments."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Sum(Term):
    """Two numbers, one of which may be unknown: then it counts as 0."""

    left: Term
    right: Term

    def value(self, of: Surroundings) -> Value:
        """Add them."""
        values = (self.left.value(of), self.right.value(of))
        return sum(value for value in values if isinstance(value, int))

    def parts(self) -> tuple[Expression, ...]:
        """Give both."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class Compared(Condition):
    """Two terms, both known, one of which is before, after, less or more."""

    sign: str
    left: Term
    right: Term

    def value(self, of: Surroundings) -> bool:
        """Compare them."""
        left, right = self.left.value(of), self.right.value(of)
        return left is not None and right is not None and bool(SIGNS[self.sign](left, right))

    def parts(self) -> tuple[Expression, ...]:
        """Give both sides."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class OneOf(Condition):
    """A term that has one of several values."""

    term: Term
    values: tuple[str | int | bool, ...]

    def value(self, of: Surroundings) -> bool:
        """Look for it."""
        return self.term.value(of) in self.values

    def parts(self) -> tuple[Expression, ...]:
        """Give the term."""
        return (self.term,)


@dataclass(frozen=True, slots=True)
class Known(Condition):
    """A term that has a value."""

    term: Term

    def value(self, of: Surroundings) -> bool:
        """Tell whether it has."""
        return self.term.value(of) not in (None, "")

    def parts(self) -> tuple[Expression, ...]:
        """Give the term."""
        return (self.term,)


@dataclass(frozen=True, slots=True)
class Both(Condition):
    """Two conditions, both of which hold."""

    left: Condition
    right: Condition

    def value(self, of: Surroundings) -> bool:
        """Check both."""
        return bool(self.left.value(of)) and bool(self.right.value(of))

    def parts(self) -> tuple[Expression, ...]:
        """Give both."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class Either(Condition):
    """Two conditions, one of which holds."""

    left: Condition
    right: Condition

    def value(self, of: Surroundings) -> bool:
        """Check one, then the other."""
        return bool(self.left.value(of)) or bool(self.right.value(of))

    def parts(self) -> tuple[Expression, ...]:
        """Give both."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class Otherwise(Condition):
    """A condition that does not hold."""

    condition: Condition

    def value(self, of: Surroundings) -> bool:
        """Turn it round."""
        return not self.condition.value(of)

    def parts(self) -> tuple[Expression, ...]:
        """Give what it turns round."""
        return (self.condition,)


@dataclass(frozen=True, slots=True)
class Always(Condition):
    """Holds for every matter."""

    holds: bool = True

    def value(self, of: Surroundings) -> bool:  # noqa: ARG002 - it depends on nothing
        """Tell whether it is `always` or `never`."""
        return self.holds


@dataclass(frozen=True, slots=True)
class Repeated(Condition):
    """Whether so many cases of one category or more were filed at one place in one calendar month."""

    at_least: int

    def value(self, of: Surroundings) -> bool:
        """Look at how many there were; who asks has counted them."""
        peers = of[PEERS]
        return isinstance(peers, int) and peers >= self.at_least


PEERS = "peers"
NEIGHBOURHOOD = ("cycle", "region", "grid", "category", "filed_at")
"""What tells which cases are counted together there."""
SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ALWAYS, NEVER = Always(), Always(holds=False)


def any_of(*conditions: Condition) -> Condition:
    """Whether one of several holds; none of none does."""
    return reduce(Condition.__or__, conditions) if conditions else NEVER


def inside(expression: Expression) -> Iterator[Expression]:
    """Give an expression and everything that it is made of."""
    yield expression
    for part in expression.parts():
        yield from inside(part)


def columns_in(expression: Expression) -> Iterator[str]:
    """Name the columns that an expression looks at."""
    for part in inside(expression):
        if isinstance(part, Column):
            yield part.name
        if isinstance(part, Repeated):
            yield from NEIGHBOURHOOD


def is_of_events_alone(expression: Expression) -> bool:
    """Whether a matter's own events say it, whatever is asked and whatever other matters there are."""
    return not any(isinstance(part, Moment | Repeated) for part in inside(expression))
