//! NumPy files as a form.

use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use super::header::{self, WRITTEN};
use super::{NpyError, NpyProblem};
use crate::layout::{DataFormat, Shape};
use crate::ordered::{Chunk, Output, Piece, Stop};
use crate::progress::Progress;
use crate::sites::dense::{Dense, DenseCell, DenseError};
use crate::sites::pass::{self, Form, PassError, Passing, Rooms, Source};
use crate::whole::{Whole, signals};

/// Writes the sites of a source into `folder` as `injections.npy` and `masks.npy`; `format` is the order of a site's axes. The
/// files appear under their names when all sites are in, or not at all, and replace those that are there. `progress` counts
/// the sites.
///
/// # Errors
/// The first site that is wrong or a bit flip, or the disk refuses.
pub fn write<S: Source>(
    source: S,
    jobs: usize,
    folder: &Path,
    format: DataFormat,
    progress: &Progress,
) -> Result<Rooms<S>, PassError> {
    let shape = source.shape();
    let injections = folder.join(INJECTIONS);
    let dense = Dense::new(shape).map_err(|error| at_file(&injections, error))?;
    let files = Files::create(folder, format.axes(shape), dense)?;
    let form = AsCells { shape, format, injections };
    let (files, rooms) = pass::run(source, &form, files, jobs, progress)?;
    files.finish()?;
    Ok(rooms)
}

const INJECTIONS: &str = "injections.npy";
const MASKS: &str = "masks.npy";

/// Sites on their way to the files: their cells, one site's behind the other's.
#[derive(Default)]
pub(super) struct Sites {
    cells: Vec<DenseCell>,
    /// Where the cells of each site end.
    ends: Vec<usize>,
}

impl Chunk for Sites {
    fn size(&self) -> usize {
        self.cells.len() * size_of::<DenseCell>() + self.ends.len() * size_of::<usize>()
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.ends.clear();
    }
}

struct AsCells {
    shape: Shape,
    format: DataFormat,
    injections: PathBuf,
}

impl Form for AsCells {
    type Out = Files;
    type Room = ();

    fn room(&self) -> Result<(), PassError> {
        Ok(())
    }

    fn add(&self, _: &mut (), site: &impl Passing, piece: &mut Piece<Files>) -> Result<(), Stop<PassError>> {
        let Sites { cells, ends } = piece.chunk();
        for cell in site.cells() {
            // What has no dense form is told at its line, else at the file that would have held it.
            cells.push(DenseCell::new(self.shape, self.format, cell).map_err(|error| match site.line_number() {
                Some(line) => PassError::Dense { line, error },
                None => at_file(&self.injections, error),
            })?);
        }
        ends.push(cells.len());
        piece.spill()
    }
}

fn at_file(injections: &Path, error: DenseError) -> PassError {
    NpyError { path: injections.to_owned(), problem: NpyProblem::Dense(error) }.into()
}

/// The two files, not yet under their names.
struct Files {
    injections: Array,
    masks: Array,
    axes: Vec<usize>,
    sites: usize,
    dense: Dense,
}

impl Output for Files {
    type Chunk = Sites;
    type Error = PassError;

    fn put(&mut self, Sites { cells, ends }: &mut Sites) -> Result<(), PassError> {
        let mut start = 0;
        for &end in &*ends {
            self.dense.set(&cells[start..end]);
            self.injections.write(self.dense.injection())?;
            self.masks.write(self.dense.mask())?;
            start = end;
        }
        self.sites += ends.len();
        Ok(())
    }
}

struct Array(Whole);

impl Files {
    /// Makes the folder where it is missing.
    fn create(folder: &Path, axes: Vec<usize>, dense: Dense) -> Result<Self, NpyError> {
        fs::create_dir_all(folder).map_err(|e| at(folder, e))?;
        Ok(Files {
            injections: Array::create(folder, INJECTIONS)?,
            masks: Array::create(folder, MASKS)?,
            axes,
            sites: 0,
            dense,
        })
    }

    /// Writes the number of sites into both files and gives them their names.
    fn finish(self) -> Result<(), NpyError> {
        let injections = self.injections.finish(self.sites, &self.axes)?;
        let masks = self.masks.finish(self.sites, &self.axes)?;
        // The old masks go first, so that no moment has new injections beside them.
        signals::postponed(|| {
            if injections.path().is_dir() {
                return Err(at(injections.path(), io::ErrorKind::IsADirectory.into()));
            }
            match fs::remove_file(masks.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(masks.path(), error)),
                _ => {}
            }
            for file in [injections, masks] {
                let path = file.path().to_owned();
                file.appear(true, false).map_err(|error| at(&path, error))?;
            }
            Ok(())
        })
    }
}

impl Array {
    fn create(folder: &Path, name: &str) -> Result<Array, NpyError> {
        let path = folder.join(name);
        let create = || -> io::Result<_> {
            let mut file = Whole::create(&path)?;
            file.file().write_all(&[0; WRITTEN])?;
            Ok(Array(file))
        };
        create().map_err(|error| at(&path, error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), NpyError> {
        self.0.file().write_all(bytes).map_err(|error| at(self.0.path(), error))
    }

    fn finish(self, sites: usize, axes: &[usize]) -> Result<Whole, NpyError> {
        let Array(mut whole) = self;
        let file = whole.file();
        let written = file.rewind().and_then(|()| file.write_all(&header::bytes(sites, axes)?));
        match written {
            Ok(()) => Ok(whole),
            Err(error) => Err(at(whole.path(), error)),
        }
    }
}

fn at(path: &Path, error: io::Error) -> NpyError {
    NpyError { path: path.to_owned(), problem: NpyProblem::Io(error) }
}
