//! What stands around the members of a zip file, byte by byte: a new archive takes it over from the old one as it is, but for
//! lengths, checksums, places and names. (PKWARE's APPNOTE, 4.3.7 to 4.3.16; numbers are little-endian.)

use std::ops::Range;

use rawzip::extra_fields::{ExtraFieldId, ExtraFields};

const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";

const LOCAL_LENGTH: usize = 30;
/// The length of an entry in the directory, without what follows it: name, extra fields and comment.
pub const ENTRY_LENGTH: usize = 46;
const END_LENGTH: usize = 22;
const END_64_LENGTH: usize = 56;
const LOCATOR_LENGTH: usize = 20;
/// The most bytes that are read of what stands behind a directory.
pub const MOST_TAIL: usize = END_LENGTH + 0xffff + LOCATOR_LENGTH + END_64_LENGTH + 0xffff;

/// The number that says: the number is in the 64-bit field.
const ELSEWHERE: u32 = u32::MAX;
/// The version of zip that is needed to read that field.
const VERSION_64: u16 = 45;
/// The flag that a member's lengths stand behind it.
const LENGTHS_BEHIND: u16 = 1 << 3;
/// The flag that names are UTF-8.
const UTF_8: u16 = 1 << 11;

/// A member's lengths and checksum.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    /// In the file.
    pub packed: u64,
    /// Unpacked.
    pub size: u64,
    /// Of the unpacked bytes.
    pub crc: u32,
    /// The header before the member has them in 64 bits, however small they are.
    pub in_64: bool,
}

/// What is another of a member.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Its name.
    pub name: Option<String>,
    /// Its bytes.
    pub lengths: Option<Lengths>,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn put(bytes: &mut [u8], at: usize, number: &[u8]) {
    if let Some(there) = bytes.get_mut(at..at + number.len()) {
        there.copy_from_slice(number);
    }
}

/// A number in 32 bits, or the sign that it is elsewhere.
fn short(number: u64, elsewhere: bool) -> [u8; 4] {
    if elsewhere { ELSEWHERE.to_le_bytes() } else { (number as u32).to_le_bytes() }
}

/// A new name, where it changes, and the flags that go with it.
fn name_and_flags<'a>(flags: u16, old: &'a [u8], changes: &'a Changes) -> (&'a [u8], u16) {
    let name = changes.name.as_deref().map_or(old, str::as_bytes);
    let flags = if name.is_ascii() || changes.name.is_none() { flags } else { flags | UTF_8 };
    (name, if changes.lengths.is_some() { flags & !LENGTHS_BEHIND } else { flags })
}

/// The header before a changed member. Lengths that stood behind the bytes stand in it then.
pub fn new_local(old: &[u8], changes: &Changes) -> Option<Vec<u8>> {
    let name_end = LOCAL_LENGTH + usize::from(u16_at(old, 26));
    let (name, flags) = name_and_flags(u16_at(old, 6), old.get(LOCAL_LENGTH..name_end)?, changes);
    let mut extra = old.get(name_end..)?.to_vec();
    let mut header = old.get(..LOCAL_LENGTH)?.to_vec();
    put(&mut header, 6, &flags.to_le_bytes());
    if let Some(new) = changes.lengths {
        let is_64 = new.in_64 || field_64(&extra).is_some() || new.size.max(new.packed) >= u64::from(ELSEWHERE);
        let field = [new.size.to_le_bytes(), new.packed.to_le_bytes()].concat();
        extra = with_field_64(&extra, if is_64 { &field } else { &[] });
        if is_64 {
            put(&mut header, 4, &u16_at(old, 4).max(VERSION_64).to_le_bytes());
        }
        put(&mut header, 14, &new.crc.to_le_bytes());
        put(&mut header, 18, &short(new.packed, is_64));
        put(&mut header, 22, &short(new.size, is_64));
    }
    put(&mut header, 26, &u16::try_from(name.len()).ok()?.to_le_bytes());
    put(&mut header, 28, &u16::try_from(extra.len()).ok()?.to_le_bytes());
    Some([&header, name, &extra].concat())
}

