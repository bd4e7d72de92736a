"""The school of surehand-pocket: screens made up to learn from, the model, its trainer, its examinations.

Nothing here needs a browser, a network, or another part of surehand: torch, transformers, safetensors, numpy and Pillow
do, on Python 3.11 and 3.12, so that the folder can be taken to a machine with an accelerator as it is.
"""
