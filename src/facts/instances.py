"""Writes instances.json: which instance types SageMaker takes for what, and in which regions.

    pip install botocore cfn-lint && python src/facts/instances.py

What the API takes is in botocore's model of the service; where it is sold, in the tables that
cfn-lint makes of AWS's prices (MIT-0). A type that is in no price table is taken to be sold
everywhere: nothing is known of it.
"""

import collections
import datetime
import gzip
import json
import pathlib
import re
import sys

import botocore
import cfnlint
import cfnlint.version

# The use, the enumeration of the API, and the table of cfn-lint's, where there is one.
USES = [
    ("hosting", "ProductionVariantInstanceType", "aws_sagemaker_hosting"),
    ("processing", "ProcessingInstanceType", "aws_sagemaker_processing"),
    ("training", "TrainingInstanceType", None),
]


def shapes():
    """The shapes of botocore's newest model of SageMaker."""
    folder = pathlib.Path(botocore.__file__).parent / "data" / "sagemaker"
    newest = max(one for one in folder.iterdir() if one.is_dir())
    packed = newest / "service-2.json.gz"
    if packed.exists():
        return json.loads(gzip.decompress(packed.read_bytes()))["shapes"]
    return json.loads((newest / "service-2.json").read_text())["shapes"]


def sold(table):
    """The regions of each type in one of cfn-lint's tables, and all regions of the table."""
    folder = pathlib.Path(cfnlint.__file__).parent / "data" / "schemas" / "extensions"
    regions = json.loads((folder / table / "instancetype_enum.json").read_text())
    types = collections.defaultdict(set)
    regions = {region: held["enum"] for region, held in regions.items() if isinstance(held, dict)}
    for region, held in regions.items():
        for one in held:
            types[one].add(region)
    return types, set(regions)


def short(types):
    """Types without `ml.`, in order."""
    return " ".join(sorted(one.removeprefix("ml.") for one in types))


def use(known, enumeration, table):
    """What is known of one use."""
    taken = set(known[enumeration]["enum"])
    facts = {"types": short(taken)}
    if table:
        types, regions = sold(table)
        facts["regions"] = " ".join(sorted(regions))
        groups = collections.defaultdict(list)
        for one in sorted(taken & set(types)):
            groups[" ".join(sorted(types[one]))].append(one)
        facts["sold"] = [
            {"types": short(held), "regions": where}
            for where, held in sorted(groups.items())
            if set(where.split()) != regions
        ]
    return facts


def main():
    known = shapes()
    facts = {
        "read": datetime.date.today().isoformat(),
        "source": f"botocore {botocore.__version__}; cfn-lint {cfnlint.version.__version__}",
        "uses": {name: use(known, enumeration, table) for name, enumeration, table in USES},
    }
    families = {one.split(".")[0] for held in facts["uses"].values() for one in held["types"].split()}
    # AWS calls what has an NVIDIA GPU by a G or a P and a generation.
    facts["gpu"] = " ".join(sorted(one for one in families if re.match(r"[gp]\d", one)))
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    print(f"{path}: {path.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
