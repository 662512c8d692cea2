//! A recording as a [`Source`].

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::stream::Stream;
use super::{Ending, Header, Item, Reader};
use crate::{Capture, Control, Error, Outlet, Source, StopFlag, Timestamp, Totals};

/// Captures delivered at once, at most.
const BATCH: usize = 256;

/// Bytes delivered at once, about.
const BATCH_BYTES: usize = 1 << 20;

/// Bytes read at once.
const BUFFER: usize = 1 << 17;

/// A waiting player looks this often whether it is to stop.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// How fast a recording plays. Its times stay those that were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it is taken.
    Full,
    /// As it happened.
    Original,
}

/// Plays a recording.
pub struct Recording {
    reader: Reader<Box<dyn Read + Send>>,
    pace: Pace,
    stop: Arc<StopFlag>,
}

impl Recording {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read, [`Error::Recording`] where it
    /// is no recording.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::from_file(File::open(path)?)
    }

    /// Plays from an open file, or from standard input. What is no regular file may come
    /// bit by bit: what there is is delivered before more is waited for, and a stop does
    /// not wait. Returns once the recording's header is there.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_file(file: File) -> Result<Self, Error> {
        let stop = Arc::<StopFlag>::default();
        let from: Box<dyn Read + Send> = if file.metadata()?.is_file() {
            Box::new(BufReader::with_capacity(BUFFER, file))
        } else {
            Box::new(BufReader::with_capacity(BUFFER, Stream::new(file, Arc::clone(&stop))))
        };
        Ok(Recording { reader: Reader::new(from)?, pace: Pace::Full, stop })
    }

    /// Plays from memory, or what else is there at once.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn new(from: Box<dyn Read + Send>) -> Result<Self, Error> {
        Ok(Recording { reader: Reader::new(from)?, pace: Pace::Full, stop: Arc::default() })
    }

    /// Sets the pace; [`Pace::Full`] unless set.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Where and when it was made.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("pace", &self.pace).finish_non_exhaustive()
    }
}

impl Source for Recording {
    fn run(mut self: Box<Self>, outlet: &mut dyn Outlet) -> Result<Totals, Error> {
        let mut clock = Clock::new(self.pace);
        let mut counted = Totals::default();
        let mut batch = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        let mut recorded = None;
        while !self.stop.is_set() {
            let capture = match self.reader.next_item() {
                Ok(Some(Item::Capture(capture))) => capture,
                Ok(Some(Item::End(totals))) => {
                    recorded = Some(totals);
                    break;
                }
                Ok(None) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !batch.is_empty() && !outlet.deliver(&mut batch) {
                        return Ok(counted);
                    }
                    (batch, bytes) = (Vec::with_capacity(BATCH), 0);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            counted.count(&capture);
            bytes += weight(&capture);
            if clock.must_wait(&capture) {
                if !batch.is_empty() && !outlet.deliver(&mut batch) {
                    return Ok(counted);
                }
                (batch, bytes) = (Vec::with_capacity(BATCH), 0);
                clock.wait(&capture, &self.stop);
            }
            batch.push(capture);
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                if !outlet.deliver(&mut batch) {
                    return Ok(counted);
                }
                (batch, bytes) = (Vec::with_capacity(BATCH), 0);
            }
        }
        if !batch.is_empty() {
            outlet.deliver(&mut batch);
        }
        match self.reader.ending().filter(|_| !self.stop.is_set()) {
            Some(Ending::Cut(at)) => log::warn!("the recording ends early, after {at} bytes"),
            Some(Ending::Damaged(at)) => log::warn!("the recording is damaged from byte {at} on"),
            Some(Ending::Whole) | None => {}
        }
        Ok(recorded.unwrap_or(counted))
    }

    fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.stop) as Arc<dyn Control>
    }
}

/// What a capture weighs, in bytes.
fn weight(capture: &Capture) -> usize {
    match capture {
        Capture::Chunk(chunk) => chunk.bytes.len(),
        _ => 0,
    }
}

/// When a recorded time has come.
struct Clock {
    pace: Pace,
    began: Instant,
    first: Option<Timestamp>,
}

impl Clock {
    fn new(pace: Pace) -> Self {
        Clock { pace, began: Instant::now(), first: None }
    }

    /// How long after the beginning this time is played.
    fn due(&mut self, time: Timestamp) -> Duration {
        let first = *self.first.get_or_insert(time);
        Duration::from_nanos(time.0.saturating_sub(first.0))
    }

    fn must_wait(&mut self, capture: &Capture) -> bool {
        if self.pace == Pace::Full {
            return false;
        }
        time(capture).is_some_and(|time| self.due(time) > self.began.elapsed())
    }