/// The entry in the directory for a member that stands at `offset` now.
pub fn new_entry(old: &[u8], changes: &Changes, offset: u64) -> Option<Vec<u8>> {
    let [name_length, extra_length, comment_length] = [28, 30, 32].map(|at| usize::from(u16_at(old, at)));
    let name_end = ENTRY_LENGTH + name_length;
    let extra_end = name_end + extra_length;
    let (name, flags) = name_and_flags(u16_at(old, 8), old.get(ENTRY_LENGTH..name_end)?, changes);
    let (extra, comment) = (old.get(name_end..extra_end)?, old.get(extra_end..extra_end + comment_length)?);
    // The 64-bit field has what is elsewhere: size, packed size, offset; and may have a number of a part behind it.
    let field = field_64(extra).unwrap_or_default();
    let was_elsewhere = [24, 20, 42].map(|at| u32_at(old, at) == ELSEWHERE);
    let mut at = 0;
    let mut before = |index: usize, short_at: usize| {
        if !was_elsewhere[index] {
            return u64::from(u32_at(old, short_at));
        }
        at += 8;
        u64_at(field, at - 8)
    };
    let (size, packed, _) = (before(0, 24), before(1, 20), before(2, 42));
    let rest = field.get(at..).unwrap_or_default();
    let new = changes.lengths;
    let numbers = [new.map_or(size, |new| new.size), new.map_or(packed, |new| new.packed), offset];
    let elsewhere = [0, 1, 2].map(|index| was_elsewhere[index] || numbers[index] >= u64::from(ELSEWHERE));
    let mut new_field: Vec<u8> = Vec::new();
    (0..3).filter(|&index| elsewhere[index]).for_each(|index| new_field.extend(numbers[index].to_le_bytes()));
    new_field.extend_from_slice(rest);
    let extra = with_field_64(extra, &new_field);
    let mut entry = old.get(..ENTRY_LENGTH)?.to_vec();
    if elsewhere.contains(&true) && !was_elsewhere.contains(&true) {
        put(&mut entry, 6, &u16_at(old, 6).max(VERSION_64).to_le_bytes());
    }
    put(&mut entry, 8, &flags.to_le_bytes());
    if let Some(new) = new {
        put(&mut entry, 16, &new.crc.to_le_bytes());
    }
    put(&mut entry, 20, &short(numbers[1], elsewhere[1]));
    put(&mut entry, 24, &short(numbers[0], elsewhere[0]));
    put(&mut entry, 28, &u16::try_from(name.len()).ok()?.to_le_bytes());
    put(&mut entry, 30, &u16::try_from(extra.len()).ok()?.to_le_bytes());
    put(&mut entry, 42, &short(offset, elsewhere[2]));
    Some([&entry, name, &extra, comment].concat())
}

/// The 64-bit field of a header.
fn field_64(extra: &[u8]) -> Option<&[u8]> {
    ExtraFields::new(extra).find(|(id, _)| *id == ExtraFieldId::ZIP64).map(|(_, bytes)| bytes)
}

/// The fields of a header with another 64-bit one, or none, in the place of the one that was there; a new one comes first.
fn with_field_64(extra: &[u8], new: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |id: ExtraFieldId, bytes: &[u8]| {
        all.extend(id.as_u16().to_le_bytes());
        all.extend((bytes.len() as u16).to_le_bytes());
        all.extend_from_slice(bytes);
    };
    let mut is_added = new.is_empty();
    if !is_added && field_64(extra).is_none() {
        add(ExtraFieldId::ZIP64, new);
        is_added = true;
    }
    let mut fields = ExtraFields::new(extra);
    for (id, bytes) in fields.by_ref() {
        match id {
            ExtraFieldId::ZIP64 if is_added => {}
            ExtraFieldId::ZIP64 => {
                add(id, new);
                is_added = true;
            }
            _ => add(id, bytes),
        }
    }
    // What is no whole field stays as it is.
    all.extend_from_slice(fields.remaining_bytes());
    all
}

