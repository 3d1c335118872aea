"""The formats that a checkpoint is stored in, part by part, as its `config.json` or its name tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sizing.catalog.accelerator import Precision
from sizing.catalog.config_fields import Fields
from sizing.catalog.formats import StoredPart, WeightFormats, grouped, mixed, whole
from sizing.catalog.module_names import ModuleNames, module_names
from sizing.catalog.parts import Module, modules_of
from sizing.catalog.shape import Shape

# Words of quant_method, quant_algo and format that settle the format of the weights by themselves, first match first.
_FORMATS = (
    ("mxfp4", Precision.MXFP4),
    ("mxfp8", Precision.FP8),
    ("fp4", Precision.NVFP4),
    ("awq", Precision.INT4),
    ("w4a16", Precision.INT4),
    ("fp8", Precision.FP8),
    ("w8a8", Precision.INT8),
)
_BY_END_OF_NAME = (("-fp8", Precision.FP8), ("-nvfp4", Precision.NVFP4), ("-fp4", Precision.NVFP4))
_STORED_AS = {"float32": Precision.FP32, "float": Precision.FP32}

# Where a quantisation lists the modules that it leaves alone. Of a checkpoint whose method is fp8 only the first two
# count: what stands under the others is about experts that were quantised further (DeepSeek-V4-Pro-NVFP4).
_KEPT = ("modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules", "exclude", "llm_int8_skip_modules")
_EXPERT_DTYPES = {"fp4": Precision.MXFP4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """Which modules a quantisation stores how; the first rule that names one holds."""

    named: tuple[tuple[ModuleNames, StoredPart], ...]
    kept: ModuleNames  # in the checkpoint's own dtype
    elsewhere: StoredPart | None  # what all other matrices are stored in; None: as they were
    head: bool  # whether the output table counts among them


def weight_formats(fields: Fields, shape: Shape) -> WeightFormats:
    """
    What attention, feed-forward, routed experts and tables are stored in.

    A part of which a quantisation leaves some modules or layers alone takes the mean of the bytes. Norms and routers
    are not told apart here; embedding tables are never quantised.

    Raises:
        InvalidModel: If there is a quantisation that is not known; taking it for bf16 would ask for too much memory.
    """
    own = whole(_dtype(fields))
    stated = fields.config.get("quantization_config")
    rules = _quantization(stated, fields) if isinstance(stated, Mapping) else None
    parts: dict[str, list[tuple[float, StoredPart]]] = {"attention": [], "dense": [], "routed": []}
    for module in modules_of(fields, shape):
        parts[module.part].append((module.elements, own if rules is None else _stored(module, rules, own)))
    dense = mixed(parts["dense"] or parts["attention"] or parts["routed"])
    head = Module(part="dense", names=("lm_head", "head"), elements=1)
    return WeightFormats(
        attention=mixed(parts["attention"]) if parts["attention"] else dense,
        dense=dense,
        routed=mixed(parts["routed"]) if parts["routed"] else dense,
        embedding=own,
        head=_stored(head, rules, own) if rules is not None and rules.head else own,
    )


def with_quantization(config: Mapping[str, object], beside: Mapping[str, object]) -> dict[str, object]:
    """*config* with what the hf_quant_config.json *beside* it tells, where the file itself says nothing."""
    stated = beside.get("quantization")
    known = any(isinstance(part, Mapping) and part.get("quantization_config") for part in (config, *config.values()))
    if known or not isinstance(stated, Mapping) or not stated.get("quant_algo"):
        return dict(config)
    return {**config, "quantization_config": {"quant_method": "modelopt", **stated}}


def named_precision(hub_id: str) -> Precision | None:
    """The precision that the end of a repository's name tells (Qwen/Qwen3-32B-FP8); None where it tells none."""
    return next((held for end, held in _BY_END_OF_NAME if hub_id.lower().endswith(end)), None)


