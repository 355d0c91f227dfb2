"""Tell bundles that were trained before they knew of it what their training films are like.

    python scripts/add_references.py --isbi DIR [BUNDLE ...]

By default the shipped bundles. Their landmark networks' graphs get the output ``features`` (weights and maps
stay as they are), and ``reference.json`` is written from the films and the annotation that the bundle names
as its own. ``cephsure train`` does both by itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx

from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.edit import edit_bundle
from cephsure.datasets import open_dataset, select
from cephsure.model import shipped_models
from cephsure.training.graphs import add_features
from cephsure.workflows.train_bundle import add_reference

NETWORKS_OF_THE_WHOLE_FILM = ("coarse", "paper")


def bring_up_to_date(bundle: Path, data: Path) -> None:
    """Add what the bundle lacks."""
    with edit_bundle(read_bundle(bundle)) as edit:
        for path in sorted(edit.folder.glob("members/*/*.onnx")):
            if path.stem in NETWORKS_OF_THE_WHOLE_FILM:
                model = onnx.load(path, load_external_data=False)
                add_features(model)
                name = path.relative_to(edit.folder).as_posix()
                edit.write(name, model.SerializeToString(deterministic=True))
    made_from = read_bundle(bundle).provenance
    films = select(open_dataset(str(data)), made_from.split).films
    source = f"{len(films)} training films of {made_from.data}"
    reference = add_reference(bundle, films, truth=made_from.truth, source=source)
    print(bundle.name, source, "shape" if reference.shape else "", "features" if reference.features else "")


def main() -> None:
    """Read the arguments and do each bundle."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--isbi", type=Path, required=True, metavar="DIR")
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE")
    arguments = parser.parse_args()
    for bundle in arguments.bundles or shipped_models().values():
        bring_up_to_date(bundle, arguments.isbi)


if __name__ == "__main__":
    main()
