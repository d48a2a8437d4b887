"""Functions that the page calls (gr.HTML's server_functions): each is given one list, and answers in a sentence where it
cannot do what is asked."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from app.history import explain
from pipelines.core.settings import format_error

log = logging.getLogger("darkroom")


def answer_in_sentences(functions: tuple[Callable[..., Any], ...], kept: str = "history") -> list[Callable]:
    """The same functions, taking what the page gives as one list; `kept` is what their database holds. What goes wrong
    is {"error": sentence}."""

    def answered(function: Callable[..., Any]) -> Callable[[list[Any]], Any]:
        def answer(values: list[Any]) -> Any:
            try:
                return function(*values)
            except ValidationError as error:
                return {"error": format_error(error)}
            except (sqlite3.Error, OSError) as error:
                log.exception("the %s could not be asked", kept)
                return {"error": explain(error).replace("history", kept)}
            except (TypeError, ValueError):
                log.info("%s was asked for nonsense", function.__name__, exc_info=True)
                return {"error": "The page asked for something that is none: reload it."}

        answer.__name__ = function.__name__
        return answer

    return [answered(function) for function in functions]
