//! NumPy files as a form.

use std::fs;
use std::io::{self, Seek, Write};
use std::path::Path;

use super::header::{self, WRITTEN};
use super::{NpyError, NpyProblem};
use crate::layout::{DataFormat, Shape};
use crate::ordered::{Chunk, Output, Piece, Stop};
use crate::progress::Progress;
use crate::sites::dense::{Dense, DenseError};
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
    let files = Files::create(folder, shape, format)?;
    let form = AsArrays { shape, format, injections: folder.join(INJECTIONS) };
    let (files, rooms) = pass::run(source, &form, files, jobs, progress)?;
    files.finish()?;
    Ok(rooms)
}

const INJECTIONS: &str = "injections.npy";
const MASKS: &str = "masks.npy";

/// Sites on their way to the files.
#[derive(Default)]
pub(super) struct Sites {
    injections: Vec<u8>,
    masks: Vec<u8>,
    count: usize,
}

impl Chunk for Sites {
    fn size(&self) -> usize {
        self.injections.len() + self.masks.len()
    }

    fn clear(&mut self) {
        self.injections.clear();
        self.masks.clear();
        self.count = 0;
    }
}

struct AsArrays {
    shape: Shape,
    format: DataFormat,
    injections: std::path::PathBuf,
}

impl AsArrays {
    /// What has no dense form is told at its line, else at the file that would have held it.
    fn refused(&self, site: &impl Passing, error: DenseError) -> PassError {
        match site.line_number() {
            Some(line) => PassError::Dense { line, error },
            None => self.at_file(error),
        }
    }

    fn at_file(&self, error: DenseError) -> PassError {
        NpyError { path: self.injections.clone(), problem: NpyProblem::Dense(error) }.into()
    }
}

impl Form for AsArrays {
    type Out = Files;
    type Room = Dense;

    fn room(&self) -> Result<Dense, PassError> {
        Dense::new(self.shape, self.format).map_err(|error| self.at_file(error))
    }

    fn add(&self, dense: &mut Dense, site: &impl Passing, piece: &mut Piece<Files>) -> Result<(), Stop<PassError>> {
        dense.set(site.cells()).map_err(|error| self.refused(site, error))?;
        // In parts: a large site must not stand in memory once more.
        for part in dense.injection().chunks(PART) {
            piece.chunk().injections.extend_from_slice(part);
            piece.spill()?;
        }
        for part in dense.mask().chunks(PART) {
            piece.chunk().masks.extend_from_slice(part);
            piece.spill()?;
        }
        piece.chunk().count += 1;
        Ok(())
    }
}

/// How much of a site is handed over at a time, in bytes.
const PART: usize = 1 << 20;

/// The two files, not yet under their names.
struct Files {
    injections: Array,
    masks: Array,
    axes: Vec<usize>,
    sites: usize,
}

impl Output for Files {
    type Chunk = Sites;
    type Error = PassError;

    fn put(&mut self, chunk: &mut Sites) -> Result<(), PassError> {
        self.injections.write(&chunk.injections)?;
        self.masks.write(&chunk.masks)?;
        self.sites += chunk.count;
        Ok(())
    }
}

struct Array(Whole);

impl Files {
    /// Makes the folder where it is missing.
    fn create(folder: &Path, shape: Shape, format: DataFormat) -> Result<Self, NpyError> {
        fs::create_dir_all(folder).map_err(|e| at(folder, e))?;
        Ok(Files {
            injections: Array::create(folder, INJECTIONS)?,
            masks: Array::create(folder, MASKS)?,
            axes: format.axes(shape),
            sites: 0,
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
