#!/usr/bin/env bash
# Makes speech.wav: the repository's own speech clip, 48 kHz mono 16 bit, about 10 s, peak -3 dBFS.
#   tests/data/make_speech.sh [OUT.wav]
# Installs nothing. Needs the Debian packages festival, festvox-us-slt-hts and sox.
set -euo pipefail
out=${1:-$(dirname "$0")/speech.wav}
need="Debian packages: apt-get install --no-install-recommends festival festvox-us-slt-hts sox"
for program in text2wave sox; do
  command -v "$program" >/dev/null || { echo "make_speech.sh: $program is missing. $need" >&2; exit 1; }
done
[ -d /usr/share/festival/voices/*/cmu_us_slt_arctic_hts ] ||
  { echo "make_speech.sh: the voice cmu_us_slt_arctic_hts is missing. $need" >&2; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# Our own words: every vowel, plosives, sibilants up to 14 kHz, a list of numbers, a question.
sentences=(
  "She fishes the sixth seashell from the shallow bay, and boxes it."
  "Can you hear which voice is coded, and which one is true?"
  "Seven, three, nine, eight. Now choose."
)
pad="0.35"   # seconds of silence before the first sentence, between sentences and after the last
parts=()
for i in "${!sentences[@]}"; do
  echo "${sentences[$i]}" | text2wave -eval '(voice_cmu_us_slt_arctic_hts)' -o "$work/$i.raw.wav"
  # The voice speaks at 32 kHz. Trim its own silence, give every sentence a known one.
  sox -D "$work/$i.raw.wav" -b 32 -e floating-point "$work/$i.wav" \
    silence 1 0.01 0.2% fade t 0.005 reverse silence 1 0.01 0.2% fade t 0.02 reverse pad 0 "$pad"
  parts+=("$work/$i.wav")
done
sox -D "${parts[@]}" "$work/all.wav" pad "$pad" 0 rate -v 48000 gain -n -3
sox -D "$work/all.wav" -b 16 -e signed-integer "$out"
sox --i "$out"
