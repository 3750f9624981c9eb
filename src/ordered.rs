//! Work shared by threads, its output in order, in bounded memory.
//!
//! The work is cut in pieces. A thread makes the bytes of one piece at a time; when the piece's turn has come they go
//! out, else they wait: with other finished pieces where there is room, and else the thread waits with them. A piece
//! larger than its buffer goes out in parts once its turn has come. The piece whose turn it is never waits, so neither
//! does the whole.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How much of a piece a thread holds before it waits for its turn, in bytes.
const BUFFER: usize = 2 << 20;

/// How much may wait in finished pieces, in bytes.
const WAITING: usize = 16 << 20;

struct Turns<W> {
    state: Mutex<State<W>>,
    changed: Condvar,
}

struct State<W> {
    out: W,
    next: u64,
    finished: BTreeMap<u64, Vec<u8>>,
    waiting: usize,
    error: Option<io::Error>,
}

/// Where the bytes of one piece go.
pub struct Piece<'a, W: Write> {
    turns: &'a Turns<W>,
    number: u64,
    buffer: Vec<u8>,
}

/// Calls `work` for the pieces `0..count` on `jobs` threads, each with a `worker` of its own, and writes what the pieces
/// write to `out` in their order. Gives the workers back.
///
/// # Errors
/// The first error of `out`; the pieces under way then end at their next write.
///
/// # Panics
/// As `work` does, on whichever thread; the others end as after an error.
pub fn run<T: Send, W: Write + Send>(
    jobs: usize,
    count: u64,
    out: W,
    worker: impl Fn() -> T + Sync,
    work: impl Fn(&mut T, u64, &mut Piece<W>) -> io::Result<()> + Sync,
) -> io::Result<Vec<T>> {
    let state = State { out, next: 0, finished: BTreeMap::new(), waiting: 0, error: None };
    let turns = Turns { state: Mutex::new(state), changed: Condvar::new() };
    let taken = AtomicU64::new(0);
    let job = || {
        let _ends_all = EndsAll(&turns);
        let mut worker = worker();
        let mut spare = Vec::new();
        loop {
            let number = taken.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return worker;
            }
            let mut piece = Piece { turns: &turns, number, buffer: std::mem::take(&mut spare) };
            let done = work(&mut worker, number, &mut piece).and_then(|()| piece.finish());
            match done {
                Ok(buffer) => spare = buffer,
                Err(error) => {
                    turns.fail(error);
                    return worker;
                }
            }
        }
    };
    let workers = thread::scope(|scope| {
        // A thread that the system does not give leaves its work to the others.
        let others = (1..jobs).filter_map(|_| thread::Builder::new().spawn_scoped(scope, job).ok());
        let others: Vec<_> = others.collect();
        let mut workers = vec![job()];
        for other in others {
            match other.join() {
                Ok(worker) => workers.push(worker),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        workers
    });
    let mut state = turns.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state.error.take() {
        Some(error) => Err(error),
        None => state.out.flush().map(|()| workers),
    }
}

/// Ends all pieces when its thread panics: the others would wait for its turn for ever.
struct EndsAll<'a, W: Write>(&'a Turns<W>);

impl<W: Write> Drop for EndsAll<'_, W> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(io::Error::other("a thread has panicked"));
        }
    }
}

impl<W: Write> Turns<W> {
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready`, or until some write has failed.
    fn wait(&self, ready: impl Fn(&State<W>) -> bool) -> io::Result<MutexGuard<'_, State<W>>> {
        let waiting = |state: &mut State<W>| state.error.is_none() && !ready(state);
        let state = self.changed.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner);
        match &state.error {
            // The error itself is kept for the caller of `run`.
            Some(error) => Err(error.kind().into()),
            None => Ok(state),
        }
    }

    fn fail(&self, error: io::Error) {
        self.lock().error.get_or_insert(error);
        self.changed.notify_all();
    }
}

impl<W: Write> Piece<'_, W> {
    /// Hands over what is left; gives back a buffer to use again.
    fn finish(mut self) -> io::Result<Vec<u8>> {
        let (number, length) = (self.number, self.buffer.len());
        let fits = |state: &State<W>| state.next == number || state.waiting + length <= WAITING;
        let state = &mut *self.turns.wait(fits)?;
        if state.next != number {
            state.waiting += length;
            state.finished.insert(number, self.buffer);
            return Ok(Vec::new());
        }
        state.out.write_all(&self.buffer)?;
        state.next += 1;
        while let Some(bytes) = state.finished.remove(&state.next) {
            state.out.write_all(&bytes)?;
            state.waiting -= bytes.len();
            state.next += 1;
        }
        self.turns.changed.notify_all();
        self.buffer.clear();
        Ok(self.buffer)
    }
}

impl<W: Write> Write for Piece<'_, W> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    /// Waits for the piece's turn and writes what is there.
    fn flush(&mut self) -> io::Result<()> {
        let number = self.number;
        self.turns.wait(|state| state.next == number)?.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of very different sizes, some beyond the buffer.
    fn pieces(jobs: usize, count: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let work = |made: &mut u64, number: u64, piece: &mut Piece<_>| {
            *made += 1;
            let length = if number % 7 == 3 { BUFFER / 2 + 11 } else { number as usize % 5 };
            (0..3).try_for_each(|_| piece.write_all(&vec![number as u8; length]))
        };
        let workers = run(jobs, count, &mut out, || 0, work).unwrap();
        assert_eq!(workers.len(), jobs);
        assert_eq!(workers.iter().sum::<u64>(), count);
        out
    }

    #[test]
    fn the_output_does_not_depend_on_the_number_of_threads() {
        let expected = pieces(1, 40);
        assert!(expected.is_sorted());
        for jobs in [2, 3, 8] {
            assert!(pieces(jobs, 40) == expected, "{jobs} threads");
        }
        assert!(pieces(4, 0).is_empty());
    }

    #[test]
    fn an_error_of_the_output_ends_all_threads() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let work = |_: &mut (), _, piece: &mut Piece<_>| piece.write_all(&[0; 1000]);
        let error = run(4, u64::MAX, Full(100_000), || (), work).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_panic_on_any_thread_ends_all_of_them() {
        for number_of_the_bad in [0, 17] {
            let work = |_: &mut (), number, piece: &mut Piece<_>| {
                assert_ne!(number, number_of_the_bad, "on purpose");
                piece.write_all(&vec![0; BUFFER / 8])
            };
            let run = || run(4, 1_000_000, io::sink(), || (), work).map(drop);
            assert!(std::panic::catch_unwind(run).is_err());
        }
    }
}
