#!/usr/bin/env python3
"""Reads the event files of a run with TensorBoard's own EventAccumulator and compares them with metrics.jsonl.

  scripts/check_tensorboard.py RUN       RUN was trained with log.tensorboard: true

Needs the package tensorboard; without it nothing is checked, and a line says so.
"""
import json
import pathlib
import struct
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as missing:
    print(f"event files not checked: {missing}")
    sys.exit(0)


def as_float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


run = pathlib.Path(sys.argv[1])
events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0})
events.Reload()
tags = events.Tags()

compared = 0
for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
    for name, value in line.items():
        if name in ("step", "split"):
            continue
        tag = f"{line['split']}/{name}"
        found = [e.value for e in events.Scalars(tag) if e.step == line["step"]]
        assert found == [as_float32(value)], f"step {line['step']}: {tag} is {found}, and metrics.jsonl has {value}"
        compared += 1
for tag in tags["scalars"]:
    steps = [e.step for e in events.Scalars(tag)]
    assert steps == sorted(set(steps)), f"{tag}: steps {steps}"

histograms = tags["histograms"]
for kind in ("parameters/", "gradients/"):
    assert any(tag.startswith(kind) for tag in histograms), f"no {kind}"
for tag in histograms:
    for event in events.Histograms(tag):
        h = event.histogram_value
        assert sum(h.bucket) == h.num > 0 and list(h.bucket_limit) == sorted(h.bucket_limit), tag

assert "config" in tags["tensors"]
text = events.Tensors("config")[-1].tensor_proto.string_val[0].decode()
assert "objective:" in text and events.SummaryMetadata("config").plugin_data.plugin_name == "text"
print(f"event files: {compared} numbers as in metrics.jsonl, {len(histograms)} histograms, the configuration")
