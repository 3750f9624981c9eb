//! The members of an archive, looked at before anything is believed of them.
//!
//! The crate `rawzip` reads the directory and what stands before each member. What would make two readers see two models, and what
//! Keras refuses, is refused here.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use flate2::read::DeflateDecoder;
use rawzip::{
    CompressionMethod, ErrorKind, FileReader, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive,
    ZipArchiveEntryWayfinder, ZipFileHeaderRecord,
};

use super::headers;
use crate::model_file::ModelFileError;
use crate::model_file::native::CONFIG_MEMBER;
use crate::text::{io_words, shown};

/// One member.
#[derive(Debug)]
pub struct Member {
    /// Its path in the archive.
    pub name: String,
    way: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    /// The checksum of its bytes.
    pub crc: u32,
    /// How many bytes it has, unpacked.
    pub size: u64,
    /// Where its header is in the file.
    pub header: Range<u64>,
    /// Where its packed bytes are, right behind the header.
    pub data: Range<u64>,
    /// Where its entry is in the directory at the end of the file.
    pub entry: Range<u64>,
}

/// The parts of an archive: members, the directory, and its end.
#[derive(Debug)]
pub struct Members {
    archive: ZipArchive<FileReader>,
    /// In the order of the directory.
    pub all: Vec<Member>,
    /// Where the directory begins.
    pub directory: u64,
    /// What stands behind the directory.
    pub tail: Vec<u8>,
}

/// Beyond that many bytes nothing real is packed tighter than [`TIGHTEST`], and Keras refuses it: of an archive whose members it
/// unpacks all, and of one of which it reads some. (`_ZIP_EXTRACT_BOMB_FLOOR_BYTES`, `_ZIP_MEMBER_BOMB_FLOOR_BYTES`)
const BOMB_FLOORS: [u64; 2] = [1 << 28, 1 << 32];
/// How many bytes one packed byte may stand for. (`_ZIP_MEMBER_MAX_EXPANSION`)
const TIGHTEST: u64 = 100;
/// Keras unpacks all members of an archive that has more than these.
const FEW: usize = 3;

/// Reads the directory of an archive.
pub(super) fn read(path: &Path, file: File) -> Result<Members, ModelFileError> {
    let damaged =
        |why: &str| ModelFileError::Damaged { path: path.to_owned(), why: format!("as a zip archive: {why}") };
    let zip_error = |error: rawzip::Error| match error.into_kind() {
        ErrorKind::IO(error) if error.kind() != io::ErrorKind::UnexpectedEof => ModelFileError::io(path, &error),
        ErrorKind::MissingEndOfCentralDirectory => damaged("it has no end (is it cut off?)"),
        ErrorKind::Eof | ErrorKind::IO(_) => damaged("it ends too soon"),
        ErrorKind::InvalidSignature { .. } => damaged("its directory or a header is not where it should be"),
        other => damaged(&shown(&other.to_string())),
    };
    let length = file.metadata().map_err(|error| ModelFileError::io(path, &error))?.len();
    let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let mut local_buffer = vec![0; 2 * usize::from(u16::MAX)];
    let archive = ZipArchive::from_file(file, &mut buffer).map_err(zip_error)?;
    let mut all: Vec<Member> = Vec::new();
    let mut names = HashSet::new();
    let mut at = archive.directory_offset();
    let mut entries = archive.entries(&mut buffer);
    while let Some(entry) = entries.next_entry().map_err(zip_error)? {
        let name = checked_name(path, &entry)?;
        if !names.insert(name.trim_end_matches('/').to_owned()) {
            return Err(refused(path, &format!("two of its members have the name '{}'", shown(&name))));
        }
        let way = archive.get_entry(entry.wayfinder()).map_err(zip_error)?;
        let local = way.local_header(&mut local_buffer).map_err(zip_error)?;
        let sizes = [entry.uncompressed_size_hint(), entry.compressed_size_hint()];
        let is_same = local.file_path().as_ref() == entry.file_path().as_ref()
            && local.compression_method() == entry.compression_method()
            && local.flags() == entry.flags()
            && (local.flags().has_data_descriptor()
                || (local.crc32() == entry.crc32()
                    && [local.uncompressed_size_hint(), local.compressed_size_hint()] == sizes));
        if !is_same {
            return Err(damaged(&format!("the header of '{}' and the directory say two things", shown(&name))));
        }
        if entry.compression_method() == CompressionMethod::STORE && sizes[0] != sizes[1] {
            return Err(damaged(&format!("'{}' is stored and has two lengths", shown(&name))));
        }
        let (start, end) = way.compressed_data_range();
        let entry_length = headers::ENTRY_LENGTH
            + entry.file_path().as_ref().len()
            + entry.extra_fields().remaining_bytes().len()
            + entry.comment().as_bytes().len();
        let entry_end = at + entry_length as u64;
        if entry.central_directory_offset() != at {
            return Err(damaged("its directory has gaps"));
        }
        all.push(Member {
            name,
            way: entry.wayfinder(),
            method: entry.compression_method(),
            crc: entry.crc32(),
            size: sizes[0],
            header: entry.local_header_offset()..start,
            data: start..end,
            entry: at..entry_end,
        });
        at = entry_end;
    }
    let directory = archive.directory_offset();
    refuse_bombs(path, &all)?;
    refuse_overlaps(&all, directory).map_err(damaged)?;
    let mut tail =
        vec![0; usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX).min(headers::MOST_TAIL + 1)];
    archive.get_ref().read_exact_at(&mut tail, at).map_err(|error| ModelFileError::io(path, &error))?;
    if !headers::is_tail(&tail, all.len() as u64, directory..at) {
        return Err(damaged("its directory is not where its end says"));
    }
    Ok(Members { archive, all, directory, tail })
}

