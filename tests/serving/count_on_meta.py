"""Run by .venv-serve: reads configurations as JSON lines, says how many weights transformers makes of each."""

import json
import sys

import torch
from transformers import (
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
)

for line in sys.stdin:
    config = json.loads(line)
    moe = config.pop("model_type") == "qwen3_vl_moe"
    with torch.device("meta"):
        if moe:
            model = Qwen3VLMoeForConditionalGeneration(Qwen3VLMoeConfig(**config))
        else:
            model = Qwen3VLForConditionalGeneration(Qwen3VLConfig(**config))
    model.tie_weights()
    print(sum(weight.numel() for weight in model.parameters()))