    fn wait(&mut self, capture: &Capture, stop: &StopFlag) {
        let Some(time) = time(capture) else { return };
        let due = self.due(time);
        while !stop.is_set() {
            let Some(left) = due.checked_sub(self.began.elapsed()) else { return };
            std::thread::sleep(left.min(LOOK));
        }
    }
}

fn time(capture: &Capture) -> Option<Timestamp> {
    match capture {
        Capture::Open(open) => Some(open.time),
        Capture::Chunk(chunk) => Some(chunk.time),
        Capture::Gap(gap) => Some(gap.time),
        Capture::Close { time, .. } | Capture::Exit { time, .. } => Some(*time),
        Capture::Process(_) | Capture::Endpoint { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Writer;
    use crate::{Chunk, ConnId, Direction};

    #[derive(Default)]
    struct Collected(Vec<Capture>);

    impl Outlet for Collected {
        fn offer(&mut self, captures: &mut Vec<Capture>) -> bool {
            self.deliver(captures)
        }

        fn deliver(&mut self, captures: &mut Vec<Capture>) -> bool {
            self.0.append(captures);
            true
        }
    }

    /// Chunks at these milliseconds.
    fn recording(times: &[u64], ended: bool) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), &Header::default()).unwrap();
        for &time in times {
            let chunk = Chunk {
                conn: ConnId(1),
                direction: Direction::Sent,
                time: Timestamp(time * 1_000_000),
                offset: 0,
                bytes: vec![0; 10],
            };
            writer.capture(&Capture::Chunk(chunk)).unwrap();
        }
        let totals = Totals { captured_bytes: 77, ..Totals::default() };
        if ended {
            return writer.end(&totals).unwrap();
        }
        let mut bytes = writer.end(&totals).unwrap();
        bytes.truncate(bytes.len() - 1);
        bytes
    }

    fn play(bytes: Vec<u8>, pace: Pace) -> (Totals, Vec<Capture>, Duration) {
        let source = Recording::new(Box::new(io::Cursor::new(bytes))).unwrap().pace(pace);
        let mut outlet = Collected::default();
        let began = Instant::now();
        let totals = Box::new(source).run(&mut outlet).unwrap();
        (totals, outlet.0, began.elapsed())
    }

    /// Tells of what arrives.
    struct Told(std::sync::mpsc::Sender<usize>);

    impl Outlet for Told {
        fn offer(&mut self, captures: &mut Vec<Capture>) -> bool {
            self.deliver(captures)
        }

        fn deliver(&mut self, captures: &mut Vec<Capture>) -> bool {
            self.0.send(std::mem::take(captures).len()).is_ok()
        }
    }

    #[test]
    fn what_a_pipe_holds_is_played_before_the_rest_and_a_stop_does_not_wait_for_it() {
        let bytes = recording(&[1, 2, 3], true);
        let (from, mut to) = io::pipe().unwrap();
        // Cut in the last record.
        io::Write::write_all(&mut to, &bytes[..bytes.len() - 5]).unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(from));
        let source = Box::new(Recording::from_file(file).unwrap());
        let (control, (told, hears)) = (source.control(), std::sync::mpsc::channel());
        let player = std::thread::spawn(move || source.run(&mut Told(told)));
        assert_eq!(hears.recv(), Ok(3));
        control.stop();
        let totals = player.join().unwrap().unwrap();
        assert_eq!(totals.captured_bytes, 30);
    }

    #[test]
    fn totals_are_the_recorded_ones_or_counted_where_cut() {
        assert_eq!(play(recording(&[1, 2, 3], true), Pace::Full).0.captured_bytes, 77);
        let (totals, captures, _) = play(recording(&[1, 2, 3], false), Pace::Full);
        assert_eq!((totals.captured_bytes, captures.len()), (30, 3));
    }

    #[test]
    fn at_original_pace_it_takes_its_time_and_keeps_its_times() {
        let (_, captures, took) = play(recording(&[1000, 1050, 1120], true), Pace::Original);
        assert!(took >= Duration::from_millis(120), "{took:?}");
        let times: Vec<u64> = captures.iter().filter_map(|c| time(c).map(|t| t.0)).collect();
        assert_eq!(times, [1_000_000_000, 1_050_000_000, 1_120_000_000]);
    }

    #[test]
    fn a_stopped_player_ends_soon() {
        let bytes = recording(&[0, 3_600_000], true);
        let source = Recording::new(Box::new(io::Cursor::new(bytes))).unwrap();
        let source = Box::new(source.pace(Pace::Original));
        let control = source.control();
        let player = std::thread::spawn(move || source.run(&mut Collected::default()));
        std::thread::sleep(Duration::from_millis(20));
        control.stop();
        player.join().unwrap().unwrap();
    }
}