fn refused(path: &Path, why: &str) -> ModelFileError {
    ModelFileError::Refused { path: path.to_owned(), why: why.to_owned() }
}

/// The name of a member that can be read, and lies in the archive.
fn checked_name(path: &Path, entry: &ZipFileHeaderRecord) -> Result<String, ModelFileError> {
    let name = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
    let flags = entry.flags();
    if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
        return Err(refused(path, &format!("its member '{}' is encrypted", shown(&name))));
    }
    let parts = name.strip_suffix('/').unwrap_or(&name).split('/');
    let leads_outside =
        name.contains(['\\', '\0', ':']) || parts.into_iter().any(|part| ["", ".", ".."].contains(&part));
    if leads_outside {
        return Err(refused(path, &format!("its member '{}' would lie outside of it", shown(&name))));
    }
    Ok(name)
}

fn refuse_bombs(path: &Path, all: &[Member]) -> Result<(), ModelFileError> {
    for member in all {
        let is_unpacked = all.len() > FEW || member.name == CONFIG_MEMBER;
        let floor = BOMB_FLOORS[usize::from(!is_unpacked)];
        let packed = member.data.end - member.data.start;
        if member.size > floor && member.size / TIGHTEST > packed {
            let (name, size) = (shown(&member.name), member.size);
            return Err(refused(path, &format!("its member '{name}' would unpack from {packed} bytes to {size}")));
        }
    }
    Ok(())
}

/// Members fill the file up to the directory, each behind the one before; what stands between them is copied.
fn refuse_overlaps(all: &[Member], directory: u64) -> Result<(), &'static str> {
    let mut in_file: Vec<&Member> = all.iter().collect();
    in_file.sort_by_key(|member| member.header.start);
    let mut end = 0;
    for (index, member) in in_file.into_iter().enumerate() {
        let is_first = index == 0 && member.header.start > 0;
        if is_first || member.header.start < end || member.data.end > directory {
            return Err("its members lie over each other, or not all in it");
        }
        end = member.data.end;
    }
    Ok(())
}

impl Member {
    /// Whether its bytes stand in the file as they are.
    pub fn is_stored(&self) -> bool {
        self.method == CompressionMethod::STORE
    }

    /// Refuses one that is packed in a way that is neither read nor written here.
    pub fn refuse_unknown(&self) -> io::Result<()> {
        if self.is_stored() || self.method == CompressionMethod::DEFLATE {
            return Ok(());
        }
        let why = format!("it is packed in a way (number {}) that is not read here", self.method.as_u16());
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }
}

impl Members {
    /// The bytes of a member, unpacked; where they have not the length and the checksum that they should, an error stands at the end.
    pub fn reader(&self, member: &Member) -> io::Result<Box<dyn Read + '_>> {
        member.refuse_unknown()?;
        let entry = self.archive.get_entry(member.way).map_err(io::Error::other)?;
        let packed = entry.reader();
        Ok(match member.is_stored() {
            true => Box::new(entry.verifying_reader(packed)),
            false => Box::new(entry.verifying_reader(DeflateDecoder::new(packed))),
        })
    }

    /// The bytes of the file in a range.
    pub fn bytes(&self, range: &Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(usize::MAX)];
        self.archive.get_ref().read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }
}

/// Why a member cannot be read, in words.
pub(super) fn words(error: &io::Error) -> String {
    let of_zip = error.get_ref().and_then(|inner| inner.downcast_ref::<rawzip::Error>());
    match of_zip.map(rawzip::Error::kind) {
        Some(ErrorKind::InvalidChecksum { .. }) => "its checksum is wrong".to_owned(),
        Some(ErrorKind::InvalidSize { .. }) => "it has another length than the archive says".to_owned(),
        _ => io_words(error),
    }
}
