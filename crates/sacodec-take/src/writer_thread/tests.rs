//! Tests of the writer thread on disks that are full, slow, read-only or gone.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringbuf::HeapProd;
use ringbuf::traits::{Observer, Producer, Split};

use crate::anchor::Anchor;
use crate::disk::{Disk, DiskFile};
use crate::export::ExportFormat;
use crate::format::GapReason;
use crate::header::ChannelMode;
use crate::reader::Take;
use crate::recorder::{Begin, EndReason, RecorderCounts, RecorderEvent};
use crate::settings::Destination;
use crate::status::TakeStatus;
use crate::writer_thread::{TakeSource, TakeThread, TakeWatch};
use sacodec_codec::CodecModel;
use sacodec_token::TokenFrame;

/// A disk in memory with faults that can be switched while it is used.
#[derive(Default)]
struct FaultyDisk {
    files: Arc<Mutex<HashMap<PathBuf, Vec<u8>>>>,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    /// Bytes that fit; what is over is written in part, as a full disk does.
    full_at: Mutex<Option<usize>>,
    /// The next write takes this long.
    stall_ms: AtomicU64,
    /// Writes take until this is no longer set.
    hangs: AtomicBool,
    /// Folders that cannot be written.
    refused: Mutex<Vec<PathBuf>>,
    /// Names longer than this are refused.
    longest_name: Mutex<Option<usize>>,
}

struct FaultyFile {
    path: PathBuf,
    files: Arc<Mutex<HashMap<PathBuf, Vec<u8>>>>,
    faults: Arc<Faults>,
}

impl Disk for FaultyDisk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        match self.faults.refused.lock().unwrap().iter().any(|refused| folder.starts_with(refused)) {
            true => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            false => Ok(()),
        }
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let name = path.file_name().unwrap().len();
        if self.faults.longest_name.lock().unwrap().is_some_and(|longest| name > longest) {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        if self.files.lock().unwrap().insert(path.into(), Vec::new()).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let (files, faults) = (self.files.clone(), self.faults.clone());
        Ok(Box::new(FaultyFile { path: path.into(), files, faults }))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files.lock().unwrap();
        let content = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        assert!(files.insert(to.into(), content).is_none(), "{} was overwritten", to.display());
        Ok(())
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.lock().unwrap().contains_key(path)
    }

    fn read(&self, path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
        let files = self.files.lock().unwrap();
        let content = files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(content[..content.len().min(bytes as usize)].to_vec())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files.lock().unwrap().remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }
}

impl DiskFile for FaultyFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(self.faults.stall_ms.swap(0, SeqCst)));
        while self.faults.hangs.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let on_full_disk = self.path.starts_with("/takes");
        let limit = self.faults.full_at.lock().unwrap().filter(|_| on_full_disk).unwrap_or(usize::MAX);
        let mut files = self.files.lock().unwrap();
        let file = files.get_mut(&self.path).unwrap();
        file.truncate(offset as usize);
        let fits = bytes.len().min(limit.saturating_sub(file.len()));
        file.extend_from_slice(&bytes[..fits]);
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Source(Vec<PathBuf>, Arc<Mutex<Vec<ExportFormat>>>);

impl TakeSource for Source {
    fn destination(&self) -> Destination {
        let formats = self.1.lock().unwrap().clone();
        Destination { folders: self.0.clone(), formats, ..Destination::default() }
    }

    fn track(&self) -> Option<String> {
        Some("Voice".repeat(30))
    }
}

/// A writer thread on a faulty disk, and the audio thread's end of its ring.
struct Bench {
    ring: HeapProd<RecorderEvent>,
    thread: Option<TakeThread>,
    watch: TakeWatch,
    files: Arc<Mutex<HashMap<PathBuf, Vec<u8>>>>,
    faults: Arc<Faults>,
    formats: Arc<Mutex<Vec<ExportFormat>>>,
    frames: u16,
}

