//! A record that is not written to its end when llmtop is, with whole ones behind it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use aya::maps::{HashMap, MapData, MapInfo, loaded_maps};
use aya::programs::RawTracePoint;
use aya::{Ebpf, EbpfLoader};
use llmtop_probe::{Capture, Totals};
use llmtop_probe_common::{names, unfinished};

use crate::driven::Driven;
use crate::plain::{ANSWER, REQUEST};
use crate::root;
use crate::session::{Session, only, streams};

const RING: u32 = 8 << 20;
const SIZE: usize = 20_000;

/// The id of the ring of the capture that runs in this process. Among all that are loaded, one
/// of a capture that has ended may linger: the kernel frees them later.
fn ring() -> u32 {
    let mut held = HashSet::new();
    for entry in std::fs::read_dir("/proc/self/fdinfo").unwrap() {
        // Some are closed meanwhile.
        let Ok(info) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        let id = info.lines().find_map(|line| line.strip_prefix("map_id:"));
        held.extend(id.map(|id| id.trim().parse::<u32>().unwrap()));
    }
    let is_ring = |map: &MapInfo| {
        held.contains(&map.id())
            && map.name_as_str() == Some(names::EVENTS)
            && map.max_entries() == RING
    };
    let rings: Vec<_> =
        loaded_maps().filter_map(Result::ok).filter(is_ring).map(|map| map.id()).collect();
    assert_eq!(rings.len(), 1, "{rings:?}");
    rings[0]
}

/// A thread that has a place in llmtop's ring.
struct Holder {
    states: HashMap<MapData, u64, u32>,
    thread: u64,
    ended: Arc<AtomicBool>,
    running: JoinHandle<()>,
    _bpf: Ebpf,
}

impl Holder {
    fn start() -> Self {
        let name = format!("llmtop-test-{}", std::process::id());
        let pin = Path::new("/sys/fs/bpf").join(name);
        MapData::from_id(ring()).unwrap().pin(&pin).unwrap();
        let object =
            format!("{}/bpf/llmtop-{}.o", env!("CARGO_MANIFEST_DIR"), std::env::consts::ARCH);
        let loaded = EbpfLoader::new()
            .map_pin_path(names::EVENTS, &pin)
            .map_max_entries(names::EVENTS, RING)
            .load_file(object);
        std::fs::remove_file(pin).unwrap();
        let mut bpf = loaded.unwrap();
        let program: &mut RawTracePoint =
            bpf.program_mut("unfinished_record").unwrap().try_into().unwrap();
        program.load().unwrap();
        program.attach("sys_enter").unwrap();
        let map = bpf.take_map(names::UNFINISHED).unwrap();
        let mut states: HashMap<_, u64, u32> = map.try_into().unwrap();
        let (sender, receiver) = mpsc::channel();
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let running = std::thread::spawn(move || {
            let thread = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
            sender.send(u64::from(std::process::id()) << 32 | u64::from(thread)).unwrap();
            // One of these calls is kept from beginning.
            while !end.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let thread = receiver.recv().unwrap();
        states.insert(thread, unfinished::ASKED, 0).unwrap();
        while states.get(&thread, 0).unwrap() != unfinished::HELD {
            std::thread::sleep(Duration::from_millis(1));
        }
        Self { states, thread, ended, running, _bpf: bpf }
    }

    fn let_go(mut self) {
        self.states.insert(self.thread, unfinished::DONE, 0).unwrap();
        self.ended.store(true, Ordering::Relaxed);
        self.running.join().unwrap();
    }
}

/// What two messages and their connection's end came to, where the record is let go so long
/// after llmtop was told to end, or not before it has.
fn ended(after: Option<Duration>) -> (Vec<Capture>, Totals) {
    let folder = tempfile::tempdir().unwrap();
    let mut python = Driven::start("/usr/bin/python3", "plain.py", folder.path());
    let session = Session::start(only(python.pid()), Some(RING));
    let holder = Holder::start();
    python.run(&format!("call sendto {SIZE}"));
    let ended = match after {
        Some(after) => {
            session.control.stop();
            let later = std::thread::spawn(move || {
                std::thread::sleep(after);
                holder.let_go();
            });
            let ended = session.stop();
            later.join().unwrap();
            ended
        }
        None => {
            let ended = session.stop();
            holder.let_go();
            ended
        }
    };
    python.end();
    ended
}

#[test]
fn what_is_behind_it_is_waited_for() {
    let Some(_alone) = root() else { return };
    let (captures, totals) = ended(Some(Duration::from_millis(100)));
    let mut lengths: Vec<_> =
        streams(&captures).values().map(|stream| stream.bytes.len()).collect();
    lengths.sort_unstable();
    let (request, answer) = (REQUEST.len() + SIZE, ANSWER.len() + SIZE);
    assert_eq!(lengths, [answer, answer, request, request]);
    assert_eq!(totals.lost_bytes, 0);
}

#[test]
fn what_is_behind_it_for_good_is_lost_and_counted() {
    let Some(_alone) = root() else { return };
    let (_, totals) = ended(None);
    let moved = 2 * (REQUEST.len() + ANSWER.len() + 2 * SIZE) as u64;
    assert_eq!(totals.captured_bytes, 0);
    assert!(totals.lost_bytes >= moved, "{totals:?}");
}
