"""The functions an analyst may call: an allow-list over the engine's own list of functions.

The engine sorts its functions into categories. Those that compute from their arguments alone are allowed as a
category; from "Other", which mixes them with functions that look into the process, they are allowed by name.
A function that a later engine adds elsewhere is refused until somebody has looked at it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FUNCTIONS_QUERY = (
    "SELECT groupArray((name, alias_to, categories, is_aggregate)), "
    "(SELECT groupArray(name) FROM system.aggregate_function_combinators) FROM system.functions"
)

_CATEGORIES = frozenset(
    {"Arithmetic", "Arrays", "Bit", "Bitmap", "Comparison", "Conditional", "Dates and Times", "Distance",
     "Encoding", "Financial", "Geo", "Geo Polygon", "Hash", "IP Address", "JSON", "Logical", "Map",
     "Mathematical", "Null", "NumericIndexedVector", "Random Number", "Rounding", "String",
     "String Replacement", "String Search", "String Splitting", "Time Series", "Time Window", "Tuple",
     "Type Conversion", "URL", "UUID", "Aggregate Functions"}
)  # fmt: skip
_BY_NAME = frozenset(
    {"bar", "blocknumber", "blocksize", "bytesize", "countdigits", "currentdatabase", "currentqueryid",
     "currentuser", "defaultvalueofargumenttype", "defaultvalueoftypename", "errorcodetoname",
     "finalizeaggregation", "formatquery", "formatqueryornull", "formatquerysingleline",
     "formatquerysinglelineornull", "formatreadabledecimalsize", "formatreadablequantity",
     "formatreadablesize", "formatreadabletimedelta", "getsizeofenumtype", "getsubcolumn", "identity",
     "ignore", "indexhint", "initializeaggregation", "initialqueryid", "isconstant", "isdecimaloverflow",
     "lowcardinalityindices", "lowcardinalitykeys", "materialize", "minsamplesizecontinuous",
     "minsamplesizeconversion", "neighbor", "normalizequery", "normalizedqueryhash",
     "parseiso8601duration", "parsereadablesize", "parsereadablesizeornull", "parsereadablesizeorzero",
     "parsetimedelta", "queryid", "rownumberinallblocks", "rownumberinblock", "runningaccumulate",
     "runningdifference", "runningdifferencestartingwithfirstvalue", "throwif", "tocolumntypename",
     "totypename", "transform", "variantelement", "varianttype", "version", "visiblewidth",
     # not in the engine's list, or in its "Internal" category, but written by ordinary statements
     "exists", "grouping", "if", "lambda", "untuple", "casewithexpression"}
)  # fmt: skip
# In an allowed category, but looking into the process.
_EXCEPT = frozenset({"chdb", "flamegraph"})
_DICTIONARY_PREFIXES = ("dictget", "dicthas", "dictisin")


@dataclass(frozen=True, slots=True)
class AllowedFunctions:
    """Answers whether a name may be called."""

    names: frozenset[str]
    """In lower case, aliases included."""
    aggregates: frozenset[str]
    combinators: tuple[str, ...]

    @classmethod
    def read(cls, listed: str) -> "AllowedFunctions":
        """Choose from the engine's answer to FUNCTIONS_QUERY, in JSONCompactEachRow."""
        rows, combinators = json.loads(listed)
        category = {name: kind for name, alias, kind, _ in rows if not alias}
        alias_to = {name: alias for name, alias, _, _ in rows if alias}
        known = {name: category.get(alias_to.get(name, name), "") for name in (*category, *alias_to)}
        allowed = frozenset(name.lower() for name in known if _may_be_called(name, known, alias_to))
        aggregates = frozenset(name.lower() for name, _, _, is_aggregate in rows if is_aggregate)
        return cls(allowed | _BY_NAME, aggregates & allowed, tuple(map(str.lower, combinators)))

    def __contains__(self, name: str) -> bool:
        """Whether it is allowed, also with combinators behind an aggregate (`sumIf`, `avgArray`)."""
        name = name.lower()
        return name in self.names or self._is_combined(name)

    def _is_combined(self, name: str) -> bool:
        return any(
            rest in self.aggregates or self._is_combined(rest) for rest in _without(name, self.combinators)
        )


def reads_dictionary(name: str) -> bool:
    """Whether a function looks up the dictionary that is its first argument."""
    return name.lower().startswith(_DICTIONARY_PREFIXES)


def _may_be_called(name: str, known: Mapping[str, str], alias_to: Mapping[str, str]) -> bool:
    target = alias_to.get(name, name).lower()
    if target in _EXCEPT or name.lower() in _EXCEPT:
        return False
    return known[name] in _CATEGORIES or target in _BY_NAME


def _without(name: str, combinators: Iterable[str]) -> Iterable[str]:
    return (name.removesuffix(end) for end in combinators if name.endswith(end) and len(name) > len(end))
