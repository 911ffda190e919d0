"""JSON Schema: what is accepted is decided fast, what is refused is explained at length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from cellrig.http.errors import Refusal

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_MOST_CHARACTERS = 4000


class Schema:
    """A JSON Schema (draft 2020-12) and what to say of a value that does not fit.

    jsonschema-rs decides. Clients read the words of the jsonschema package, so that one explains;
    where it sees nothing wrong (the two differ in regular expressions) the value is refused in the
    words of the first.

    Args:
        definition: the schema.
        refusal: what stands before the explanation.
        is_uuid: what the format ``uuid`` means.
    """

    def __init__(
        self, definition: Mapping[str, Any], *, refusal: str, is_uuid: Callable[[object], bool]
    ) -> None:
        self.definition = dict(definition)
        self._refusal = refusal
        self._is_uuid = is_uuid

    @cached_property
    def _fast(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(
            self.definition, validate_formats=True, formats={"uuid": self._is_uuid}
        )

    @cached_property
    def _eloquent(self) -> Validator:
        import jsonschema

        checker = jsonschema.FormatChecker(formats=())
        checker.checks("uuid")(self._is_uuid)
        return jsonschema.Draft202012Validator(self.definition, format_checker=checker)

    def check(self, value: Any) -> None:
        """Raise a `Refusal` (400) where `value` does not fit.

        Args:
            value: as decoded from JSON.
        """
        if not self._fast.is_valid(value):
            told = self._explain(value)
            if len(told) > _MOST_CHARACTERS:  # it repeats what came, which may be large
                told = f"{told[:_MOST_CHARACTERS]}..."
            raise Refusal(400, f"{self._refusal}: {told}")

    def _explain(self, value: Any) -> str:
        from jsonschema.exceptions import best_match

        try:
            error = best_match(self._eloquent.iter_errors(value))
            if error is not None:
                return " ".join(str(error).split("\n"))
        except RecursionError:
            return "it is nested too deeply to be explained"
        return next((str(e.message) for e in self._fast.iter_errors(value)), "it does not fit")
