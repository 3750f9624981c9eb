use std::fs;
use std::io::{self, Seek, Write};
use std::path::Path;

use super::header::{self, WRITTEN};
use super::{NpyError, Problem};
use crate::layout::{DataFormat, Shape};
use crate::sites::dense::{Dense, DenseError};
use crate::whole::{Whole, signals};

/// Writes `injections.npy` and `masks.npy` into a folder, one site at a time. The files appear
/// under their names when all sites are in, or not at all. They replace those that are there.
pub struct Writer {
    injections: Array,
    masks: Array,
    axes: [usize; 3],
    sites: u64,
}

struct Array(Whole);

impl Writer {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or written into.
    pub fn create(folder: &Path, shape: Shape, format: DataFormat) -> Result<Writer, NpyError> {
        fs::create_dir_all(folder).map_err(|e| at(folder, e))?;
        Ok(Writer {
            injections: Array::create(folder, "injections.npy")?,
            masks: Array::create(folder, "masks.npy")?,
            axes: format.axes(shape),
            sites: 0,
        })
    }

    /// Appends the site that `dense` holds.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&mut self, dense: &Dense) -> Result<(), NpyError> {
        self.injections.write(dense.injection())?;
        self.masks.write(dense.mask())?;
        self.sites += 1;
        Ok(())
    }

    /// An error of the site to be written next, at the file that would have held it.
    pub fn error(&self, error: DenseError) -> NpyError {
        NpyError { path: self.injections.0.path().to_owned(), problem: Problem::Dense(error) }
    }

    /// Writes the number of sites into both files and gives them their names.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(self) -> Result<(), NpyError> {
        let injections = self.injections.finish(self.sites, self.axes)?;
        let masks = self.masks.finish(self.sites, self.axes)?;
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

    fn finish(self, sites: u64, axes: [usize; 3]) -> Result<Whole, NpyError> {
        let Array(mut whole) = self;
        let file = whole.file();
        match file.rewind().and_then(|()| header::write(file, sites, axes)) {
            Ok(()) => Ok(whole),
            Err(error) => Err(at(whole.path(), error)),
        }
    }
}

fn at(path: &Path, error: io::Error) -> NpyError {
    NpyError { path: path.to_owned(), problem: Problem::Io(error) }
}
