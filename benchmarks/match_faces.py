"""FAR and FRR of one picture against one, over a folder of persons, with exact intervals."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from yibao_face.daemon.booth.still.photo import decode
from yibao_face.daemon.config import load_config
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.detect import most_central
from yibao_face.models.embed import align
from yibao_face.models.suite import FaceModels, load_face_models

FARS = (1e-3, 1e-4, 1e-5)


def main() -> int:
    """Embed every picture as the daemon does, then compare all pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    models = load_face_models(weight_store(load_config()))
    try:
        vectors, owners, unseen = embed_folder(models, given.folder)
        threshold = models.match_threshold
    finally:
        models.close()
    genuine, impostor = scores(vectors, owners)
    figures = {"pictures": len(owners), "persons": len(set(owners)), "no_face": unseen}
    print(json.dumps(figures))
    print(f"genuine pairs {len(genuine)}, impostor pairs {len(impostor)}")
    limits = {f"FAR {far:g}": at_far(impostor, far) for far in FARS}
    for name, limit in {**limits, "manifest": threshold}.items():
        frr = interval(int((genuine < limit).sum()), len(genuine))
        far = interval(int((impostor >= limit).sum()), len(impostor))
        print(f"{name:10} threshold {limit:.4f}  FRR {frr}  FAR {far}")
    return 0


def embed_folder(
    models: FaceModels, folder: Path
) -> tuple[npt.NDArray[np.float32], list[str], int]:
    """(n, 128) embeddings of the most central face of each picture, their persons, and misses."""
    vectors: list[npt.NDArray[np.float32]] = []
    owners: list[str] = []
    unseen = 0
    for path in sorted(folder.glob("*/*.jpg")):
        image = decode(path.read_bytes(), path.name)
        faces = models.detector.find(image)
        if not faces:
            unseen += 1
            continue
        face = most_central(faces, image)
        fine = models.detector.refine(image, face)
        vectors.append(models.embedder.embed(align(image, fine.points)))
        owners.append(path.parent.name)
    return np.stack(vectors), owners, unseen


def scores(
    vectors: npt.NDArray[np.float32], owners: list[str]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Cosines of all genuine and all impostor pairs.

    Genuine pairs are capped at ten per person: a few hundred pictures of one face would otherwise
    stand for everybody.
    """
    codes = np.unique(owners, return_inverse=True)[1]
    genuine: list[float] = []
    for code in range(int(codes.max()) + 1):
        own = np.flatnonzero(codes == code)
        pairs = itertools.islice(itertools.combinations(own, 2), 10)
        genuine += [float(vectors[a] @ vectors[b]) for a, b in pairs]
    impostor = [
        (vectors[i] @ vectors[i + 1 :].T)[codes[i + 1 :] != codes[i]]
        for i in range(len(codes) - 1)
    ]
    return np.array(genuine, np.float32), np.concatenate(impostor)


def at_far(impostor: npt.NDArray[np.float32], far: float) -> float:
    """Smallest threshold at which at most ``far`` of the impostor pairs pass."""
    allowed = int(far * len(impostor))
    ranked = np.partition(impostor, len(impostor) - allowed - 1)
    return float(np.nextafter(ranked[len(impostor) - allowed - 1], np.float32(2.0)))


def interval(errors: int, trials: int) -> str:
    """Rate with its exact (Clopper-Pearson) 95 % interval."""
    low = float(beta.ppf(0.025, errors, trials - errors + 1)) if errors else 0.0
    high = float(beta.ppf(0.975, errors + 1, trials - errors)) if errors < trials else 1.0
    return f"{errors}/{trials} = {errors / trials:.3g} [{low:.3g}, {high:.3g}]"


if __name__ == "__main__":
    sys.exit(main())
