"""Model configurations as they lie on disk: config.json, and the quantisation that some publishers put beside it."""

from __future__ import annotations

import json
from pathlib import Path

from sizing.catalog import with_quantization

BESIDE = "hf_quant_config.json"


def model_config(file: Path) -> bytes:
    """
    The content of a Hugging Face `config.json`, with the quantisation of the hf_quant_config.json beside it.

    What is no JSON object is left as it is: whoever reads it tells what is wrong.

    Raises:
        OSError: If *file* cannot be read.
    """
    content, beside = file.read_bytes(), file.with_name(BESIDE)
    if not beside.is_file():
        return content
    try:
        config, quantization = json.loads(content), json.loads(beside.read_bytes())
    except ValueError:
        return content
    if not isinstance(config, dict) or not isinstance(quantization, dict):
        return content
    return json.dumps(with_quantization(config, quantization)).encode()
