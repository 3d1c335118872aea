"""The precision that a checkpoint is stored in, as its `config.json` or its name tells it."""

from __future__ import annotations

from collections.abc import Mapping

from sizing.catalog.accelerator import Precision
from sizing.catalog.config_fields import Fields

# Words of quant_method and quant_algo that settle the format of the weights by themselves.
_FORMATS = {
    "mxfp4": Precision.MXFP4,
    "nvfp4": Precision.NVFP4,
    "awq": Precision.INT4,
    "w4a16": Precision.INT4,
    "fp8": Precision.FP8,
    "w8a8": Precision.INT8,
}
_BY_END_OF_NAME = (("-fp8", Precision.FP8), ("-nvfp4", Precision.NVFP4), ("-fp4", Precision.NVFP4))
_STORED_AS = {"float32": Precision.FP32, "float": Precision.FP32}


def native_precision(fields: Fields) -> Precision:
    """
    What the weights are stored in: the format of their quantisation, or else their dtype; bf16 where neither stands.

    Raises:
        InvalidModel: If there is a quantisation that is not known; taking it for bf16 would ask for too much memory.
    """
    stated = fields.config.get("quantization_config")
    if isinstance(stated, Mapping):
        return _quantised(stated, fields)
    dtype = str(fields.config.get("torch_dtype") or fields.config.get("dtype") or "bfloat16")
    return _STORED_AS.get(dtype.removeprefix("torch."), Precision.BF16)


def _quantised(stated: Mapping[str, object], fields: Fields) -> Precision:
    method = " ".join(str(stated.get(key) or "") for key in ("quant_algo", "quant_method", "format")).lower()
    for word, precision in _FORMATS.items():
        if word in method:
            return precision
    bits, kind = _weights(stated)
    if bits == 8:  # compressed-tensors writes floats and integers alike
        return Precision.FP8 if kind == "float" else Precision.INT8
    if bits == 4:
        return Precision.NVFP4 if kind == "float" else Precision.INT4
    raise fields.wrong(
        f"quantization_config of method {method.strip()!r} is not known",
        "state quant_method fp8, awq, gptq, mxfp4, modelopt with quant_algo, or compressed-tensors with config_groups",
    )


def _weights(stated: Mapping[str, object]) -> tuple[int | None, str]:
    """Bits of a weight and whether it is an int or a float."""
    bits = stated.get("bits")
    if isinstance(bits, int):
        return bits, "int"
    if stated.get("load_in_4bit") is True:
        return 4, "int"
    if stated.get("load_in_8bit") is True:
        return 8, "int"
    groups = stated.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping) and isinstance(weights.get("num_bits"), int):
            return int(weights["num_bits"]), str(weights.get("type", "int"))
    return None, "int"


def named_precision(hub_id: str) -> Precision | None:
    """The precision that the end of a repository's name tells (Qwen/Qwen3-32B-FP8); None where it tells none."""
    return next((held for end, held in _BY_END_OF_NAME if hub_id.lower().endswith(end)), None)
