"""The published mHuBERT centroids as the table that training reads: python -m sacodec_train.data.codebook KM.bin KM.npy

KM.bin is the k-means of mHuBERT's layer 11, 1000 clusters, as fairseq publishes it for `mhubert_base_vp_en_es_fr_it3`
(speech-to-speech translation, "L11 km1000"), or `preprocess_scripts/mhubert.km1000.layer11.pt` of ictnlp/StreamSpeech:
both are scikit-learn objects pickled by joblib. Nothing in the file is run, and scikit-learn is not needed.
"""
import argparse
import pickle
from pathlib import Path

import numpy as np

from .sources import DataError

CENTROIDS = "cluster_centers_"
ARRAYS = {("joblib.numpy_pickle", "NumpyArrayWrapper"), ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "scalar"),
          ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"), ("numpy._core.multiarray", "_reconstruct")}
"""What a pickle may build; everything else becomes a `_Bag`."""


class _Bag:
    """Stands for any object of the pickle: holds what the object held."""

    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        self.__dict__.update(state if isinstance(state, dict) else {})


def read(path):
    """Centroids f32 [clusters, dimensions] of a pickled k-means."""
    from joblib.numpy_pickle import NumpyUnpickler

    class Reader(NumpyUnpickler):
        def find_class(self, module, name):
            return super().find_class(module, name) if (module, name) in ARRAYS else _Bag

    try:
        with open(path, "rb") as file:
            found = Reader(str(path), file, ensure_native_byte_order=True).load()
    except (OSError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError, pickle.UnpicklingError) as e:
        raise DataError(f"{path}: not a k-means pickled by joblib ({e})") from e
    table = getattr(found, CENTROIDS, None)
    if not isinstance(table, np.ndarray) or table.ndim != 2 or not np.isfinite(table).all():
        raise DataError(f"{path}: holds no {CENTROIDS} [clusters, dimensions] with finite values only")
    return table.astype(np.float32)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("kmeans")
    p.add_argument("codebook", help="the .npy to write")
    a = p.parse_args()
    try:
        table = read(a.kmeans)
    except DataError as e:
        p.exit(1, f"{e}\n")
    np.save(Path(a.codebook).with_suffix(".npy"), table)
    print(f"{table.shape[0]} centroids of {table.shape[1]} dimensions")


if __name__ == "__main__":
    main()
