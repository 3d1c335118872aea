"""Inference servers of a graph as rules read them: the engine, its options, its model, its memory. Knows no rule."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from components.graph import Value
from components.rules.pods import Container
from components.rules.pools import quantity
from components.rules.reading import inside, items
from components.surroundings import is_unknown, text, whole
from sizing.catalog import catalog
from sizing.catalog.model import Model
from sizing.errors import UnknownFact

# Least bytes of a weight by what the engine is told; unknown ways of quantising count as four bits.
_BYTES_OF_FLAG: Mapping[str, float] = {"fp8": 1.0, "bitsandbytes": 0.5, "awq": 0.5, "gptq": 0.5, "mxfp4": 0.5}
_BYTES_OF_PRECISION: Mapping[str, float] = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0}
_LEAST_BYTES = 0.5
_REFERENCE = re.compile(r"^\$\((?P<variable>\w+)\)$")
_PERIOD_S, _FAILURES = 10, 3  # what Kubernetes takes where a probe states none


def engine_of(container: Container) -> str | None:
    """Vllm or sglang, as the command says; None for another program."""
    words = " ".join(container.words)
    if "sglang" in words:
        return "sglang"
    return "vllm" if "vllm" in words or "vllm" in (text(inside(container.value, "image")) or "") else None


def model_of(container: Container) -> str | None:
    """What the engine loads: a path, an address in an object store, or an id on the Hub; None where not known."""
    words = container.words
    given = container.option("--model") or container.option("--model-path")
    if given is None and "serve" in words and words.index("serve") + 1 < len(words):
        given = words[words.index("serve") + 1]
    found = _REFERENCE.match(given) if given else None
    if found is None:
        return given if given and not given.startswith("-") else None
    return text(inside(container.variable(found["variable"]), "value"))


def is_on_the_hub(model: str) -> bool:
    """Whether a model's name is one on the Hugging Face Hub, not a path or the address of a bucket."""
    return model.count("/") == 1 and "://" not in model and model[0] not in "/.$"


def known_model(container: Container) -> Model | None:
    """What the catalog knows of the model that is served."""
    for name in (container.option("--served-model-name"), model_of(container)):
        try:
            if name:
                return catalog().model(name)
        except UnknownFact:
            continue
    return None


def least_weight_bytes(container: Container) -> float | None:
    """What the weights take at least; None where the model is not known."""
    model = known_model(container)
    if model is None:
        return None
    flag = container.option("--quantization")
    if flag is not None:
        return model.parameters * _BYTES_OF_FLAG.get(flag, _LEAST_BYTES)
    return model.parameters * _BYTES_OF_PRECISION.get(model.native_precision.value, _LEAST_BYTES)


def ranks(container: Container) -> int:
    """Processes that load weights, one for each accelerator of a replica."""
    count = 1
    for option in ("--tensor-parallel-size", "--tp-size", "--pipeline-parallel-size", "--pp-size"):
        value = container.option(option)
        count *= int(value) if value is not None and value.isdigit() else 1
    return count


def streaming_buffer_bytes(container: Container) -> int | None:
    """The memory that each rank streams weights through; None where the command states no limit."""
    written = container.option("--model-loader-extra-config")
    try:
        return whole(inside(json.loads(written), "memory_limit")) if written else None
    except ValueError:
        return None


def shared_memory_bytes(container: Container) -> float | None:
    """What volumes in memory may take; None where one has no limit, or it is not known."""
    limits = [_limit(volume) for volume in items(container.pod.spec.get("volumes")) if in_memory(volume)]
    known = [one for one in limits if one is not None]
    return sum(known) if len(known) == len(limits) else None


def in_memory(volume: Value) -> bool:
    """Whether a volume is memory of the node."""
    return inside(volume, "emptyDir", "medium") == "Memory"


def _limit(volume: Value) -> float | None:
    return quantity(inside(volume, "emptyDir", "sizeLimit"))


def budget_s(probe: Value) -> float | None:
    """Seconds until a probe gives up; None where that is not known."""
    parts = [inside(probe, key) for key in ("periodSeconds", "failureThreshold", "initialDelaySeconds")]
    if any(map(is_unknown, parts)):
        return None
    period, failures, delay = (
        default if value is None else whole(value)
        for value, default in zip(parts, (_PERIOD_S, _FAILURES, 0), strict=True)
    )
    return None if period is None or failures is None or delay is None else delay + period * failures
