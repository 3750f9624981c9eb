//! Work shared by threads, its output in order, in bounded memory.
//!
//! The work is cut in pieces. A thread takes a piece and makes its output; when the piece's turn has come, that goes out, else it
//! waits: with other finished pieces where there is room, and else the thread waits with it. A piece larger than its chunk
//! goes out in parts once its turn has come. The piece whose turn it is never waits, so neither does the whole. An error, too,
//! has its turn: it is that of the first piece that has one, and all before it has gone out.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How much of a piece a thread holds before it waits for its turn, in bytes.
const CHUNK: usize = 2 << 20;

/// How much may wait in finished pieces, in bytes.
const WAITING: usize = 16 << 20;

/// Where pieces go, one after the other.
pub trait Output: Send {
    /// What is handed over at a time.
    type Chunk: Chunk;
    /// Why it cannot go on.
    type Error: Send;

    /// Takes what is in a chunk, which is used again.
    ///
    /// # Errors
    /// It cannot be taken; nothing is handed over after that.
    fn put(&mut self, chunk: &mut Self::Chunk) -> Result<(), Self::Error>;
}

/// A part of the output that waits for its turn.
pub trait Chunk: Default + Send {
    /// How much memory it takes, in bytes.
    fn size(&self) -> usize;
    /// Empties it.
    fn clear(&mut self);
}

impl Chunk for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn clear(&mut self) {
        Vec::clear(self);
    }
}

/// Why a piece ends early.
#[derive(Debug)]
pub enum Stop<E> {
    /// It has failed.
    Failed(E),
    /// Another has, or the output.
    Over,
}

impl<E> From<E> for Stop<E> {
    fn from(error: E) -> Self {
        Stop::Failed(error)
    }
}

/// Where the output of one piece goes.
pub struct Piece<'a, O: Output> {
    turns: &'a Turns<O>,
    number: u64,
    chunk: O::Chunk,
}

struct Turns<O: Output> {
    state: Mutex<State<O>>,
    changed: Condvar,
}

struct State<O: Output> {
    out: O,
    next: u64,
    finished: BTreeMap<u64, O::Chunk>,
    waiting: usize,
    is_over: bool,
    error: Option<O::Error>,
}

/// Calls `work` for each piece that `take` gives, until it gives none, on `jobs` threads, each with a `worker` of its own. What
/// the pieces make goes to `out` in their order. Gives output and workers back.
///
/// # Errors
/// That of the first piece that has one, or of the output.
///
/// # Panics
/// As `work` does, on whichever thread; the others end as after an error.
pub fn run<B, T: Send, O: Output>(
    jobs: usize,
    take: impl FnMut() -> Option<B> + Send,
    out: O,
    worker: impl Fn() -> T + Sync,
    work: impl Fn(&mut T, B, &mut Piece<O>) -> Result<(), Stop<O::Error>> + Sync,
) -> Result<(O, Vec<T>), O::Error> {
    let state = State { out, next: 0, finished: BTreeMap::new(), waiting: 0, is_over: false, error: None };
    let turns = Turns { state: Mutex::new(state), changed: Condvar::new() };
    let taking = Mutex::new((0, take));
    let next = || {
        let mut taking = taking.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = if turns.lock().is_over { None } else { (taking.1)() }?;
        taking.0 += 1;
        Some((taking.0 - 1, batch))
    };
    let job = || {
        let _ends_all = EndsAll(&turns);
        let mut worker = worker();
        let mut spare = O::Chunk::default();
        while let Some((number, batch)) = next() {
            let mut piece = Piece { turns: &turns, number, chunk: std::mem::take(&mut spare) };
            let done = work(&mut worker, batch, &mut piece);
            match piece.finish(done) {
                Ok(chunk) => spare = chunk,
                Err(Over) => break,
            }
        }
        worker
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
    let state = turns.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.error.map_or(Ok((state.out, workers)), Err)
}

/// Nothing more goes out.
struct Over;

/// Ends all pieces when its thread panics: the others would wait for its turn for ever.
struct EndsAll<'a, O: Output>(&'a Turns<O>);

impl<O: Output> Drop for EndsAll<'_, O> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end(&mut self.0.lock(), None);
        }
    }
}

impl<O: Output> Turns<O> {
    fn lock(&self) -> MutexGuard<'_, State<O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready`, or until all is over.
    fn wait(&self, ready: impl Fn(&State<O>) -> bool) -> Result<MutexGuard<'_, State<O>>, Over> {
        let waiting = |state: &mut State<O>| !state.is_over && !ready(state);
        let state = self.changed.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner);
        if state.is_over { Err(Over) } else { Ok(state) }
    }

    fn end(&self, state: &mut State<O>, error: Option<O::Error>) {
        state.is_over = true;
        state.error = state.error.take().or(error);
        self.changed.notify_all();
    }

    /// Hands a chunk to the output, whose turn has come.
    fn put(&self, state: &mut State<O>, chunk: &mut O::Chunk) -> Result<(), Over> {
        let done = state.out.put(chunk);
        chunk.clear();
        done.map_err(|error| {
            self.end(state, Some(error));
            Over
        })
    }
}

