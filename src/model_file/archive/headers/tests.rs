use super::*;

/// An entry with a name, fields and a comment.
fn entry(size: u32, packed: u32, offset: u32, extra: &[u8]) -> Vec<u8> {
    let mut entry = vec![0; ENTRY_LENGTH];
    put(&mut entry, 0, b"PK\x01\x02");
    put(&mut entry, 8, &LENGTHS_BEHIND.to_le_bytes());
    put(&mut entry, 20, &packed.to_le_bytes());
    put(&mut entry, 24, &size.to_le_bytes());
    put(&mut entry, 28, &[1, 0]);
    put(&mut entry, 30, &(extra.len() as u16).to_le_bytes());
    put(&mut entry, 32, &[2, 0]);
    put(&mut entry, 42, &offset.to_le_bytes());
    [entry.as_slice(), b"n", extra, b"co"].concat()
}

/// A header with a name and fields.
fn local(size: u32, extra: &[u8]) -> Vec<u8> {
    let mut header = vec![0; LOCAL_LENGTH];
    put(&mut header, 0, b"PK\x03\x04");
    put(&mut header, 6, &LENGTHS_BEHIND.to_le_bytes());
    put(&mut header, 18, &short(size.into(), false));
    put(&mut header, 22, &short(size.into(), false));
    put(&mut header, 26, &[1, 0]);
    put(&mut header, 28, &(extra.len() as u16).to_le_bytes());
    [header.as_slice(), b"n", extra].concat()
}

const FIELD: [u8; 6] = [0x55, 0x54, 2, 0, 7, 8];

fn nothing() -> Changes {
    Changes::default()
}

fn lengths(packed: u64, size: u64) -> Changes {
    Changes { name: None, lengths: Some(Lengths { packed, size, crc: 7, in_64: false }) }
}

#[test]
fn an_entry_that_does_not_change_keeps_its_bytes() {
    let field_64 = [&[1, 0, 8, 0][..], &(5_u64 << 32).to_le_bytes(), &FIELD].concat();
    for (old, offset) in [(entry(3, 2, 9, &FIELD), 9), (entry(3, 2, ELSEWHERE, &field_64), 5 << 32)] {
        assert_eq!(new_entry(&old, &nothing(), offset).unwrap(), old);
    }
    assert_eq!(new_local(&local(3, &FIELD), &nothing()).unwrap(), local(3, &FIELD));
}

#[test]
fn a_place_beyond_4_gib_goes_to_the_64_bit_field_and_stays_there() {
    let new = new_entry(&entry(3, 2, 9, &FIELD), &nothing(), 1 << 32).unwrap();
    assert_eq!([u32_at(&new, 42), u16_at(&new, 6).into()], [ELSEWHERE, VERSION_64.into()]);
    assert_eq!(new[ENTRY_LENGTH..], [b"n\x01\0\x08\0\0\0\0\0\x01\0\0\0".as_slice(), &FIELD, b"co"].concat());
    let back = new_entry(&new, &nothing(), 9).unwrap();
    assert_eq!(u64_at(field_64(&back[ENTRY_LENGTH + 1..back.len() - 2]).unwrap(), 0), 9);
}

#[test]
fn new_lengths_beyond_4_gib_stand_in_64_bits() {
    let (packed, size) = (5, 5 << 32);
    let header = new_local(&local(3, &FIELD), &lengths(packed, size)).unwrap();
    assert_eq!([18, 22].map(|at| u32_at(&header, at)), [ELSEWHERE; 2]);
    assert_eq!([6, 4].map(|at| u16_at(&header, at)), [0, VERSION_64]);
    let field = field_64(&header[LOCAL_LENGTH + 1..]).unwrap();
    assert_eq!([u64_at(field, 0), u64_at(field, 8)], [size, packed]);
    assert!(header.ends_with(&FIELD));
    let entry = new_entry(&entry(3, 2, 9, &FIELD), &lengths(packed, size), 9).unwrap();
    assert_eq!([20, 24, 42].map(|at| u32_at(&entry, at)), [5, ELSEWHERE, 9]);
    assert_eq!(u64_at(field_64(&entry[ENTRY_LENGTH + 1..entry.len() - 2]).unwrap(), 0), size);
}

#[test]
fn a_new_name_and_new_bytes_keep_fields_and_comment() {
    let changes = Changes { name: Some("öther".to_owned()), ..lengths(5, 6) };
    let new = new_entry(&entry(3, 2, 9, &FIELD), &changes, 11).unwrap();
    assert_eq!([20, 24, 16, 42].map(|at| u32_at(&new, at)), [5, 6, 7, 11]);
    assert_eq!(u16_at(&new, 8), UTF_8, "and no lengths behind the bytes");
    assert_eq!(new[ENTRY_LENGTH..], ["öther".as_bytes(), &FIELD, b"co"].concat());
    let header = new_local(&local(3, &FIELD), &changes).unwrap();
    assert_eq!(header[LOCAL_LENGTH..], ["öther".as_bytes(), &FIELD].concat());
}

#[test]
fn fields_that_end_too_soon_stay_as_they_are() {
    for broken in [&[1][..], &[1, 0, 9, 0, 1], &[7, 0, 0, 0, 9]] {
        assert_eq!(with_field_64(broken, &[]), broken.to_vec());
    }
}

#[test]
fn the_end_of_an_archive_is_what_stands_behind_its_directory() {
    let mut end = vec![0; END_LENGTH];
    put(&mut end, 0, &END);
    put(&mut end, 20, &[3, 0]);
    end.extend(b"end");
    let small = new_tail(&end, 2, 10..30).unwrap();
    assert!(is_tail(&small, 2, 10..30) && small.ends_with(b"end"));
    for (entries, directory) in [(3, 10..30), (2, 11..30), (2, 10..31)] {
        assert!(!is_tail(&small, entries, directory));
    }
    assert!(!is_tail(&small[..small.len() - 1], 2, 10..30));
    for (entries, directory) in [(65_535, 10..30), (2, 1 << 33..1 << 34)] {
        let large = new_tail(&small, entries, directory.clone()).unwrap();
        assert!(is_tail(&large, entries, directory) && large.len() == END_64_LENGTH + LOCATOR_LENGTH + small.len());
        // What is in 64 bits stays so.
        let back = new_tail(&large, 2, 10..30).unwrap();
        assert!(is_tail(&back, 2, 10..30) && back.len() == large.len());
    }
}
