"""One table of how packs sound, beside Opus and Codec2: python -m sacodec_train.evaluate PACK ... --clips FOLDER --out OUT

PACK is a pack's folder, or a checkpoint, which is exported first. OUT gets table.md, clips.csv, and of a few clips WAVs
and pictures. The clips' table FOLDER.csv, if there is one, tells language, gender and bandwidth.
--listen adds what models of listeners, speakers and words say of the same audio.
"""
import argparse
import json
import tempfile
from pathlib import Path

from ..arguments import within
from ..checkpoint import CheckpointError, load_model
from ..data.sources import DataError
from ..export import pack as export
from ..model import read_codebook
from ..ort_pack import OrtPack
from . import listen, report, scores, systems
from .recordings import read


def packs_of(paths, codebook, folder):
    """Folders of packs, those of checkpoints written below `folder`; and the sizes of their codebooks by name."""
    folders, entries = [], {}
    for number, path in enumerate(map(Path, paths)):
        own = path
        if path.is_file():
            net, s = load_model(path, read_codebook(codebook) if codebook else None)
            own = Path(folder) / str(number)
            export.write(net, s["step"], own, path.stem, f"step {s['step']}", weights="f32")
        try:
            manifest = json.loads((own / "manifest.json").read_text())
            title, sizes = systems.title(manifest), tuple(manifest["codebooks"][k]["size"] for k in ("semantic", "acoustic"))
            OrtPack(own)
        except (OSError, json.JSONDecodeError) as e:
            raise DataError(f"{path}: not a pack and not a checkpoint ({e})") from e
        except (KeyError, TypeError) as e:
            raise DataError(f"{path}: its manifest.json is not that of a pack ({type(e).__name__}: {e})") from e
        if title in entries:
            raise DataError(f"{path}: another pack is called {title} too; a table needs names that differ")
        folders.append(str(own))
        entries[title] = sizes
    return folders, entries


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("packs", nargs="+")
    p.add_argument("--clips", required=True, help="folder of recordings")
    p.add_argument("--out", required=True)
    p.add_argument("--codebook", help="mHuBERT centroids, for small checkpoints")
    p.add_argument("--baselines", nargs="*", choices=list(systems.BASELINES), default=list(systems.BASELINES))
    p.add_argument("--against", nargs="*", default=[], help="systems, as the table calls them, that the first pack is compared with")
    p.add_argument("--every", type=within(int, 1), default=1, help="every n-th recording only")
    p.add_argument("--samples", type=within(int, 0), default=4, help="clips to write as WAV and picture")
    p.add_argument("--listen", action="store_true", help=f"also ask models of listeners, speakers and words ({listen.INSTALL})")
    p.add_argument("--no-phones", action="store_true", help="do not align phones")
    p.add_argument("--workers", type=within(int, 1))
    a = p.parse_args()
    try:
        if a.listen:
            listen.require()
        with tempfile.TemporaryDirectory() as folder:
            packs, entries = packs_of(a.packs, a.codebook, folder)
            known = [*entries, *(systems.TITLES[b] for b in a.baselines)]
            unknown = set(a.against) - set(known)
            if unknown:
                raise DataError(f"--against {', '.join(sorted(unknown))}: the table does not have that name; it has {', '.join(known)}")
            scored = scores.run(read(a.clips, a.every), packs, a.baselines, not a.no_phones, a.workers, a.listen)
        print(report.write(scored, scores.streams(scored, entries), a.out, a.samples, a.against))
    except (DataError, CheckpointError, systems.CodecError, listen.ListenError, OSError, ValueError) as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()
