#!/usr/bin/env python3
"""Checks configs/vitrine.schema.json with another implementation of JSON Schema 2020-12 (python3-jsonschema, python3-yaml).

  scripts/check_schema.py [TESTS]        TESTS: the program build/release/test_config

Every shipped configuration has to conform. TESTS writes generated ones, each with what Vitrine's parser says of it, and the schema has
to say the same. Without the packages nothing is checked, and a line says so.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import yaml
    from jsonschema import Draft202012Validator
except ImportError as missing:
    print(f"schema not checked with another implementation: {missing} (apt install python3-jsonschema python3-yaml)")
    sys.exit(0)


class CoreLoader(yaml.SafeLoader):
    """The core schema of YAML 1.2; PyYAML's own is that of 1.1, where `off` is false and 1e-3 a text."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in [
    ("null", r"^(~|null|)$", ["~", "n", ""]),
    ("bool", r"^(true|false)$", list("tf")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+.0123456789")),
]:
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)

root = pathlib.Path(__file__).resolve().parent.parent
schema = json.loads((root / "configs/vitrine.schema.json").read_text())
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)

wrong = 0
shipped = sorted((root / "configs").rglob("*.yaml"))
for path in shipped:
    for error in validator.iter_errors(yaml.load(path.read_text(), CoreLoader)):
        print(f"{path.relative_to(root)}: {error.json_path}: {error.message}")
        wrong += 1

generated = 0
if len(sys.argv) > 1:
    with tempfile.TemporaryDirectory() as folder:
        case = "schema and parser agree on generated configurations"
        subprocess.run([sys.argv[1], case], check=True, env={**os.environ, "VITRINE_GENERATED_CONFIGS": folder}, stdout=subprocess.DEVNULL)
        for path in sorted(pathlib.Path(folder).glob("*.yaml")):
            text = path.read_text()
            generated += 1
            if text.startswith("# accepted") != validator.is_valid(yaml.load(text, CoreLoader)):
                print(f"schema and parser disagree on\n{text}")
                wrong += 1
    wrong += generated == 0
print(f"schema: {len(shipped)} shipped and {generated} generated configurations checked, {wrong} wrong")
sys.exit(wrong > 0)