impl<O: Output> Piece<'_, O> {
    /// What the piece holds so far.
    pub fn chunk(&mut self) -> &mut O::Chunk {
        &mut self.chunk
    }

    /// Where the chunk is full, waits for the piece's turn and hands it over.
    ///
    /// # Errors
    /// All is over.
    pub fn spill(&mut self) -> Result<(), Stop<O::Error>> {
        if self.chunk.size() >= CHUNK { self.hand_over().map_err(|Over| Stop::Over) } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<(), Over> {
        let number = self.number;
        let mut state = self.turns.wait(|state| state.next == number)?;
        self.turns.put(&mut state, &mut self.chunk)
    }

    /// Hands over what is left, and the error behind it; gives back a chunk to use again.
    fn finish(mut self, done: Result<(), Stop<O::Error>>) -> Result<O::Chunk, Over> {
        match done {
            Ok(()) => {}
            Err(Stop::Over) => return Err(Over),
            Err(Stop::Failed(error)) => {
                self.hand_over()?;
                self.turns.end(&mut self.turns.lock(), Some(error));
                return Err(Over);
            }
        }
        let (number, size) = (self.number, self.chunk.size());
        let fits = |state: &State<O>| state.next == number || state.waiting + size <= WAITING;
        let state = &mut *self.turns.wait(fits)?;
        if state.next != number {
            state.waiting += size;
            state.finished.insert(number, self.chunk);
            return Ok(O::Chunk::default());
        }
        self.turns.put(state, &mut self.chunk)?;
        state.next += 1;
        while let Some(mut chunk) = state.finished.remove(&state.next) {
            state.waiting -= chunk.size();
            self.turns.put(state, &mut chunk)?;
            state.next += 1;
        }
        self.turns.changed.notify_all();
        Ok(self.chunk)
    }
}

impl<O: Output<Chunk = Vec<u8>>> Write for Piece<'_, O> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        self.flush()?;
        Ok(bytes.len())
    }

    /// As [`Piece::spill`]; the only error is that all is over.
    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        self.spill().map_err(|_| io::Error::other("the output has failed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Collects bytes, up to so many.
    struct Room(Vec<u8>, usize);

    impl Output for Room {
        type Chunk = Vec<u8>;
        type Error = String;

        fn put(&mut self, chunk: &mut Vec<u8>) -> Result<(), String> {
            self.0.extend_from_slice(chunk);
            if self.0.len() > self.1 { Err("full".to_owned()) } else { Ok(()) }
        }
    }

    fn counted(count: u64) -> impl FnMut() -> Option<u64> + Send {
        let mut numbers = 0..count;
        move || numbers.next()
    }

    fn put(piece: &mut Piece<Room>, bytes: &[u8]) -> Result<(), Stop<String>> {
        piece.write_all(bytes).map_err(|_| Stop::Over)
    }

    /// Pieces of very different sizes, some beyond a chunk.
    fn pieces(jobs: usize, count: u64) -> Vec<u8> {
        let work = |made: &mut u64, number: u64, piece: &mut Piece<_>| {
            *made += 1;
            let length = if number % 7 == 3 { CHUNK / 2 + 11 } else { number as usize % 5 };
            (0..3).try_for_each(|_| put(piece, &vec![number as u8; length]))
        };
        let (out, workers) = run(jobs, counted(count), Room(Vec::new(), usize::MAX), || 0, work).unwrap();
        assert_eq!(workers.len(), jobs);
        assert_eq!(workers.iter().sum::<u64>(), count);
        out.0
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
        let work = |_: &mut (), _, piece: &mut Piece<_>| put(piece, &[0; 1000]);
        let error = run(4, counted(u64::MAX), Room(Vec::new(), 100_000), || (), work).err();
        assert_eq!(error.as_deref(), Some("full"));
    }

    #[test]
    fn the_first_error_of_a_piece_is_told_when_all_before_it_is_out() {
        for jobs in [1, 2, 5] {
            let seen = Mutex::new(Vec::new());
            struct Seen<'a>(&'a Mutex<Vec<u8>>);
            impl Output for Seen<'_> {
                type Chunk = Vec<u8>;
                type Error = u64;
                fn put(&mut self, chunk: &mut Vec<u8>) -> Result<(), u64> {
                    self.0.lock().unwrap().extend_from_slice(chunk);
                    Ok(())
                }
            }
            let work = |_: &mut (), number: u64, piece: &mut Piece<Seen>| {
                piece.chunk().push(number as u8);
                // The later ones fail at once.
                if number < 20 {
                    thread::yield_now();
                }
                if number >= 20 { Err(Stop::Failed(number)) } else { Ok(()) }
            };
            assert_eq!(run(jobs, counted(100), Seen(&seen), || (), work).err(), Some(20), "{jobs} threads");
            assert_eq!(seen.into_inner().unwrap(), (0..=20).collect::<Vec<u8>>());
        }
    }

    #[test]
    fn a_panic_on_any_thread_ends_all_of_them() {
        for number_of_the_bad in [0, 17] {
            let work = |_: &mut (), number, piece: &mut Piece<_>| {
                assert_ne!(number, number_of_the_bad, "on purpose");
                put(piece, &vec![0; CHUNK / 8])
            };
            let run = || run(4, counted(1_000_000), Room(Vec::new(), usize::MAX), || (), work).map(drop);
            assert!(std::panic::catch_unwind(run).is_err());
        }
    }
}
