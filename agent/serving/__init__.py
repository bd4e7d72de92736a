"""Starting vLLM for a model of the Qwen3-VL family, and a stand-in for machines without one."""
