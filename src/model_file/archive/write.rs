//! A new archive from the bytes of the old one.
//!
//! What does not change is copied as it stands in the file, headers and what lies between members included. The config is packed as
//! the old one was; weights that move are written anew as HDF5 has them then.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::headers::{self, Changes, Lengths};
use super::{Archive, Member};
use crate::model_file::h5::{self, Changed};
use crate::model_file::native::{CONFIG_MEMBER, WEIGHTS_MEMBER, new_name};
use crate::model_file::{Edit, ModelFileError, TreePlan};
use crate::text::shown;
use crate::whole::{Whole, folder_of};

/// What is read and written at once, in bytes.
const PIECE: usize = 256 << 10;

/// A member of the new archive.
struct Placed<'a> {
    member: &'a Member,
    changes: Changes,
    offset: u64,
}

/// Fills `whole` with the archive, changed as `edit` says. `check` says whether the archive was
/// copied as it was when it was read.
pub fn write(
    archive: &Archive,
    whole: &mut Whole,
    edit: &Edit,
    check: impl FnOnce() -> Result<(), ModelFileError>,
) -> Result<(), ModelFileError> {
    let Edit { config, tree: plan, .. } = edit;
    let out = whole.path().to_owned();
    let source = archive.open_again()?;
    let mut new = Writer { archive, source, to: whole.file(), out: &out, at: 0, piece: vec![0; PIECE] };
    let mut placed: Vec<Placed> = Vec::with_capacity(archive.members.all.len());
    for (member, end) in archive.in_file() {
        let Some(name) = new_name(&member.name, plan) else { continue };
        let offset = new.at;
        let mut changes = Changes { name, lengths: None };
        match member.name.as_str() {
            CONFIG_MEMBER => changes.lengths = Some(new.config(member, config)?),
            WEIGHTS_MEMBER if !plan.is_empty() => changes.lengths = Some(new.weights(member, plan)?),
            _ if changes.name.is_some() => {
                new.header(member, &changes)?;
                new.copy(member.data.start..end)?;
            }
            _ => new.copy(member.header.start..end)?,
        }
        placed.push(Placed { member, changes, offset });
    }
    new.directory(&placed)?;
    check()
}

impl Archive {
    /// The members in the order of the file, each with where the next begins.
    fn in_file(&self) -> Vec<(&Member, u64)> {
        let mut members: Vec<&Member> = self.members.all.iter().collect();
        members.sort_by_key(|member| member.header.start);
        let starts: Vec<u64> = members.iter().skip(1).map(|member| member.header.start).collect();
        members.into_iter().zip(starts.into_iter().chain([self.members.directory])).collect()
    }
}

struct Writer<'a> {
    archive: &'a Archive,
    source: File,
    to: &'a mut File,
    out: &'a Path,
    /// Where the next byte goes.
    at: u64,
    piece: Vec<u8>,
}

