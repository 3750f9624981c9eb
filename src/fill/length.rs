//! How long a text becomes, and room for it.

use std::io::{self, Write};

/// Room for a text of so many bytes, and for the NUL that ends it as a C string.
pub(super) fn room_for_c_string(bytes: u64) -> Option<Vec<u8>> {
    let mut room = Vec::new();
    room.try_reserve_exact(usize::try_from(bytes.checked_add(1)?).ok()?).ok()?;
    Some(room)
}

/// How many bytes are written.
pub(super) fn length(write: impl FnOnce(&mut Length) -> io::Result<()>) -> u64 {
    let mut length = Length(0);
    let _ = write(&mut length);
    length.0
}

/// Counts bytes.
pub(super) struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
