//! What commands say of damaged audio.

use std::process::Command;

use sacodec_testing::{data, write_noise};

#[test]
fn no_command_makes_a_result_of_damaged_audio() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let sound = std::fs::read(data("speech_24k.flac")).unwrap();
    std::fs::write(path("sound.flac"), &sound).unwrap();
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    std::fs::write(path("flipped.flac"), &flipped).unwrap();
    std::fs::write(path("cut.flac"), &sound[..sound.len() - 10]).unwrap();
    write_noise(&path("cut.wav"), 16_000, 1, 4000, 1);
    let whole = std::fs::read(path("cut.wav")).unwrap();
    std::fs::write(path("cut.wav"), &whole[..whole.len() - 2]).unwrap();
    let sacodec = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sacodec"));
        let output = command.current_dir(folder.path()).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = sacodec(&["encode", "sound.flac", "take.sac"]);
    assert_eq!(code, Some(0), "{said}");
    let there = std::fs::read_dir(folder.path()).unwrap().count();
    for (name, reason) in
        [("flipped.flac", "damaged at"), ("cut.flac", "it is cut"), ("cut.wav", "it is cut")]
    {
        let cases: [&[&str]; 3] = [
            &["encode", name, "out.sac"],
            &["roundtrip", name, "out.wav", "--difference", "difference.wav"],
            &["verify", "take.sac", name],
        ];
        for arguments in cases {
            if arguments[0] == "verify" && name.ends_with(".wav") {
                continue;
            }
            let (code, said) = sacodec(arguments);
            assert_eq!(code, Some(1), "{arguments:?}: {said}");
            assert!(said.contains(name) && said.contains(reason), "{arguments:?}: {said}");
            assert_eq!(
                std::fs::read_dir(folder.path()).unwrap().count(),
                there,
                "{arguments:?} left something"
            );
        }
    }
}
