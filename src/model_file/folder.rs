//! Keras' own format as a folder (`model.save("model", zipped=False)`): the members of an archive as files ([`native`]).
//!
//! A changed folder is put together from the files of the old one: what does not change is copied.

mod members;
mod write;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use self::members::Member;
pub(super) use self::write::write;
use super::native::{self, CONFIG_MEMBER, NPZ, WEIGHTS_MEMBER};
use super::{ModelFileError, SavedTree, h5};

/// A folder whose members have been looked at and found in order.
#[derive(Debug)]
pub(super) struct Folder {
    /// The name that messages use.
    path: PathBuf,
    /// Where the folder is.
    place: PathBuf,
    members: Vec<Member>,
}

impl Folder {
    /// Whether Keras takes a folder for a model.
    pub fn is_one(place: &Path) -> bool {
        place.join(CONFIG_MEMBER).symlink_metadata().is_ok()
    }

    /// The folder at `place`; messages call it `path`.
    pub fn open(path: &Path, place: &Path) -> Result<Self, ModelFileError> {
        let members = members::read(path, place)?;
        let folder = Folder { path: path.to_owned(), place: place.to_owned(), members };
        let has = |name: &str| folder.members.iter().any(|member| member.name == name && !member.is_folder);
        native::refuse_incomplete(path, has, || folder.no_file(CONFIG_MEMBER))?;
        // Keras calls them so where it saves a folder in that form, and does not load it.
        let mut head = Vec::new();
        let read = folder.file(WEIGHTS_MEMBER)?.take(4).read_to_end(&mut head);
        read.map_err(|error| folder.read_error(WEIGHTS_MEMBER, &error))?;
        match head.starts_with(b"PK\x03\x04") {
            true => Err(ModelFileError::NoWeights { path: folder.path, form: Some(NPZ) }),
            false => Ok(folder),
        }
    }

    /// Whether one of its top members has that name.
    pub fn has(&self, top: &str) -> bool {
        self.members.iter().any(|member| member.name.split('/').next() == Some(top))
    }

    /// What an `.h5` file has as an attribute.
    pub fn attribute(&self, name: &str) -> Result<Vec<u8>, ModelFileError> {
        native::attribute(&self.path, name, |member, most| self.read(member, most))
    }

    /// The groups of the saved weights.
    pub fn tree(&self) -> Result<SavedTree, ModelFileError> {
        let weights = self.file(WEIGHTS_MEMBER)?;
        let length = weights.metadata().map_err(|error| self.read_error(WEIGHTS_MEMBER, &error))?.len();
        let tree = h5::tree(&self.path, &weights, &(0..length))?;
        let files = self.members.iter().filter(|member| !member.is_folder);
        let assets = files.filter_map(|member| native::asset(&member.name));
        Ok(SavedTree { assets: assets.map(str::to_owned).collect(), ..tree })
    }

    /// Refuses one that is not any more what it was when it was opened.
    pub fn refuse_changed(&self) -> Result<(), ModelFileError> {
        match members::read(&self.path, &self.place)? == self.members {
            true => Ok(()),
            false => {
                Err(ModelFileError::Io { path: self.path.clone(), why: "has changed while it was read".to_owned() })
            }
        }
    }

    /// A member's file.
    fn file(&self, name: &str) -> Result<File, ModelFileError> {
        members::open(&self.place.join(name)).map_err(|error| self.read_error(name, &error))
    }

    /// All bytes of a member, of which there are so many at most.
    fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, ModelFileError> {
        let Some(member) = self.members.iter().find(|member| member.name == name && !member.is_folder) else {
            return Ok(None);
        };
        let damaged = |why: String| ModelFileError::Damaged { path: self.path.clone(), why };
        let size = member.size();
        if size > most {
            return Err(damaged(format!("its member '{name}' has more than {most} bytes")));
        }
        let mut bytes = Vec::new();
        if usize::try_from(size).ok().is_none_or(|size| bytes.try_reserve_exact(size).is_err()) {
            return Err(damaged(format!("no memory for the {size} bytes of '{name}'")));
        }
        let read = self.file(name)?.take(most).read_to_end(&mut bytes);
        read.map(|_| Some(bytes)).map_err(|error| self.read_error(name, &error))
    }

    fn read_error(&self, name: &str, error: &io::Error) -> ModelFileError {
        ModelFileError::io(&self.path.join(name), error)
    }

    fn no_file(&self, name: &str) -> ModelFileError {
        self.read_error(name, &io::ErrorKind::NotFound.into())
    }
}
