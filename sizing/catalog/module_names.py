"""Names of modules as quantisation configs list them: exact, by their parents, with wildcards, or as expressions.

Checkpoints put the same layer under different roots (model, language_model.model, backbone), so names are compared
from "layers" on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

_ROOTS = ("model.", "language_model.model.", "model.language_model.", "")
_LAYERS = re.compile(r"^.*?(?=layers\.(?:\d|\*))")
_LAYER = re.compile(r"^layers\.\d+(?=\.)")
_ROOT = re.compile(r"^(?:language_model\.|model\.)+")


@dataclass(frozen=True, slots=True)
class ModuleNames:
    """A list of modules; *in* it is whatever it names, and everything below."""

    exact: frozenset[str]
    by_layer: Mapping[str, tuple[str, ...]]  # wildcards of one layer (layers.3), found without trying all
    wildcards: tuple[str, ...]  # of any layer
    expressions: tuple[re.Pattern[str], ...]

    def name(self, module: str) -> bool:
        """Whether the list names *module* (layers.3.mlp.gate_proj, lm_head) or one of its parents."""
        parts = module.split(".")
        parents = {".".join(parts[: n + 1]) for n in range(len(parts))} | set(parts)
        return (
            not self.exact.isdisjoint(parents)
            or any(
                fnmatchcase(module, pattern) or fnmatchcase(module, f"{pattern}.*")
                for pattern in (*self.by_layer.get(".".join(parts[:2]), ()), *self.wildcards)
            )
            or any(expression.match(f"{root}{module}") for expression in self.expressions for root in _ROOTS)
        )


def module_names(listed: Iterable[object]) -> ModuleNames:
    """
    The modules that *listed* names: `re:` starts an expression, a star is a wildcard, all else is a module or a part.

    An expression that cannot be compiled names nothing.
    """
    exact: set[str] = set()
    by_layer: dict[str, tuple[str, ...]] = {}
    wildcards: list[str] = []
    expressions: list[re.Pattern[str]] = []
    for item in listed:
        text = str(item)
        if text.startswith("re:"):
            try:
                expressions.append(re.compile(text.removeprefix("re:")))
            except re.error:
                continue
        elif "*" in text:
            pattern = _from_layers(text)
            layer = _LAYER.match(pattern)
            if layer is None:
                wildcards.append(pattern)
            else:
                by_layer[layer[0]] = (*by_layer.get(layer[0], ()), pattern)
        else:
            exact.add(_from_layers(text))
    return ModuleNames(frozenset(exact), by_layer, tuple(dict.fromkeys(wildcards)), tuple(expressions))


def _from_layers(name: str) -> str:
    return _ROOT.sub("", _LAYERS.sub("", name))
