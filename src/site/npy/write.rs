use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::header::{self, WRITTEN};
use super::{NpyError, Problem};
use crate::site::dense::{Dense, DenseError};
use crate::site::{DataFormat, Shape};

/// Writes `injections.npy` and `masks.npy` into a folder, one site at a time. The files appear
/// under their names when all sites are in, or not at all.
pub struct Writer {
    injections: Array,
    masks: Array,
    axes: [usize; 3],
    sites: u64,
}

struct Array {
    path: PathBuf,
    file: NamedTempFile,
}

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
        NpyError { path: self.injections.path.clone(), problem: Problem::Dense(error) }
    }

    /// Writes the number of sites into both files and gives them their names.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(self) -> Result<(), NpyError> {
        let injections = self.injections.finish(self.sites, self.axes)?;
        let masks = self.masks.finish(self.sites, self.axes)?;
        for (path, file) in [injections, masks] {
            file.persist(&path).map_err(|e| at(&path, e.error))?;
        }
        Ok(())
    }
}

impl Array {
    fn create(folder: &Path, name: &str) -> Result<Array, NpyError> {
        let path = folder.join(name);
        let create = || -> io::Result<_> {
            // As other files are made: whoever may read the folder's files may read these.
            let mut file = tempfile::Builder::new().prefix(name).permissions(permissions()).tempfile_in(folder)?;
            file.write_all(&[0; WRITTEN])?;
            Ok(file)
        };
        match create() {
            Ok(file) => Ok(Array { path, file }),
            Err(error) => Err(at(&path, error)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), NpyError> {
        self.file.write_all(bytes).map_err(|e| at(&self.path, e))
    }

    fn finish(mut self, sites: u64, axes: [usize; 3]) -> Result<(PathBuf, NamedTempFile), NpyError> {
        let mut finish = || -> io::Result<()> {
            self.file.rewind()?;
            header::write(&mut self.file, sites, axes)
        };
        finish().map_err(|e| at(&self.path, e))?;
        Ok((self.path, self.file))
    }
}

fn at(path: &Path, error: io::Error) -> NpyError {
    NpyError { path: path.to_owned(), problem: Problem::Io(error) }
}

#[cfg(unix)]
fn permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    // The process' umask still takes its share.
    fs::Permissions::from_mode(0o666)
}