/// What stands behind a directory: its end in 64 bits and what leads to that, where there are such, and its end.
fn split_tail(tail: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let length_64 =
        if tail.starts_with(&END_64) { usize::try_from(u64_at(tail, 4)).ok()?.checked_add(12)? } else { 0 };
    let (record_64, rest) = tail.split_at_checked(length_64)?;
    let (locator, end) = rest.split_at_checked(if length_64 > 0 { LOCATOR_LENGTH } else { 0 })?;
    let is_whole = end.starts_with(&END) && end.len() == END_LENGTH + usize::from(u16_at(end, 20));
    let is_whole_64 = length_64 == 0 || (length_64 >= END_64_LENGTH && locator.starts_with(&LOCATOR_64));
    (is_whole && is_whole_64).then_some((record_64, locator, end))
}

/// Whether that stands behind a directory with so many entries: all in one file, and nothing behind it.
pub fn is_tail(tail: &[u8], entries: u64, directory: Range<u64>) -> bool {
    let Some((record_64, locator, end)) = split_tail(tail) else { return false };
    let size = directory.end - directory.start;
    let is_said = |said: u64, most: u64, number: u64| said == number || (!record_64.is_empty() && said == most);
    let [count, long] = [u64::from(u16::MAX), u64::from(u32::MAX)];
    let is_said_64 = record_64.is_empty()
        || ([16, 20].iter().all(|&at| u32_at(record_64, at) == 0)
            && [24, 32].iter().all(|&at| u64_at(record_64, at) == entries)
            && [u64_at(record_64, 40), u64_at(record_64, 48), u64_at(locator, 8)]
                == [size, directory.start, directory.end]);
    is_said_64
        && [4, 6].iter().all(|&at| is_said(u16_at(end, at).into(), count, 0))
        && [8, 10].iter().all(|&at| is_said(u16_at(end, at).into(), count, entries))
        && is_said(u32_at(end, 12).into(), long, size)
        && is_said(u32_at(end, 16).into(), long, directory.start)
}

/// What stands behind a new directory.
pub fn new_tail(old: &[u8], entries: u64, directory: Range<u64>) -> Option<Vec<u8>> {
    let (record_64, locator, end) = split_tail(old)?;
    let (mut record_64, mut locator, mut end) = (record_64.to_vec(), locator.to_vec(), end.to_vec());
    let size = directory.end - directory.start;
    let [count, long] = [u64::from(u16::MAX), u64::from(u32::MAX)];
    let had_64 = !record_64.is_empty();
    if !had_64 && (entries >= count || size >= long || directory.start >= long) {
        record_64 = vec![0; END_64_LENGTH];
        put(&mut record_64, 0, &END_64);
        put(&mut record_64, 4, &(END_64_LENGTH as u64 - 12).to_le_bytes());
        put(&mut record_64, 12, &[VERSION_64.to_le_bytes(), VERSION_64.to_le_bytes()].concat());
        locator = [&LOCATOR_64[..], &[0; 12], &1_u32.to_le_bytes()].concat();
    }
    if !record_64.is_empty() {
        for (at, number) in [(24, entries), (32, entries), (40, size), (48, directory.start)] {
            put(&mut record_64, at, &number.to_le_bytes());
        }
        put(&mut locator, 8, &directory.end.to_le_bytes());
    }
    let is_elsewhere = |at: usize, number: u64| number >= long || (had_64 && u32_at(&end, at) == ELSEWHERE);
    let (size_bytes, start_bytes) =
        (short(size, is_elsewhere(12, size)), short(directory.start, is_elsewhere(16, directory.start)));
    for at in [8, 10] {
        let is_elsewhere = entries >= count || (had_64 && u16_at(&end, at) == u16::MAX);
        put(&mut end, at, &if is_elsewhere { u16::MAX } else { entries as u16 }.to_le_bytes());
    }
    put(&mut end, 12, &size_bytes);
    put(&mut end, 16, &start_bytes);
    Some([record_64, locator, end].concat())
}

#[cfg(test)]
mod tests;
