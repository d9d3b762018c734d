"""Kaplan and Meier's quantiles of `projections.indicators.estimates`, in SQL over sorted arrays of durations.

From one censored duration to the next the product telescopes: of those left at the beginning of the stretch,
so many are left. So logarithms are only needed of the censored ones, which are few, and where in a stretch a
quantile lies is a matter of counting.
"""

from collections.abc import Iterator, Mapping

from projections.indicators.estimates import NEARLY, Z
from projections.indicators.expressions import ALWAYS
from projections.indicators.indicator import Duration


def with_quantiles(counted: str, timed: Mapping[int, Duration]) -> str:
    """Add `times_N` to a statement that gives `durations_N`, for each N.

    Those are sorted: twice the seconds, and one more where it is censored, so that it comes after those that
    are finished at the same time.
    """
    aliases = ", ".join(alias for n, duration in timed.items() for alias in _aliases(n, duration))
    left_out = ", ".join(f"durations_{n}" for n in timed)
    times = ", ".join(f"{_quantiles(n)} AS times_{n}" for n in timed)
    return f"WITH {aliases} SELECT * EXCEPT ({left_out}), {times} FROM ({counted})"  # noqa: S608 - own names


def _aliases(n: int, duration: Duration) -> Iterator[str]:
    """Name the places of the censored ones, and of every stretch before, between and behind them: where it
    begins and ends, and the logarithm of the share that has survived until then.
    """
    every = f"durations_{n}"
    yield f"length({every}) AS all_{n}"
    censored = f"arrayFilter((place, one) -> one % 2 = 1, arrayEnumerate({every}), {every})"
    yield f"{'emptyArrayUInt32()' if duration.finished == ALWAYS else censored} AS censored_{n}"
    yield f"arrayPushFront(censored_{n}, 0) AS begins_{n}"
    yield f"arrayPushBack(censored_{n}, all_{n} + 1) AS ends_{n}"
    yield (
        "arrayPushFront(arrayCumSum(arrayMap((place, before) -> "
        f"log((all_{n} - place + 1) / (all_{n} - before)), censored_{n}, arrayPopBack(begins_{n}))), 0.) "
        f"AS survived_{n}"
    )
    half = f"({Z} / 2 / sqrt(all_{n}))"
    yield f"[log(0.5), log(0.1), log(0.5 + {half}), if({half} < 0.5, log(0.5 - {half}), -inf)] AS shares_{n}"


def _quantiles(n: int) -> str:
    """The duration after which no more have survived than each threshold says; the first if all may have."""
    place = (
        "arrayFirst((place, end) -> place < end, arrayMap((begin, log_survived) -> greatest(begin + 1., "
        f"all_{n} - floor(exp(share + {NEARLY} - log_survived) * (all_{n} - begin))), "
        f"begins_{n}, survived_{n}), ends_{n})"
    )
    places = f"arrayMap(share -> toUInt64(if(share < 0, {place}, least(all_{n}, 1))), shares_{n})"
    return f"arrayMap(place -> if(place = 0, NULL, intDiv(durations_{n}[place], 2)), {places})"
