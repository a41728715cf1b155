//! Packs with damage of every kind, which keeps their form: the loader ends, with a codec or with an error that says
//! something, within bounds of memory, and the codecs that it makes run.
//!
//! `SACODEC_FUZZ_ROUNDS=1000000 cargo test --release -p sacodec-codec --test loader fuzz` looks longer.
//! `SACODEC_FUZZ_ROUND=1234` repeats one round.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sacodec_codec::{
    CodecModel, FrameCodec, GraphError, LoadError, ModelPack, PackError, StreamGain, TokenFrame,
};

use super::mutate::mutate;
use super::tiny::Pack;

/// More than any round may have at one time: the graphs are small, and nothing that they say of themselves is believed.
const MOST_BYTES: usize = 128 << 20;

/// Counts what each thread has.
struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: all is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get().wrapping_add(layout.size()));
        // What another thread allocated makes the sum wrap: it is not this thread's.
        MOST.set(MOST.get().max(LIVE.get().min(isize::MAX as usize)));
        // SAFETY: as promised to this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: as promised to this function.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What became of a round, in a word.
fn outcome(loaded: &Result<(), LoadError>) -> &'static str {
    match loaded {
        Ok(()) => "loaded",
        Err(LoadError::Pack(PackError::Field { .. })) => "field",
        Err(LoadError::Graph(GraphError::Syntax { .. })) => "syntax",
        Err(LoadError::Graph(GraphError::Bound { .. })) => "bound",
        Err(LoadError::Graph(GraphError::Operator { .. })) => "operator",
        Err(LoadError::Graph(GraphError::Weight { .. })) => "weight",
        Err(LoadError::Graph(GraphError::Port { .. })) => "port",
        Err(LoadError::Graph(GraphError::StatePair { .. })) => "state",
        Err(LoadError::Graph(GraphError::Compile { .. })) => "compile",
        Err(LoadError::Graph(GraphError::Trial { .. })) => "trial",
        Err(_) => "another",
    }
}

/// Loads a pack and codes some frames with it.
pub fn load(pack: &Pack, folder: &std::path::Path, random: &mut fastrand::Rng) -> Result<(), LoadError> {
    pack.write(folder);
    let model = CodecModel::load(&ModelPack::from_folder(folder)?)?;
    let mut codec = FrameCodec::new(&model).unwrap();
    let mut out = vec![0.0; 320];
    for level in [0.5, 0.0, 1e30] {
        let hop: Vec<f32> = (0..320).map(|_| level * (random.f32() - 0.5)).collect();
        if let Ok(tokens) = codec.step(&hop, StreamGain::BOTH, &mut out) {
            let (semantic, acoustic) = (usize::from(tokens.semantic), usize::from(tokens.acoustic));
            assert!(semantic < model.info().semantic.size && acoustic < model.info().acoustic.size);
        }
    }
    let tokens = TokenFrame { semantic: random.u16(..8), acoustic: random.u16(..8) };
    let _ = codec.decode_step(tokens, StreamGain::BOTH, &mut out);
    Ok(())
}

/// One round -> what became of it, and the most memory that it had.
fn round(number: u64, folder: &std::path::Path) -> (&'static str, usize) {
    let mut random = fastrand::Rng::with_seed(number);
    let mut pack = Pack::new();
    mutate(&mut pack, &mut random);
    let before = LIVE.get();
    MOST.set(before);
    let loaded = catch_unwind(AssertUnwindSafe(|| load(&pack, folder, &mut random)));
    let most = MOST.get().saturating_sub(before);
    let Ok(loaded) = loaded else { panic!("round {number}: the panic came through") };
    if let Err(error) = &loaded {
        let text = error.to_string();
        assert!((10..2000).contains(&text.len()), "round {number}: {} characters of error", text.len());
    }
    assert!(most <= MOST_BYTES, "round {number}: {} MB, {}", most >> 20, outcome(&loaded));
    (outcome(&loaded), most)
}

#[test]
fn fuzz_of_the_loader_ends_always_and_never_with_more_memory_than_it_may_have() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let rounds = match number("SACODEC_FUZZ_ROUND") {
        Some(one) => one..one + 1,
        None => 0..number("SACODEC_FUZZ_ROUNDS").unwrap_or(10_000),
    };
    let is_whole = rounds.end - rounds.start >= 10_000;
    if is_whole {
        // tract's panics are caught and become errors: nobody is to read ten thousand of them.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                hook(panic)
            }
        }));
    }
    let seen: Mutex<BTreeMap<&str, u64>> = Mutex::default();
    let largest = Mutex::new((0, 0));
    let slowest = Mutex::new((Duration::ZERO, 0));
    let work = |first: u64| {
        IS_QUIET.set(true);
        let folder = tempfile::tempdir().unwrap();
        for number in rounds.clone().filter(|number| number % 2 == first) {
            let begun = Instant::now();
            let (outcome, most) = round(number, folder.path());
            *seen.lock().unwrap().entry(outcome).or_default() += 1;
            let mut largest = largest.lock().unwrap();
            *largest = (*largest).max((most, number));
            let mut slowest = slowest.lock().unwrap();
            *slowest = (*slowest).max((begun.elapsed(), number));
        }
    };
    // Two, as most machines of CI have cores; each with the stack that a loader has.
    let ends = std::thread::scope(|scope| {
        let work = &work;
        let threads = [0, 1].map(|first| scope.spawn(move || work(first)));
        threads.map(|thread| thread.join().map_err(|panic| panic.downcast::<String>().unwrap_or_default()))
    });
    let (seen, largest, slowest) =
        (seen.into_inner().unwrap(), largest.into_inner().unwrap(), slowest.into_inner().unwrap());
    println!("{seen:?}; most memory {} MB in round {}; longest {slowest:?}", largest.0 >> 20, largest.1);
    assert!(ends.iter().all(Result::is_ok), "{ends:?}");
    if is_whole {
        for kind in
            ["loaded", "field", "syntax", "bound", "operator", "weight", "port", "state", "compile", "trial"]
        {
            assert!(seen.contains_key(kind), "no round came to `{kind}`: {seen:?}");
        }
    }
}
