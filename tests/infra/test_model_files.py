"""Model configurations on disk: what stands beside them counts, and what cannot be read is left to the reader."""

from __future__ import annotations

import json
from pathlib import Path

from infra.model_files import model_config

CONFIG = {"model_type": "llama", "hidden_size": 4096}


def test_a_configuration_alone_is_its_bytes(tmp_path: Path):
    file = tmp_path / "config.json"
    file.write_bytes(b"{ }")
    assert model_config(file) == b"{ }"


def test_the_quantisation_beside_it_joins_it(tmp_path: Path):
    """As NVIDIA's Model Optimizer writes it for TensorRT-LLM."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "hf_quant_config.json").write_text(json.dumps({"quantization": {"quant_algo": "FP8"}}))
    joined = json.loads(model_config(tmp_path / "config.json"))
    assert joined == {**CONFIG, "quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8"}}


def test_what_is_no_json_is_left_as_it_is(tmp_path: Path):
    """The reader of the specification tells what is wrong with it, and where."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "hf_quant_config.json").write_text("{")
    assert json.loads(model_config(tmp_path / "config.json")) == CONFIG
    (tmp_path / "hf_quant_config.json").write_text("[]")
    assert json.loads(model_config(tmp_path / "config.json")) == CONFIG