def _dtype(fields: Fields) -> Precision:
    dtype = str(fields.config.get("torch_dtype") or fields.config.get("dtype") or "bfloat16")
    return _STORED_AS.get(dtype.removeprefix("torch."), Precision.BF16)


def _stored(module: Module, rules: Quantization, own: StoredPart) -> StoredPart:
    for names, stored in rules.named:
        if any(names.name(name) for name in module.names):
            return stored
    if rules.elsewhere is None or any(rules.kept.name(name) for name in module.names):
        return own
    return rules.elsewhere


def _quantization(stated: Mapping[str, object], fields: Fields) -> Quantization:
    method = str(stated.get("quant_method") or "").lower()
    kept = [item for key in (_KEPT[:2] if method == "fp8" else _KEPT) for item in _list(stated.get(key))]
    named = list(_by_layer(stated)) + list(_by_group(stated, fields))
    expert_dtype = _EXPERT_DTYPES.get(str(fields.config.get("expert_dtype")))
    if expert_dtype is not None:
        named.append((module_names(["experts"]), whole(expert_dtype)))
    told = _told(stated)
    if told is None and not named:
        raise fields.wrong(
            f"quantization_config of method {(method or str(stated.get('quant_algo')))!r} is not known",
            "state quant_method fp8, awq, gptq, mxfp4, modelopt with quant_algo, or compressed-tensors with "
            "config_groups",
        )
    return Quantization(
        named=tuple(named),
        kept=module_names([*kept, *_dynamic_exclusions(stated)]),
        elsewhere=told,
        head=stated.get("lm_head") is True or "config_groups" in stated or "exclude_modules" in stated,
    )


def _told(stated: Mapping[str, object]) -> StoredPart | None:
    """What matrices that nothing names are stored in; None where only named ones are quantised."""
    method = " ".join(str(stated.get(key) or "") for key in ("quant_algo", "quant_method", "format")).lower()
    linear = _linear_group(stated)
    if linear is not None:
        return _weights(linear, method)
    found = next((precision for word, precision in _FORMATS if word in method), None)
    weights: Mapping[str, object] = stated
    quark = stated.get("global_quant_config")
    if isinstance(quark, Mapping) and isinstance(quark.get("weight"), Mapping):
        return _quark(quark["weight"])
    if method.strip() == "torchao":
        return _torchao(stated)
    if found in {None, Precision.INT4}:
        return _weights(weights, method, found)
    return _whole_fp8(stated) if found is Precision.FP8 else whole(found or Precision.BF16)


def _whole_fp8(stated: Mapping[str, object]) -> StoredPart:
    """One scale for each block of weights, or for a channel or tensor: nothing to speak of."""
    block = _list(stated.get("weight_block_size"))
    sides = [side for side in block if isinstance(side, int) and side > 0]
    scale = 4 / (sides[0] * sides[1]) if len(sides) == 2 else 0.0
    return StoredPart(precision=Precision.FP8, bytes_per_element=1 + scale)


def _weights(weights: Mapping[str, object], method: str = "", found: Precision | None = None) -> StoredPart | None:
    """A format from bits, kind, group and symmetry, whatever the method calls them."""
    bits, kind = _bits(weights), str(weights.get("type", "int"))
    if found is Precision.INT4 and bits is None:
        bits = 4
    group = weights.get("group_size", weights.get("q_group_size"))
    size = group if isinstance(group, int) else 0
    if bits == 8 and kind == "float":
        return StoredPart(precision=Precision.FP8, bytes_per_element=1 + (1 / size if 0 < size <= 32 else 0.0))
    if bits == 4 and kind == "float":
        return whole(Precision.MXFP4 if "mxfp4" in method or size == 32 else Precision.NVFP4)
    if bits in {4, 8}:
        symmetric = weights.get("symmetric", weights.get("sym", weights.get("zero_point") is False)) is True
        precision = Precision.INT4 if bits == 4 else Precision.INT8
        return grouped(precision, group=128 if group is None and bits == 4 else size, symmetric=symmetric)
    return None


