"""Do the metrics of a type hold? Names are compared with what CloudWatch has, conditions and dimensions with the record that fills them."""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches

from collector.spec import facts
from collector.spec.api import Node, UnknownPathError, taken
from collector.spec.model import Metrics
from collector.spelling import did_you_mean
from collector.template import references

STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
MOST_STATISTICS = 5
"""Statistics of one metric that CloudWatch bills as one metric, when they are asked for in the same call."""
ALIKE = 0.85
"""A metric that is not known, and this similar to one that is, is taken for a misspelling."""
NOT_IN_RECORD = ("batch", "listed", "over", "parent", "tags")
_PERCENTILE = re.compile(r"p\d{1,2}(\.\d+)?\Z")


def metric_problems(metrics: Metrics, record: Node, item: Node, refer: Callable[[tuple[str, ...], Node], Iterator[str]]) -> Iterator[str]:
    """What does not hold of *metrics*, which are asked for long after the collection: all that is known then is the record.

    *item* is the record's configuration, *record* the same with ``supplementary`` beside it; *refer* tells what is wrong with a reference.
    """
    yield from _names(metrics)
    for word, expression in (("when", metrics.when), ("each", metrics.each), *(("unless", each) for each in metrics.unless)):
        if expression is not None:
            yield from _condition(word, expression, record)
    for path in references(metrics.dimensions):
        text = "{" + ".".join(path) + "}"
        if path[0] == "each":
            yield from () if metrics.each else [f'{text}: "each" is not said']
        elif path[0] in NOT_IN_RECORD:
            yield f"{text}: a record does not know it"
        else:
            yield from refer(path, item)
    if metrics.each and not any(path[0] == "each" for path in references(metrics.dimensions)):
        yield '"each" is said but no dimension is filled from {each}'


def _names(metrics: Metrics) -> Iterator[str]:
    known = facts.metric_namespaces()
    namespace = known.get(metrics.namespace)
    if namespace is None:
        # Anybody may have namespaces of their own; AWS's are known, and a near miss of one is a misspelling.
        if metrics.namespace.startswith("AWS/") and (meant := did_you_mean(metrics.namespace, known)):
            yield f'no namespace "{metrics.namespace}"{meant}'
    else:
        yield from _unknown("dimension", metrics.dimensions, dict.fromkeys(namespace.dimensions, ""))
        yield from _unknown("metric", metrics.statistics, namespace.units, cutoff=ALIKE)
    for metric, statistics in metrics.statistics.items():
        if len(statistics) > MOST_STATISTICS or len(set(statistics)) < len(statistics):
            yield f"{metric}: at most {MOST_STATISTICS} different statistics, which CloudWatch bills as one metric"
        for statistic in statistics:
            if statistic not in STATISTICS and not _PERCENTILE.match(statistic):
                yield f'{metric}: no statistic "{statistic}"{did_you_mean(statistic, STATISTICS)}'


def _unknown(kind: str, names: Mapping[str, object], known: Mapping[str, str], cutoff: float = 0.0) -> Iterator[str]:
    for name in names:
        if name not in known and (not cutoff or get_close_matches(name, known, n=1, cutoff=cutoff)):
            yield f'no {kind} "{name}"{did_you_mean(name, known)}'


def _condition(word: str, expression: str, record: Node) -> Iterator[str]:
    try:
        found = taken(expression, record)
    except UnknownPathError as error:
        yield f'{word} = "{expression}": {error}{did_you_mean(error.name, error.known)}'
        return
    if word == "each" and found.is_known() and not found.is_list():
        yield f'each = "{expression}" gives no list'


def record_node(item: Node, supplementary: Mapping[str, Node]) -> Node:
    """The record as ``when``, ``unless`` and ``each`` see it: the configuration's members, and ``supplementary``."""
    return Node(None, made={**item.members(), "supplementary": Node(None, made=supplementary)})