impl Bench {
    fn new(folders: &[&str]) -> Self {
        let disk = FaultyDisk::default();
        let (files, faults) = (disk.files.clone(), disk.faults.clone());
        let (ring, events) = ringbuf::HeapRb::new(4600).split();
        let counts = Arc::new(RecorderCounts::default());
        let formats = Arc::<Mutex<_>>::default();
        let source = Source(folders.iter().map(PathBuf::from).collect(), formats.clone());
        let thread = TakeThread::start(Arc::new(disk), source, counts, events).unwrap();
        let watch = thread.watch();
        Self { ring, thread: Some(thread), watch, files, faults, formats, frames: 0 }
    }

    fn begin(&mut self) {
        let model = CodecModel::embedded().unwrap();
        let first = Anchor { new_segment: true, codec_reset: true, ..Anchor::default() };
        let begin = Begin {
            model,
            rate_hz: 48_000.0,
            mode: ChannelMode::Mono,
            channels: 1,
            latency_samples: 2053,
            stream_frame: 0,
            first,
        };
        assert!(self.ring.try_push(RecorderEvent::Begin(begin)).is_ok());
        assert!(self.ring.try_push(RecorderEvent::Anchor(first)).is_ok());
    }

    fn frames(&mut self, count: u16) {
        for _ in 0..count {
            let token = TokenFrame { semantic: self.frames % 1000, acoustic: self.frames % 1024 };
            assert!(self.ring.try_push(RecorderEvent::Frame([token; 2])).is_ok(), "the ring is full");
            self.frames += 1;
        }
    }

    fn end(&mut self) {
        let event =
            RecorderEvent::End { reason: EndReason::RecordOff, length_samples: 640 * u64::from(self.frames) };
        assert!(self.ring.try_push(event).is_ok());
    }

    /// Waits for what the status must come to say.
    #[track_caller]
    fn wait(&self, what: &str, done: impl Fn(&TakeStatus) -> bool) -> TakeStatus {
        let start = Instant::now();
        loop {
            let status = self.watch.status();
            if done(&status) {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "never {what}: {status:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn take(&self, path: &Path) -> Take {
        Take::parse(&self.files.lock().unwrap()[path]).unwrap()
    }

    fn assert_whole(&self, path: &Path) {
        let take = self.take(path);
        assert!(take.is_whole(), "{}: {:?}", path.display(), take.missing());
        assert_eq!(take.frames(), u32::from(self.frames));
        for (index, frame) in take.iter().enumerate() {
            assert_eq!(usize::from(frame.unwrap()[0].semantic), index % 1000, "frame {index}");
        }
    }
}

#[test]
fn a_full_disk_loses_nothing_once_there_is_room_again() {
    let mut bench = Bench::new(&["/takes", "/elsewhere"]);
    *bench.faults.full_at.lock().unwrap() = Some(1000);
    bench.begin();
    bench.frames(600);
    let full = bench.wait("said to be full", |s| s.problem.is_some());
    let problem = full.problem.unwrap();
    assert!(problem.contains("/takes") && problem.contains("make room"), "{problem}");
    assert!(full.waiting_bytes > 0);
    *bench.faults.full_at.lock().unwrap() = None;
    bench.wait("written", |s| s.waiting_bytes == 0 && s.problem.is_none());
    bench.frames(100);
    bench.end();
    let closed = bench.wait("closed", |s| s.takes == 1);
    let path = closed.last.unwrap();
    assert!(path.starts_with("/takes"));
    bench.assert_whole(&path);
    let notes = bench.take(&path).footer.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("nothing was lost")), "{notes:?}");
    assert_eq!(closed.lost_frames, 0);
}