def _bits(weights: Mapping[str, object]) -> int | None:
    if weights.get("load_in_4bit") is True:
        return 4
    if weights.get("load_in_8bit") is True:
        return 8
    bits = weights.get("num_bits", weights.get("bits", weights.get("w_bit")))
    return bits if isinstance(bits, int) and not isinstance(bits, bool) else None


def _quark(weight: Mapping[str, object]) -> StoredPart | None:
    """AMD Quark names a dtype instead of bits: fp8_e4m3, fp4 in groups of 32, int4, int8."""
    dtype = str(weight.get("dtype") or "")
    bits = next((bits for bits in (4, 8) if dtype.startswith((f"fp{bits}", f"int{bits}", f"uint{bits}"))), None)
    kind = "float" if dtype.startswith("fp") else "int"
    return _weights({"num_bits": bits, "type": kind, "group_size": weight.get("group_size"), "symmetric": True})


def _torchao(stated: Mapping[str, object]) -> StoredPart | None:
    """PyTorch AO names a class: Int4WeightOnlyConfig with its group, Int8..., Float8..."""
    kind: object = stated.get("quant_type")
    if isinstance(kind, Mapping):
        kind = kind.get("default")
    name, data = str(kind).lower(), kind.get("_data") if isinstance(kind, Mapping) else None
    size = data.get("group_size") if isinstance(data, Mapping) else None
    if "float8" in name:
        return StoredPart(precision=Precision.FP8, bytes_per_element=1.0)
    bits = next((bits for bits in (4, 8) if f"int{bits}" in name), None)
    return _weights({"num_bits": bits, "group_size": size if isinstance(size, int) else 0 if bits == 8 else 128})


def _groups(stated: Mapping[str, object]) -> Iterator[tuple[list[object], Mapping[str, object], str]]:
    """Targets, weights and format of each group of compressed-tensors; without targets it is of every matrix."""
    groups = stated.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping):
            own = f"{group.get('format') or ''} {stated.get('format') or ''} {stated.get('quant_algo') or ''}".lower()
            yield _list(group.get("targets")) or ["Linear"], weights, own


def _linear_group(stated: Mapping[str, object]) -> Mapping[str, object] | None:
    if stated.get("quantized_layers"):
        return None
    for targets, weights, method in _groups(stated):
        if "Linear" in targets:
            size = 32 if "mxfp4" in method else weights.get("group_size")
            return {**weights, "group_size": size}
    return None


def _by_group(stated: Mapping[str, object], fields: Fields) -> Iterator[tuple[ModuleNames, StoredPart]]:
    for targets, weights, method in _groups(stated):
        names = [target for target in targets if target != "Linear"]
        stored = _weights(weights, method)
        if names and stored is None:
            raise fields.wrong(f"quantization_config stores {names[0]!r} in an unknown format", "state num_bits 4 or 8")
        if names and stored is not None and not stated.get("quantized_layers"):
            yield module_names(names), stored


def _by_layer(stated: Mapping[str, object]) -> Iterator[tuple[ModuleNames, StoredPart]]:
    """Model Optimizer's mixed precision: a format for each module that is quantised."""
    layers = stated.get("quantized_layers")
    by_format: dict[Precision, list[str]] = {}
    for name, held in layers.items() if isinstance(layers, Mapping) else ():
        algorithm = str(held.get("quant_algo") if isinstance(held, Mapping) else "").lower()
        precision = next((precision for word, precision in _FORMATS if word in algorithm), None)
        if precision is not None:
            by_format.setdefault(precision, []).append(str(name))
    for precision, names in by_format.items():
        yield module_names(names), whole(precision)


def _dynamic_exclusions(stated: Mapping[str, object]) -> Iterator[str]:
    """GPTQModel's `dynamic`: expressions that start with -: leave what they match alone."""
    dynamic = stated.get("dynamic")
    for name in dynamic if isinstance(dynamic, Mapping) else ():
        if str(name).startswith("-:"):
            yield f"re:{str(name).removeprefix('-:')}"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