impl Writer<'_> {
    fn read_error(&self, error: io::Error) -> ModelFileError {
        ModelFileError::io(&self.archive.path, &error)
    }

    fn write_error(&self, error: io::Error) -> ModelFileError {
        ModelFileError::io(self.out, &error)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ModelFileError> {
        self.to.write_all(bytes).map_err(|error| self.write_error(error))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Copies a range of the old file.
    fn copy(&mut self, range: Range<u64>) -> Result<(), ModelFileError> {
        self.source.seek(SeekFrom::Start(range.start)).map_err(|error| self.read_error(error))?;
        let mut left = range.end - range.start;
        while left > 0 {
            let size = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            self.source.read_exact(&mut self.piece[..size]).map_err(|error| self.read_error(error))?;
            self.to.write_all(&self.piece[..size]).map_err(|error| self.write_error(error))?;
            left -= size as u64;
        }
        self.at += range.end - range.start;
        Ok(())
    }

    /// Writes the header of a member that changes.
    fn header(&mut self, member: &Member, changes: &Changes) -> Result<(), ModelFileError> {
        let old = self.archive.members.bytes(&member.header).map_err(|error| self.read_error(error))?;
        let header = headers::new_local(&old, changes).ok_or_else(|| self.no_room(member))?;
        self.put(&header)
    }

    fn no_room(&self, member: &Member) -> ModelFileError {
        let why = format!("a zip archive has no room for the new name of '{}'", shown(&member.name));
        ModelFileError::Write { path: self.out.to_owned(), why }
    }

    /// Writes the config, packed as the old one is.
    fn config(&mut self, member: &Member, config: &[u8]) -> Result<Lengths, ModelFileError> {
        member.refuse_unknown().map_err(|error| self.archive.unreadable(&member.name, &error))?;
        let packed = match member.is_stored() {
            true => None,
            false => Some(deflated(config).map_err(|error| self.write_error(error))?),
        };
        let packed = packed.as_deref().unwrap_or(config);
        let mut crc = Crc::new();
        config.chunks(PIECE).for_each(|piece| crc.update(piece));
        let (packed_length, size) = (packed.len() as u64, config.len() as u64);
        let lengths = Lengths { packed: packed_length, size, crc: crc.sum(), in_64: false };
        self.header(member, &Changes { name: None, lengths: Some(lengths) })?;
        self.put(packed)?;
        Ok(lengths)
    }

    /// Writes the weights, changed as the plan says and packed as the old ones are.
    fn weights(&mut self, member: &Member, plan: &TreePlan) -> Result<Lengths, ModelFileError> {
        // How long they are shows when they are written, and the header before them is as long for every length.
        let in_64 = h5::most_after(member.size) >= u64::from(u32::MAX);
        let header_at = self.at;
        self.header(member, &Changes { name: None, lengths: Some(Lengths { packed: 0, size: 0, crc: 0, in_64 }) })?;
        let start = self.at;
        let paths = [&self.archive.path, self.out];
        let Changed { length: size, crc } = if member.is_stored() {
            h5::change(paths, (&self.source, &member.data, Some(member.crc)), self.to, plan)?
        } else {
            let folder = folder_of(self.out);
            let beside = || tempfile::tempfile_in(folder).map_err(|error| ModelFileError::io(folder, &error));
            let (unpacked, mut changed) = (beside()?, beside()?);
            self.archive.unpack(member, &unpacked)?;
            let done = h5::change(paths, (&unpacked, &(0..member.size), Some(member.crc)), &changed, plan)?;
            let mut packer = DeflateEncoder::new(&mut *self.to, Compression::default());
            let copied = changed.rewind().and_then(|()| io::copy(&mut changed, &mut packer));
            copied.and_then(|_| packer.finish().map(drop)).map_err(|error| ModelFileError::io(self.out, &error))?;
            done
        };
        let end = self.to.stream_position().map_err(|error| self.write_error(error))?;
        let lengths = Lengths { packed: end - start, size, crc, in_64 };
        self.seek_to(header_at)?;
        self.header(member, &Changes { name: None, lengths: Some(lengths) })?;
        self.seek_to(end)?;
        Ok(lengths)
    }

    fn seek_to(&mut self, at: u64) -> Result<(), ModelFileError> {
        self.at = self.to.seek(SeekFrom::Start(at)).map_err(|error| self.write_error(error))?;
        Ok(())
    }

    /// Writes the directory, its entries in their old order, and what stands behind it.
    fn directory(&mut self, placed: &[Placed]) -> Result<(), ModelFileError> {
        let mut placed: Vec<&Placed> = placed.iter().collect();
        placed.sort_by_key(|placed| placed.member.entry.start);
        let members = &self.archive.members;
        let start = self.at;
        let mut directory = Vec::new();
        for Placed { member, changes, offset } in &placed {
            let old = members.bytes(&member.entry).map_err(|error| self.read_error(error))?;
            directory.extend(headers::new_entry(&old, changes, *offset).ok_or_else(|| self.no_room(member))?);
        }
        let end = start + directory.len() as u64;
        directory.extend(headers::new_tail(&members.tail, placed.len() as u64, start..end).unwrap_or_default());
        self.put(&directory)
    }
}

fn deflated(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes)?;
    packer.finish()
}