#[test]
fn a_take_is_exported_as_is_chosen_when_it_is_closed() {
    // Takes are on the disk in memory, what is made of them is not.
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::new(&[folder.path().to_str().unwrap()]);
    *bench.formats.lock().unwrap() = vec![ExportFormat::Npy];
    bench.begin();
    bench.frames(100);
    bench.wait("recording", |s| s.frames == 100);
    *bench.formats.lock().unwrap() = vec![ExportFormat::Jsonl, ExportFormat::Csv];
    bench.end();
    let closed = bench.wait("closed", |s| s.takes == 1);
    bench.thread = None;
    let path = closed.last.unwrap();
    for (extension, is_there) in [("npy", false), ("jsonl", true), ("csv", true)] {
        let found = path.with_extension(extension).is_file();
        assert_eq!(found, is_there, "{extension} beside {}", path.display());
    }
}

#[test]
fn a_disk_that_stays_full_sends_the_whole_take_to_the_next_folder() {
    let mut bench = Bench::new(&["/takes", "/elsewhere"]);
    *bench.faults.full_at.lock().unwrap() = Some(1000);
    bench.begin();
    bench.frames(600);
    bench.end();
    let closed = bench.wait("closed", |s| s.takes == 1);
    let path = closed.last.unwrap();
    assert!(path.starts_with("/elsewhere"), "{}", path.display());
    assert!(closed.last_problem.unwrap().contains("/elsewhere"));
    bench.assert_whole(&path);
    assert_eq!(bench.files.lock().unwrap().len(), 1, "the part on the full disk stayed");
}

#[test]
fn where_no_disk_takes_the_rest_the_losses_are_counted_and_the_part_stays() {
    let mut bench = Bench::new(&["/takes/a", "/takes/b"]);
    *bench.faults.full_at.lock().unwrap() = Some(1500);
    bench.begin();
    bench.frames(600);
    bench.end();
    let closed = bench.wait("closed", |s| s.takes == 1);
    let part = closed.last.unwrap();
    let take = bench.take(&part);
    assert!(part.to_str().unwrap().ends_with(".sac.part") && take.footer.is_none());
    assert!(take.frames() >= 75, "what fitted is there");
    assert_eq!(closed.lost_frames, 600 - u64::from(take.frames()));
    let problem = closed.last_problem.unwrap();
    assert!(problem.contains("lost") && problem.contains("repair"), "{problem}");
}

#[test]
fn a_folder_that_cannot_be_written_is_passed_over_and_it_is_said() {
    let mut bench = Bench::new(&["/read-only/takes", "/takes"]);
    bench.faults.refused.lock().unwrap().push("/read-only".into());
    bench.begin();
    bench.frames(80);
    let problem = bench.wait("said", |s| s.problem.is_some()).problem.unwrap();
    assert!(problem.contains("/read-only/takes") && problem.contains("in /takes instead"), "{problem}");
    bench.end();
    let path = bench.wait("closed", |s| s.takes == 1).last.unwrap();
    bench.assert_whole(&path);
    assert!(bench.take(&path).footer.unwrap().notes[0].contains("read-only"));
}

#[test]
fn a_folder_that_comes_back_gets_the_whole_take() {
    let mut bench = Bench::new(&["/gone"]);
    bench.faults.refused.lock().unwrap().push("/gone".into());
    bench.begin();
    bench.frames(300);
    bench.wait("said", |s| s.problem.as_deref().is_some_and(|p| p.contains("waits in memory")));
    bench.faults.refused.lock().unwrap().clear();
    bench.wait("written", |s| s.waiting_bytes == 0);
    bench.end();
    let path = bench.wait("closed", |s| s.takes == 1).last.unwrap();
    bench.assert_whole(&path);
}

