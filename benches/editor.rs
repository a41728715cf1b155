//! What the editor costs: `cargo bench --bench editor`, on Linux with Xvfb.
//!
//! First on the audio thread: a block while nobody looks, while an editor does, and with level match.
//! Then a whole window, drawn by Mesa's llvmpipe where there is no GPU.

use std::time::Instant;

use sacodec_codec::CodecModel;
use sacodec_engine::{Controls, Engine, EngineConfig, Scheduling, Transport};
use sacodec_scope::tap;

const RATE_HZ: f64 = 48_000.0;
const BLOCK: usize = 256;
/// Turns of each way, one second long: what disturbs the machine disturbs all alike.
const TURNS: usize = 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(target_os = "linux")]
    if window::is_on_its_screen() {
        return window::measure();
    }
    audio_thread()?;
    #[cfg(target_os = "linux")]
    window::show()?;
    Ok(())
}

/// One way to run a block.
struct Way {
    name: &'static str,
    is_open: bool,
    level_match: bool,
    seconds: Vec<f64>,
}

fn audio_thread() -> Result<(), Box<dyn std::error::Error>> {
    let way =
        |name, is_open, level_match| Way { name, is_open, level_match, seconds: Vec::with_capacity(TURNS) };
    let mut ways = [
        way("nobody looks", false, false),
        way("an editor looks", true, false),
        way("nobody looks, level match", false, true),
    ];
    let model = CodecModel::embedded()?;
    let config = EngineConfig { rate_hz: RATE_HZ, channels: 2, scheduling: Scheduling::Spread };
    let mut engine = Engine::new(&model, config)?;
    let (mut sender, mut receiver) = tap();
    sender.begin_stream(*engine.timing(), 2);
    let speech = sacodec_testing::speech_48k();
    let mut input = speech.chunks_exact(BLOCK).cycle();
    let place = Transport { playing: true, ..Transport::default() };
    for _ in 0..TURNS {
        for way in &mut ways {
            receiver.set_open(way.is_open);
            let controls = Controls { level_match: way.level_match, ..Controls::default() };
            let mut total_s = 0.0;
            for _ in 0..RATE_HZ as usize / BLOCK {
                let Some(block) = input.next() else { return Err("no speech".into()) };
                let (mut left, mut right) = (block.to_vec(), block.to_vec());
                let audio: &mut [&mut [f32]] = &mut [&mut left, &mut right];
                let start = Instant::now();
                sender.begin_block(place);
                engine.process_observed(audio, &controls, &mut sender);
                sender.end_block(0.1);
                total_s += start.elapsed().as_secs_f64();
                while receiver.pop_event().is_some() {}
                while receiver.pop_snapshot(1).is_some() {}
            }
            way.seconds.push(total_s);
        }
    }
    println!("audio thread, {BLOCK} samples a block, median of {TURNS} s");
    println!("| | share of a core | beside a closed editor |\n|---|---|---|");
    let medians = ways.each_mut().map(|way| {
        way.seconds.sort_by(f64::total_cmp);
        way.seconds[TURNS / 2]
    });
    for (way, median_s) in ways.iter().zip(medians) {
        println!("| {} | {:.2} % | {:.3} |", way.name, 100.0 * median_s, median_s / medians[0]);
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod window {
    use std::fs;
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::{Duration, Instant};

    use clap_host::{Host, Library, Processor, Screen, Xvfb};
    // Linked for what it exports.
    use sacodec as _;

    use super::{BLOCK, RATE_HZ};

    type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

    const SECONDS: f64 = 20.0;
    /// Names the process of the screen, to the process that opens windows on it.
    const SERVER: &str = "SACODEC_BENCH_SCREEN";

    unsafe extern "C" {
        /// Exported by the plugin, for hosts that load it as a file.
        static clap_entry: clack_host::entry::EntryDescriptor;
    }

    /// Whether this process is the one that [`show`] started.
    pub fn is_on_its_screen() -> bool {
        std::env::var_os(SERVER).is_some()
    }

    /// Measures in a process whose windows open on a screen of its own.
    pub fn show() -> Result<()> {
        let server = Xvfb::start()?;
        let mut program = Command::new(std::env::current_exe()?);
        let status = server.show(&mut program).env(SERVER, server.process_id().to_string()).status()?;
        if status.success() { Ok(()) } else { Err(format!("the window was not measured: {status}").into()) }
    }

    /// Prints what the process uses besides its audio thread, in percent of a core: speech in real time.
    pub fn measure() -> Result<()> {
        let screen = Arc::new(Screen::connect(&std::env::var("DISPLAY")?)?);
        let server = std::env::var(SERVER)?;
        // SAFETY: the plugin exports it under this name and type, for the life of the program.
        let mut host = Library::from_entry(unsafe { &clap_entry })?.create("org.sacodec.sacodec")?;
        host.activate(RATE_HZ, 1, 16_384, 2)?;
        println!("the editor's threads, {SECONDS} s each");
        println!("| window | editor | screen server |\n|---|---|---|");
        for (name, size, is_playing) in [
            ("closed, speech", None, true),
            ("900 × 560, silent host", Some((900, 560)), false),
            ("900 × 560, speech", Some((900, 560)), true),
            ("1800 × 1120, speech", Some((1800, 1120)), true),
        ] {
            let mut processor = host.take_processor()?;
            if let Some((width, height)) = size {
                open(&mut host, &screen)?;
                host.resize_editor(width, height)?;
            }
            let is_over = AtomicBool::new(false);
            let (editor, screen_server) = std::thread::scope(|scope| {
                let audio = scope.spawn(|| play(&mut processor, is_playing, &is_over));
                // The window has its size and its glyphs by then.
                std::thread::sleep(Duration::from_secs(2));
                let (start, before) = (Instant::now(), (cpu_s("self"), cpu_s(&server), audio_s()));
                while start.elapsed().as_secs_f64() < SECONDS {
                    host.run_requests().unwrap();
                    std::thread::sleep(Duration::from_millis(20));
                }
                let wall_s = start.elapsed().as_secs_f64();
                let after = (cpu_s("self"), cpu_s(&server), audio_s());
                is_over.store(true, Relaxed);
                audio.join().unwrap();
                let editor_s = after.0 - before.0 - (after.2 - before.2);
                (100.0 * editor_s / wall_s, 100.0 * (after.1 - before.1) / wall_s)
            });
            host.put_processor(processor);
            host.close_editor();
            println!("| {name} | {editor:.1} % | {screen_server:.1} % |");
        }
        Ok(())
    }

    /// Opens the editor and waits for its first picture.
    fn open(host: &mut Host, screen: &Arc<Screen>) -> Result<()> {
        let window = host.open_editor(screen)?;
        while !window.screenshot()?.is_drawn() {
            host.run_requests()?;
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    const AUDIO: &str = "bench-audio";

    /// Plays at the pace of time until it is over.
    fn play(processor: &mut Processor, is_playing: bool, is_over: &AtomicBool) {
        // The name finds the thread again.
        let _ = fs::write("/proc/thread-self/comm", AUDIO);
        let speech = sacodec_testing::speech_48k();
        let start = Instant::now();
        for (n, block) in speech.chunks_exact(BLOCK).cycle().enumerate() {
            if is_over.load(Relaxed) {
                break;
            }
            if is_playing {
                let (mut left, mut right) = (block.to_vec(), block.to_vec());
                processor.process(&mut [&mut left, &mut right]).unwrap();
            }
            let due_s = n as f64 * BLOCK as f64 / RATE_HZ;
            std::thread::sleep(Duration::from_secs_f64((due_s - start.elapsed().as_secs_f64()).max(0.0)));
        }
    }

    /// Seconds that a process has used.
    fn cpu_s(process: &str) -> f64 {
        ticks_s(&format!("/proc/{process}/stat"))
    }

    /// Seconds that the audio thread has used.
    fn audio_s() -> f64 {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten().map(|task| task.path());
        let is_audio = |task: &std::path::PathBuf| {
            fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == AUDIO)
        };
        let audio = tasks.into_iter().find(is_audio).unwrap();
        ticks_s(&audio.join("stat").to_string_lossy())
    }

    /// User and system time of a `stat` file, see `man 5 proc`; the kernel counts 100 ticks a second.
    fn ticks_s(path: &str) -> f64 {
        let stat = fs::read_to_string(path).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks: f64 = fields.split(' ').skip(11).take(2).map(|n| n.parse::<f64>().unwrap()).sum();
        ticks / 100.0
    }
}
