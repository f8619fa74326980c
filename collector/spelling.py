"""What was probably meant by a word that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` — did you mean "list"?`` or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' — did you mean "{close[0]}"?' if close else ""