#[test]
fn a_disk_that_stalls_for_ten_seconds_loses_nothing() {
    let mut bench = Bench::new(&["/takes"]);
    bench.faults.stall_ms.store(10_000, SeqCst);
    bench.begin();
    let start = Instant::now();
    // Ten seconds and more of frames in real time, while the first write hangs.
    for _ in 0..110 {
        bench.frames(8);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(start.elapsed() > Duration::from_secs(10));
    bench.end();
    let closed = bench.wait("closed", |s| s.takes == 1);
    assert_eq!(closed.lost_frames, 0);
    bench.assert_whole(&closed.last.unwrap());
}

#[test]
fn a_name_that_is_too_long_is_shortened() {
    let mut bench = Bench::new(&["/takes"]);
    *bench.faults.longest_name.lock().unwrap() = Some(64);
    bench.begin();
    bench.frames(10);
    bench.end();
    let path = bench.wait("closed", |s| s.takes == 1).last.unwrap();
    bench.assert_whole(&path);
    assert!(path.file_name().unwrap().to_str().unwrap().starts_with("VoiceVoice"));
    assert_eq!(bench.take(&path).header.track.unwrap().len(), 150, "the header keeps the whole name");
}

#[test]
fn gaps_from_the_recorder_are_in_the_footer() {
    let mut bench = Bench::new(&["/takes"]);
    bench.begin();
    bench.frames(10);
    for (count, reason) in [(5, GapReason::RingFull), (2, GapReason::CodecFailed)] {
        assert!(bench.ring.try_push(RecorderEvent::Gap { count, reason }).is_ok());
    }
    bench.frames(10);
    bench.end();
    let take = bench.take(&bench.wait("closed", |s| s.takes == 1).last.unwrap());
    let footer = take.footer.clone().unwrap();
    assert_eq!((footer.frames, footer.lost_frames, footer.failed_frames), (27, 5, 2));
    assert_eq!(take.missing().len(), 2);
}

#[test]
fn removing_the_plugin_closes_the_take_with_all_that_was_handed_over() {
    let mut bench = Bench::new(&["/takes"]);
    bench.begin();
    bench.frames(1000);
    drop(bench.thread.take());
    let status = bench.watch.status();
    assert_eq!(bench.ring.occupied_len(), 0);
    let path = status.last.unwrap();
    bench.assert_whole(&path);
    assert_eq!(bench.take(&path).footer.unwrap().closed, "plugin removed");
}

#[test]
fn an_instance_that_is_removed_does_not_wait_for_a_disk_that_hangs_and_its_take_is_closed_later() {
    let mut bench = Bench::new(&["/takes"]);
    bench.begin();
    bench.frames(100);
    bench.wait("recording", |s| s.frames == 100);
    bench.faults.hangs.store(true, SeqCst);
    bench.frames(100);
    bench.end();
    // It comes back although the disk never does.
    bench.thread = None;
    assert!(bench.faults.hangs.load(SeqCst));
    bench.faults.hangs.store(false, SeqCst);
    let closed = bench.wait("closed", |s| s.takes == 1);
    bench.assert_whole(&closed.last.unwrap());
}

/// A minute: no machine decodes it while an instance is removed.
const LONG_EXPORT_FRAMES: u16 = 4500;

/// An instance that is removed while the WAV of a long take is made.
fn removed_in_a_long_export(folder: &Path) -> (Bench, PathBuf) {
    let mut bench = Bench::new(&[folder.to_str().unwrap()]);
    *bench.formats.lock().unwrap() = vec![ExportFormat::Wav];
    bench.begin();
    bench.frames(LONG_EXPORT_FRAMES);
    bench.end();
    let take = bench.wait("closed", |s| s.takes == 1).last.unwrap();
    bench.thread = None;
    bench.assert_whole(&take);
    (bench, take)
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_export_goes_on_without_its_instance() {
    let folder = tempfile::tempdir().unwrap();
    let (_bench, take) = removed_in_a_long_export(folder.path());
    let (wav, begun) = (take.with_extension("wav"), Instant::now());
    while !wav.exists() {
        assert!(begun.elapsed() < Duration::from_secs(300), "the export was lost");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(hound::WavReader::open(&wav).unwrap().duration(), 640 * u32::from(LONG_EXPORT_FRAMES));
}

#[test]
#[cfg(not(target_os = "linux"))]
fn a_long_export_is_given_up_with_its_instance_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, _) = removed_in_a_long_export(folder.path());
    let problem = bench.wait("given up", |s| s.last_problem.is_some()).last_problem.unwrap();
    assert!(problem.contains("sacodec convert"), "{problem}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.is_empty(), "what was begun stays: {left:?}");
}
