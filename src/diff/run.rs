//! Many tensors compared: on several threads, in the order of their names, with what cannot be compared told on the way.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::line::Line;
use super::{DiffError, Differ, Golden};
use crate::layout::DataFormat;
use crate::ordered::{self, Output, Piece, Stop};
use crate::progress::Progress;

/// A faulty tensor's file, and the golden one that its list names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faulty {
    /// The file.
    pub path: PathBuf,
    /// The golden tensor's file, where the list names it.
    pub golden: Option<PathBuf>,
}

/// Which golden tensor a faulty one is compared with, where its list does not say.
#[derive(Clone, Debug)]
pub enum Which {
    /// One for all.
    One(PathBuf),
    /// Another for each, at this path as seen from the folder of the faulty one.
    Beside(PathBuf),
    /// None: the list has to say.
    Listed,
}

/// What has become of all tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// How many have wrong cells.
    pub corrupted: u64,
    /// How many are as the golden one.
    pub masked: u64,
    /// How many could not be compared.
    pub failed: u64,
}

impl Compared {
    /// How many there were.
    pub fn all(self) -> u64 {
        self.corrupted + self.masked + self.failed
    }

    fn and(self, other: Compared) -> Compared {
        Compared {
            corrupted: self.corrupted + other.corrupted,
            masked: self.masked + other.masked,
            failed: self.failed + other.failed,
        }
    }
}

/// Why one tensor was not compared.
#[derive(Debug)]
pub enum Notice<'a> {
    /// It cannot be.
    Failed(&'a DiffError),
    /// Its golden tensor cannot be read.
    Golden(&'a Path, &'a DiffError),
    /// The list names no golden tensor for it.
    NoGolden(&'a Path),
    /// It is the golden tensor itself, which says nothing of faults.
    IsGolden(&'a Path),
}

/// How many golden tensors are remembered: tensors of one batch come together.
const REMEMBERED: usize = 8;

type Read = Result<(Golden, Line), DiffError>;

/// The golden tensors that were needed last.
struct Goldens {
    format: DataFormat,
    read: Mutex<VecDeque<(PathBuf, Arc<Read>)>>,
}

impl Goldens {
    fn get(&self, path: &Path) -> Arc<Read> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, golden)) = read.iter().find(|(there, _)| there == path) {
            return Arc::clone(golden);
        }
        let golden = Golden::read(path, self.format).map(|golden| {
            let line = Line::new(&golden);
            (golden, line)
        });
        let golden = Arc::new(golden);
        if read.len() == REMEMBERED {
            read.pop_front();
        }
        read.push_back((path.to_owned(), Arc::clone(&golden)));
        golden
    }
}

/// Where the lines go.
struct Lines<W>(W);

impl<W: Write + Send> Output for Lines<W> {
    type Chunk = Vec<u8>;
    type Error = io::Error;

    fn put(&mut self, chunk: &mut Vec<u8>) -> io::Result<()> {
        self.0.write_all(chunk)
    }
}

/// How tensors are compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// With which golden tensor.
    pub which: Which,
    /// The order of the axes in all of them.
    pub format: DataFormat,
    /// From which difference on a cell is wrong; 0 is any bit.
    pub epsilon: f32,
    /// On how many threads.
    pub jobs: usize,
}

impl Comparison {
    /// Compares tensors, and writes a line for each that has wrong cells, in the order in which they come. `tell` hears of
    /// each that is not compared, and `progress` counts them all.
    ///
    /// # Errors
    /// `out` refuses.
    pub fn run<W: Write + Send>(
        &self,
        faulty: impl Iterator<Item = Faulty> + Send,
        out: W,
        tell: impl Fn(Notice) + Sync,
        progress: &Progress,
    ) -> io::Result<Compared> {
        let goldens = Goldens { format: self.format, read: Mutex::new(VecDeque::new()) };
        let worker = || (Differ::new(self.epsilon), Compared::default());
        let mut numbered = (0u64..).zip(faulty);
        let (mut out, workers) = ordered::run(
            self.jobs,
            move || numbered.next(),
            Lines(out),
            worker,
            |(differ, compared): &mut (Differ, Compared), (number, faulty), piece: &mut Piece<_>| {
                progress.add(1);
                let path = &faulty.path;
                let Some(golden) = faulty.golden.clone().or_else(|| self.golden_for(path)) else {
                    tell(Notice::NoGolden(path));
                    compared.failed += 1;
                    return Ok(());
                };
                let golden = goldens.get(&golden);
                let (golden, line) = match &*golden {
                    Ok(golden) => golden,
                    Err(error) => {
                        tell(Notice::Golden(path, error));
                        compared.failed += 1;
                        return Ok(());
                    }
                };
                if let Err(error) = differ.compare(golden, path) {
                    tell(Notice::Failed(&error));
                    compared.failed += 1;
                } else if !differ.found().is_empty() {
                    compared.corrupted += 1;
                    let class = differ.spatial_class(golden);
                    // What is written to a piece fails only when all is over.
                    line.write(number, path, class, differ.found(), piece).map_err(|_| Stop::Over)?;
                } else if differ.tensor.is_file_of(&golden.tensor) {
                    tell(Notice::IsGolden(path));
                } else {
                    compared.masked += 1;
                }
                Ok(())
            },
        )?;
        out.0.flush()?;
        Ok(workers.into_iter().map(|(_, compared)| compared).fold(Compared::default(), Compared::and))
    }

    fn golden_for(&self, path: &Path) -> Option<PathBuf> {
        match &self.which {
            Which::One(golden) => Some(golden.clone()),
            Which::Beside(beside) => Some(path.parent().unwrap_or(Path::new("")).join(beside)),
            Which::Listed => None,
        }
    }
}
