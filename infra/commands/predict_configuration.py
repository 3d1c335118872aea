"""What `sizeup predict` is asked about, as values: the model, pruned or not, its replica, the load."""

from __future__ import annotations

import argparse
import json
from difflib import get_close_matches
from pathlib import Path

from infra.failures import WrongInput
from infra.model_files import model_config
from sizing.catalog import Accelerator, Model, ModelKind, Precision, catalog, model_from_config
from sizing.catalog.machine import Machine
from sizing.catalog.variant import Kept, resized
from sizing.performance import Layout, Replica, Speculation, legal_precisions, network_of, replica_on
from sizing.spec.workload import Objectives, TokenLengths, Traffic


def replica_asked(options: argparse.Namespace) -> Replica:
    """
    The replica that the options describe.

    Raises:
        WrongInput: Where no server would start like that.
    """
    layout = Layout(tp=options.tp, pp=options.pp, ep=options.ep, dp=options.dp, cp=options.cp, dcp=options.dcp)
    model = model_asked(options)
    machine = None if options.machine is None else _machine(options.machine)
    accelerator = catalog().accelerator(options.accelerator if machine is None else str(machine.accelerator))
    in_machine = options.in_machine if machine is None else machine.accelerators
    weights = model.native_precision if options.weights is None else Precision(options.weights)
    _check_lengths(options, model)
    check_layout(layout, model, in_machine, spans=machine is not None and machine.network_bytes_per_s is not None)
    _check_weights(model, accelerator, weights)
    return replica_on(
        model,
        accelerator,
        layout=layout,
        weights=weights,
        kv=Precision(options.kv),
        engine=options.engine,
        accelerators_in_machine=in_machine or layout.accelerators,
        speculation=_speculation(options, model),
        **({} if machine is None else network_of(machine)),  # type: ignore[arg-type]
    )


def _speculation(options: argparse.Namespace, model: Model) -> Speculation | None:
    if options.draft_tokens is None:
        return None
    draft = None if options.draft_model is None else _model(options.draft_model)
    if draft is not None and draft.vocab != model.vocab:
        raise WrongInput(
            f"--draft-model {draft.name} has a vocabulary of {draft.vocab:,}, and {model.name} one of {model.vocab:,}\n"
            "    hint: a draft speaks the model's own tokens: use a smaller model of its family"
        )
    return Speculation(draft_tokens=options.draft_tokens, acceptance=options.acceptance, draft=draft)


def model_asked(options: argparse.Namespace) -> Model:
    """The model of the facts or of a file, with as much of it as is kept."""
    model = _model(options.model)
    if model.kind is not ModelKind.DECODER:
        raise WrongInput(f"{model.name} is no decoder of known shape\n    hint: only decoders are predicted yet")
    return resized(model, _kept(options)) if is_derived(options) else model


def is_derived(options: argparse.Namespace) -> bool:
    """Whether only a part of the model is kept."""
    return _kept(options) != Kept()


def _kept(options: argparse.Namespace) -> Kept:
    return Kept(
        layers=options.keep_layers,
        hidden=options.keep_hidden,
        intermediate=options.keep_width,
        heads=options.keep_heads,
        experts=options.keep_experts,
        parameters=None if options.parameters is None else round(options.parameters),
    )


def traffic_asked(options: argparse.Namespace) -> Traffic:
    """Random arrivals of random lengths."""
    sizes = (options.input_tokens, options.output_tokens)
    return Traffic(
        requests_per_s=options.requests_per_s or 0.0,
        input_tokens=TokenLengths(mean=sizes[0], p95=options.input_p95 or sizes[0]),
        output_tokens=TokenLengths(mean=sizes[1], p95=options.output_p95 or sizes[1]),
        prefix_hit=options.prefix_hit,
        burstiness=options.burstiness,
    )


def objectives_asked(options: argparse.Namespace) -> Objectives | None:
    """The limits; None where none is given."""
    limits = (options.ttft_p95_s, options.tpot_p95_s, options.e2e_p95_s)
    if limits == (None, None, None):
        return None
    return Objectives(ttft_p95_s=limits[0], tpot_p95_s=limits[1], e2e_p95_s=limits[2])


def _check_lengths(options: argparse.Namespace, model: Model) -> None:
    tokens = options.input_tokens + options.output_tokens
    if tokens > model.max_context:
        raise WrongInput(
            f"--input-tokens and --output-tokens are {tokens:,} together, "
            f"and {model.name} takes {model.max_context:,}\n"
            "    hint: ask for shorter prompts or answers"
        )


def check_layout(layout: Layout, model: Model, in_machine: int | None, *, spans: bool) -> None:
    """
    Nothing, where the model and the machine allow the layout; *spans*: a replica may be of several machines.

    Raises:
        WrongInput: With the mend, where they do not.
    """
    if in_machine is not None and in_machine < layout.accelerators and not spans:
        raise WrongInput(
            f"{layout} takes {layout.accelerators} accelerators, and --in-machine is {in_machine}\n"
            "    hint: split it over fewer, or give a larger machine, or a --machine with a network"
        )
    if in_machine is not None and layout.accelerators > in_machine and layout.accelerators % in_machine:
        raise WrongInput(
            f"{layout} takes {layout.accelerators} accelerators, no multiple of the {in_machine} of a machine\n"
            "    hint: use whole machines"
        )
    ranks = layout.stage
    if layout.ep > 1 and model.moe is None:
        raise WrongInput(f"--ep {layout.ep}: {model.name} has no experts to spread\n    hint: leave --ep out")
    if layout.ep not in {1, ranks}:
        raise WrongInput(
            f"--ep {layout.ep} with {layout}: experts are spread over all {ranks} ranks of a stage or none\n"
            f"    hint: --ep {ranks}, or leave it out"
        )
    if layout.dp > 1 and model.moe is None:
        raise WrongInput(
            f"--dp {layout.dp}: ranks that split attention by requests share experts, and {model.name} has none\n"
            "    hint: leave --dp out: run that many replicas instead"
        )
    _check_ranks(layout, model)


def _check_ranks(layout: Layout, model: Model) -> None:
    """Tensor ranks take whole heads, and share the caches that they would copy."""
    copies = layout.tp if model.mla is not None else max(1, layout.tp // model.kv_heads)
    if copies % layout.dcp:
        raise WrongInput(
            f"--dcp {layout.dcp}: {copies} of {layout.tp} tensor ranks hold the same keys and values\n"
            f"    hint: a divisor of {copies}, or leave it out"
        )
    if model.heads % layout.tp or max(model.kv_heads, layout.tp) % min(model.kv_heads, layout.tp):
        raise WrongInput(
            f"--tp {layout.tp} does not divide {model.heads} query and {model.kv_heads} key-value heads\n"
            "    hint: use a power of two"
        )


def _machine(name: str) -> Machine:
    """The machine of that name of either cloud, if it has accelerators."""
    known = catalog().machines
    found = next((machine for machine in known if machine.name == name and machine.accelerator is not None), None)
    if found is None:
        names = [machine.name for machine in known if machine.accelerator is not None]
        near = ", ".join(get_close_matches(name, names, n=3)) or "see `sizeup facts list machines`"
        raise WrongInput(f"no machine named {name!r} has accelerators\n    hint: {near}")
    return found


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
        mapping = json.loads(model_config(path))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise WrongInput(f"{name}: cannot be read ({why})\n    hint: give a Hugging Face config.json") from None
    if not isinstance(mapping, dict):
        raise WrongInput(f"{name}: holds no mapping\n    hint: give a Hugging Face config.json")
    return model_from_config(mapping, name=path.parent.name or path.stem, source=name)
