//! Lines as a form.

use std::io::Write;

use crate::ordered::{Output, Piece, Stop};
use crate::progress::Progress;
use crate::sites::pass::{self, Form, PassError, Passing, Rooms, Source};

/// Writes the sites of a source to `out`, a line each, in order. `progress` counts them.
///
/// # Errors
/// The first site that is wrong, when all before it are written; or `out` refuses.
pub fn write<S: Source>(
    source: S,
    jobs: usize,
    out: impl Write + Send,
    progress: &Progress,
) -> Result<Rooms<S>, PassError> {
    let (mut out, rooms) = pass::run(source, &AsLines::default(), Text(out), jobs, progress)?;
    out.0.flush()?;
    Ok(rooms)
}

struct Text<W>(W);

impl<W: Write + Send> Output for Text<W> {
    type Chunk = Vec<u8>;
    type Error = PassError;

    fn put(&mut self, chunk: &mut Vec<u8>) -> Result<(), PassError> {
        Ok(self.0.write_all(chunk)?)
    }
}

struct AsLines<W>(std::marker::PhantomData<fn() -> W>);

impl<W> Default for AsLines<W> {
    fn default() -> Self {
        AsLines(std::marker::PhantomData)
    }
}

impl<W: Write + Send> Form for AsLines<W> {
    type Out = Text<W>;
    type Room = ();

    fn room(&self) -> Result<(), PassError> {
        Ok(())
    }

    fn add(&self, _: &mut (), site: &impl Passing, piece: &mut Piece<Text<W>>) -> Result<(), Stop<PassError>> {
        // What is written to a piece fails only when all is over.
        site.write_line(piece).map_err(|_| Stop::Over)
    }
}
