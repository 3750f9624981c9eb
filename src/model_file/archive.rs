//! Keras' own archives (`.keras`): a zip of the members of its format ([`native`]).
//!
//! A changed archive is put together from the bytes of the old one: what does not change is never unpacked.

mod headers;
mod members;
mod write;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use self::members::{Member, Members};
pub(super) use self::write::write;
use super::native::{self, WEIGHTS_MEMBER};
use super::{ModelFileError, SavedTree, h5};
use crate::text::shown;

/// An archive whose members have been looked at and found in order.
#[derive(Debug)]
pub(super) struct Archive {
    /// The name that messages use.
    path: PathBuf,
    /// Where the file is.
    place: PathBuf,
    members: Members,
}

impl Archive {
    /// The archive at `place`; messages call it `path`.
    pub fn open(path: &Path, place: &Path) -> Result<Self, ModelFileError> {
        let file = File::open(place).map_err(|error| ModelFileError::io(path, &error))?;
        let members = members::read(path, file)?;
        let archive = Archive { path: path.to_owned(), place: place.to_owned(), members };
        let has = |name: &str| archive.member(name).is_some();
        let other = || ModelFileError::OtherZip { path: path.to_owned() };
        native::refuse_incomplete(path, has, other)?;
        Ok(archive)
    }

    /// The member of that name.
    fn member(&self, name: &str) -> Option<&Member> {
        self.members.all.iter().find(|member| member.name == name)
    }

    /// What an `.h5` file has as an attribute.
    pub fn attribute(&self, name: &str) -> Result<Vec<u8>, ModelFileError> {
        native::attribute(&self.path, name, |member, most| self.read(member, most))
    }

    /// The groups of the saved weights.
    pub fn tree(&self) -> Result<SavedTree, ModelFileError> {
        let Some(member) = self.member(WEIGHTS_MEMBER) else { return Ok(SavedTree::default()) };
        let tree = if member.is_stored() {
            h5::tree(&self.path, &self.open_again()?, &member.data)?
        } else {
            let unpacked = tempfile::tempfile().map_err(|error| ModelFileError::io(&self.path, &error))?;
            self.unpack(member, &unpacked)?;
            h5::tree(&self.path, &unpacked, &(0..member.size))?
        };
        let names = self.members.all.iter().filter(|member| !member.name.ends_with('/'));
        let assets = names.filter_map(|member| native::asset(&member.name));
        Ok(SavedTree { assets: assets.map(str::to_owned).collect(), ..tree })
    }

    fn open_again(&self) -> Result<File, ModelFileError> {
        File::open(&self.place).map_err(|error| ModelFileError::io(&self.path, &error))
    }

    /// Writes the bytes of a member to a file.
    fn unpack(&self, member: &Member, mut to: &File) -> Result<(), ModelFileError> {
        let copied = self.members.reader(member).and_then(|mut reader| io::copy(&mut reader, &mut to));
        copied.map(drop).map_err(|error| self.unreadable(&member.name, &error))
    }

    /// All bytes of a member, which are checked; those of one that is packed are at most so many.
    fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, ModelFileError> {
        let Some(member) = self.member(name) else { return Ok(None) };
        if member.size > most && !member.is_stored() {
            return Err(self.damaged(format!("its member '{}' has more than {most} bytes", shown(name))));
        }
        let mut bytes = Vec::new();
        if usize::try_from(member.size).ok().is_none_or(|size| bytes.try_reserve_exact(size).is_err()) {
            return Err(self.damaged(format!("no memory for the {} bytes of '{}'", member.size, shown(name))));
        }
        let read = self.members.reader(member).and_then(|mut reader| reader.read_to_end(&mut bytes));
        read.map(|_| Some(bytes)).map_err(|error| self.unreadable(name, &error))
    }

    fn unreadable(&self, name: &str, error: &io::Error) -> ModelFileError {
        self.damaged(format!("its member '{}': {}", shown(name), members::words(error)))
    }

    fn damaged(&self, why: String) -> ModelFileError {
        ModelFileError::Damaged { path: self.path.clone(), why }
    }
}
