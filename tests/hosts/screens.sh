#!/usr/bin/env bash
# Pictures of the editor in a real host: Ardour 7 on a virtual screen, without a sound card, speech playing.
#
#   screens.sh BUNDLE.vst3 SPEECH.wav FOLDER
#
# FOLDER gets editor.png (the editor's window) and host.png (the whole screen) after ten seconds of speech, and
# both again as *-large.png after the window was made larger, if the editor lets the host do so.
# Debian: apt-get install --no-install-recommends ardour xvfb openbox xdotool imagemagick
set -euo pipefail

readonly ARDOUR=ardour7 # the session format that session.lua edits is this version's

die() {
    echo "screens.sh: $*" >&2
    [[ ! -s ${log:-} ]] || { echo "--- the end of Ardour's log" >&2; tail -n 15 "$log" >&2; }
    [[ ! ${ardour:-} ]] || picture root "$folder/failed.png" || true
    exit 1
}

[[ $# == 3 ]] || die "usage: screens.sh BUNDLE.vst3 SPEECH.wav FOLDER"
for tool in ardour $ARDOUR-lua Xvfb openbox xdotool import convert; do
    command -v "$tool" >/dev/null || die "$tool is missing"
done
[[ -d $1 && $1 == *.vst3 && -f $2 ]] || die "no bundle $1 or no speech $2"
mkdir -p "$3"
here=$(dirname "$(readlink -f "$0")")
bundle=$(readlink -f "$1") wav=$(readlink -f "$2") folder=$(readlink -f "$3")
name=$(basename "$bundle" .vst3)
rm -f "$folder"/{editor,host}{,-large}.png "$folder/failed.png"

work=$(mktemp -d)
log=$work/ardour.log
servers=() ardour=
clean_up() { # the host goes before its screen
    set +e
    { kill -9 $ardour; kill "${servers[@]}"; wait; } 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

wait_for() { # SECONDS COMMAND...: until the command succeeds
    local end=$((SECONDS + $1))
    until "${@:2}"; do ((SECONDS < end)) && sleep 0.3 || return 1; done
}
picture() { timeout 10 import -silent -window "$1" "$2"; }
window() { timeout 10 xdotool search --onlyvisible --name "$1" 2>/dev/null | tail -n 1; }
key() { timeout 10 xdotool windowactivate --sync "$main" key --clearmodifiers "$1" 2>/dev/null; }
pixels() { convert "$work/$1.png" -crop "$2" +repage -format %# info:; }
changes() { # WINDOW PART: whether it looks different a second later
    picture "$1" "$work/before.png" && sleep 1 && picture "$1" "$work/after.png" || return 1
    [[ $(pixels before "$2") != $(pixels after "$2") ]]
}

# A home of its own, so that no setting or plugin of the user's counts.
export HOME=$work/home
unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME
mkdir -p "$HOME/.vst3" "$HOME/.config/$ARDOUR"
cp -r "$bundle" "$HOME/.vst3/"
# Ardour compares whole seconds of its cache with fractions on disk: a file just copied looks newer.
find "$HOME/.vst3" -exec touch -d '1 minute ago' {} +
touch "$HOME/.config/$ARDOUR/.a7" # "has been here before": no first-run questions
cp "$here/ardour/config" "$HOME/.config/$ARDOUR/config"
( # Ardour's own wrapper knows where its libraries and its scanner are.
    eval "$(grep -E '^export (LD_LIBRARY|ARDOUR_DLL)_PATH=' "$(command -v $ARDOUR-lua)")"
    timeout 60 "$ARDOUR_DLL_PATH/ardour-vst3-scanner" -f -q "$HOME/.vst3/$name.vst3"
) >"$log" 2>&1 || die "Ardour's scanner does not take $name"
timeout 60 $ARDOUR-lua "$here/ardour/session.lua" "$work/session" "$wav" "$name" >>"$log" 2>&1 || die "no session made"
cp "$wav" "$work/session/interchange/session/audiofiles/speech.wav"

Xvfb -displayfd 3 -screen 0 1600x1000x24 -dpi 96 -noreset 3>"$work/display" >/dev/null 2>&1 &
servers+=($!)
wait_for 20 test -s "$work/display" || die "no virtual screen"
export DISPLAY=:$(<"$work/display")
openbox --sm-disable >/dev/null 2>&1 &
servers+=($!)
xdotool mousemove 0 0 # not over the editor, which would show what is under the pointer

find_windows() { # the session has the editor's open
    kill -0 "$ardour" 2>/dev/null || die "Ardour has ended"
    main=$(window '^session - Ardour$') && editor=$(window ": $name .*VST3") && [[ $main && $editor ]]
}
# The row of the buttons and the clocks, left of the host's load: it changes while the transport rolls.
rolls() { changes "$main" 60%x26+0+28; }
play() { key space && wait_for 4 rolls; }
gone() { ! kill -0 "$ardour" 2>/dev/null; }
ardour --no-splash --no-announcements "$work/session/session.ardour" >>"$log" 2>&1 &
ardour=$!
wait_for 90 find_windows || die "no windows of Ardour and of the editor"
wait_for 30 play || die "the transport does not roll"
# Not drawn, it shows what was on the screen before; drawn, it moves with the speech. The top row is the host's.
wait_for 20 changes "$editor" +0+50 || die "the editor does not draw"
sleep 10
picture "$editor" "$folder/editor.png"
picture root "$folder/host.png"

# An editor of fixed size says so to the window manager, which then does nothing.
size() { timeout 10 xdotool getwindowgeometry "$editor" | sed -n 's/.*Geometry: //p'; }
before=$(size)
timeout 10 xdotool windowsize "$editor" $((${before%x*} * 5 / 4)) $((${before#*x} * 5 / 4))
sleep 3
if [[ $(size) != "$before" ]]; then
    picture "$editor" "$folder/editor-large.png"
    picture root "$folder/host-large.png"
else
    echo "screens.sh: the editor's size is fixed: no large pictures"
fi
changes "$editor" +0+50 || die "the editor does not move"

# Out by the front door, editor open. Ardour asks nothing when all is saved.
key ctrl+s && sleep 1 && key ctrl+q
wait_for 30 gone || die "Ardour does not quit"
wait "$ardour" || die "Ardour ended with status $?"
