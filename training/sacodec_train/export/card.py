"""The card of a pack: what the export knows. The rest is for people to write."""
from ..config import FRAME_RATE_HZ, RATE_HZ

NOT_STATED = "not stated"
"""The licence of a pack whose maker said none."""


OWN = "Written by the export, and written anew by the next one as long as this line is here."


def is_own(text):
    """Whether a card is one that the export wrote, and nobody has taken over."""
    return OWN in text.splitlines()


def text(contents, manifest, parity):
    """MODEL_CARD.md of a pack with this manifest, from a checkpoint's contents; `parity` is what its checks found, in words."""
    parameters = sum(v.numel() for k, v in contents["ema"].items() if k.startswith(("enc.", "dec.", "q.")) and not k.endswith("frozen"))
    entries = [manifest["codebooks"][k]["size"] for k in ("semantic", "acoustic")]
    bits = [(n - 1).bit_length() for n in entries]
    lines = [f"# Model card: {manifest['name']} {manifest['version']}", "",
             f"A causal SACodec of {parameters / 1e6:.1f} M parameters: {RATE_HZ // 1000} kHz mono, {FRAME_RATE_HZ:g} frames/s, "
             f"{bits[0]} + {bits[1]} bits a frame, {sum(bits) * FRAME_RATE_HZ / 1000:g} kbps.", "", OWN, "",
             "| | |", "|---|---|",
             f"| semantic codebook | {entries[0]} entries, {manifest['codebooks']['semantic']['frozen']} |",
             f"| acoustic codebook | {entries[1]} entries |",
             f"| weights | {manifest['weights']} in the file |",
             f"| delay | {manifest['delay_samples']} samples |", "",
             "## Training", f"{manifest['training']['steps']} steps, {contents.get('heard_s', 0) / 3600:.1f} h of speech heard.", ""]
    sources = contents.get("sources") or []
    if sources:
        lines += ["| source | hours | licence |", "|---|---|---|"]
        lines += [f"| {s['source']} | {format(s['hours'], '.2f') if s['hours'] else '–'} | {s['licence']} |" for s in sources]
    else:
        lines.append("The checkpoint does not tell what it was trained on.")
    lines += ["", "## Parity", *(parity or ["Not checked: export with --check."]), "",
              "## Scores", "Not judged yet: `python -m sacodec_train.evaluate` gives a table.", "",
              "## Licence", f"{manifest['licence'].capitalize() if manifest['licence'] == NOT_STATED else manifest['licence']}.", ""]
    return "\n".join(lines)
