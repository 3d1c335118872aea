"""`sizeup predict`: what one configuration of one model achieves, with its error; no prices, no stack."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from pathlib import Path

from infra.commands.answer import answer
from infra.failures import DONE, REFUSED, WrongInput
from sizing.catalog import Accelerator, Model, ModelKind, Precision, catalog, model_from_config
from sizing.performance import (
    Layout,
    OperatingPoint,
    Overloaded,
    Replica,
    closed_loop,
    legal_precisions,
    memory_budget,
    open_loop,
    replica_on,
)
from sizing.performance.memory import max_sequences
from sizing.render_prediction import prediction_lines
from sizing.spec.form import HIGHEST_P95_PER_MEAN
from sizing.spec.workload import TokenLengths, Traffic

_ABOVE_ZERO = (
    *("tp", "pp", "ep", "in_machine", "concurrency", "requests_per_s"),
    *("input_tokens", "output_tokens", "input_p95", "output_p95"),
)


def run(arguments: argparse.Namespace) -> int:
    """Show the prediction; 1 where the model does not fit or the load cannot be carried."""
    _check(arguments)
    replica, lengths = _replica(arguments), (arguments.input_tokens, arguments.output_tokens)
    budget = memory_budget(replica)
    found = _load(replica, arguments) if budget.fits and max_sequences(budget, sum(lengths)) else None
    lines = prediction_lines(replica, budget, found, input_tokens=lengths[0], output_tokens=lengths[1])
    document = {
        "configuration": _configuration(replica),
        "memory": dataclasses.asdict(budget) | {"fits": budget.fits, "kv_tokens": budget.kv_tokens},
        "prediction": None if found is None else dataclasses.asdict(found),
    }
    answer(as_json=arguments.json, document=lambda: document, text=lambda: "\n".join(lines) + "\n")
    return DONE if isinstance(found, OperatingPoint) else REFUSED


def _check(arguments: argparse.Namespace) -> None:
    """Every option that cannot be, at once."""
    wrong = []
    for option in _ABOVE_ZERO:
        value = getattr(arguments, option)
        if value is not None and not 0 < value < math.inf:
            wrong.append(
                f"--{option.replace('_', '-')} is {value}, but must be above 0 and finite\n"
                "    hint: give a number above 0"
            )
    precisions = [precision.value for precision in Precision]
    for option in ("weights", "kv"):
        value = getattr(arguments, option)
        if value is not None and value not in precisions:
            wrong.append(f"--{option} is {value!r}, which is no precision\n    hint: one of {', '.join(precisions)}")
    if not 0 <= arguments.prefix_hit < 1:
        wrong.append(f"--prefix-hit is {arguments.prefix_hit}, but is a share\n    hint: 0 or more, and less than 1")
    for mean, p95 in (("input_tokens", "input_p95"), ("output_tokens", "output_p95")):
        least, most = getattr(arguments, mean), int(getattr(arguments, mean) * HIGHEST_P95_PER_MEAN)
        value = getattr(arguments, p95)
        if value is not None and not least <= value <= most:
            wrong.append(
                f"--{p95.replace('_', '-')} is {value}, but the mean is {least}\n    hint: {least} to {most} tokens"
            )
    if wrong:
        raise WrongInput("\n  ".join(wrong))


def _replica(arguments: argparse.Namespace) -> Replica:
    layout = Layout(tp=arguments.tp, pp=arguments.pp, ep=arguments.ep)
    model = _model(arguments.model)
    if model.kind is not ModelKind.DECODER:
        raise WrongInput(f"{model.name} is no decoder of known shape\n    hint: only decoders are predicted yet")
    accelerator = catalog().accelerator(arguments.accelerator)
    weights = model.native_precision if arguments.weights is None else Precision(arguments.weights)
    _check_shape(arguments, model, layout)
    _check_weights(model, accelerator, weights)
    if model.heads % arguments.tp or max(model.kv_heads, arguments.tp) % min(model.kv_heads, arguments.tp):
        raise WrongInput(
            f"--tp {arguments.tp} does not divide {model.heads} query and {model.kv_heads} key-value heads\n"
            "    hint: use a power of two"
        )
    return replica_on(
        model,
        accelerator,
        layout=layout,
        weights=weights,
        kv=Precision(arguments.kv),
        engine=arguments.engine,
        accelerators_in_machine=arguments.in_machine or layout.accelerators,
    )


def _check_shape(arguments: argparse.Namespace, model: Model, layout: Layout) -> None:
    """What the model and the machine do not allow, before anything is predicted of it."""
    tokens = arguments.input_tokens + arguments.output_tokens
    if tokens > model.max_context:
        raise WrongInput(
            f"--input-tokens and --output-tokens are {tokens:,} together, "
            f"and {model.name} takes {model.max_context:,}\n"
            "    hint: ask for shorter prompts or answers"
        )
    if arguments.in_machine is not None and arguments.in_machine < layout.accelerators:
        raise WrongInput(
            f"{layout} takes {layout.accelerators} accelerators, and --in-machine is {arguments.in_machine}\n"
            "    hint: a replica stays in one machine: split it over fewer, or give a larger machine"
        )
    if arguments.ep > 1 and model.moe is None:
        raise WrongInput(f"--ep {arguments.ep}: {model.name} has no experts to spread\n    hint: leave --ep out")
    if arguments.ep not in {1, arguments.tp}:
        raise WrongInput(
            f"--ep {arguments.ep} with --tp {arguments.tp}: experts are spread over all tensor ranks or none\n"
            f"    hint: --ep {arguments.tp}, or leave it out"
        )


def _check_weights(model: Model, accelerator: Accelerator, weights: Precision) -> None:
    """Weights that the device does not run, or that this checkpoint cannot be served in."""
    legal = legal_precisions(model, accelerator)
    if weights not in legal:
        hint = f"--weights {' or '.join(legal)}" if legal else "choose another accelerator"
        raise WrongInput(f"{accelerator.name} does not run {model.name} in {weights} weights\n    hint: {hint}")


def _model(name: str) -> Model:
    """A model of the facts, or the one that a file, or the config.json of a folder, describes."""
    path = Path(name) / "config.json" if Path(name, "config.json").is_file() else Path(name)
    if path.suffix != ".json":
        return catalog().model(name)
    try:
        mapping = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise WrongInput(f"{name}: cannot be read ({why})\n    hint: give a Hugging Face config.json") from None
    if not isinstance(mapping, dict):
        raise WrongInput(f"{name}: holds no mapping\n    hint: give a Hugging Face config.json")
    return model_from_config(mapping, name=path.parent.name or path.stem, source=name)


def _load(replica: Replica, arguments: argparse.Namespace) -> OperatingPoint | Overloaded:
    sizes = (arguments.input_tokens, arguments.output_tokens)
    if arguments.requests_per_s is None:
        concurrency = arguments.concurrency or 1
        return closed_loop(
            replica,
            input_tokens=sizes[0],
            output_tokens=sizes[1],
            concurrency=concurrency,
            prefix_hit=arguments.prefix_hit,
        )
    traffic = Traffic(
        requests_per_s=arguments.requests_per_s,
        input_tokens=TokenLengths(mean=sizes[0], p95=arguments.input_p95 or sizes[0]),
        output_tokens=TokenLengths(mean=sizes[1], p95=arguments.output_p95 or sizes[1]),
        prefix_hit=arguments.prefix_hit,
        burstiness=1.0,
    )
    return open_loop(replica, traffic=traffic)


def _configuration(replica: Replica) -> dict[str, object]:
    return {
        "model": replica.model.name,
        "accelerator": replica.accelerator.name,
        "layout": dataclasses.asdict(replica.layout),
        "weights": replica.weights.value,
        "kv": replica.kv.value,
        "engine": f"{replica.engine.name} {replica.engine.version}",
    }
