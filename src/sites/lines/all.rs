//! All sites of an input at once, read by several threads.

use std::io::BufRead;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::read::{LineError, Lines, Parser, Reader};
use crate::layout::DataFormat;
use crate::sites::packed::{Packed, PackedSite, pack};

/// A thread takes lines until it has so many bytes of them.
const BATCH: usize = 1 << 16;

/// Reads all sites with `jobs` threads; `None` where there are none. What comes out does not depend on `jobs`.
///
/// # Errors
/// The first line that is wrong.
pub fn read_all(input: impl BufRead + Send, format: DataFormat, jobs: usize) -> Result<Option<Packed>, LineError> {
    let mut reader = Reader::new(input);
    let Some(first) = reader.next().transpose()? else { return Ok(None) };
    let source = Mutex::new(Source { lines: reader.into_lines(), batches: 0, at_end: false });
    let job = || read_batches(&source, Parser::new(first.shape), format);
    let read: Vec<_> = thread::scope(|scope| {
        // A thread that the system does not give leaves its work to the others.
        let others = (1..jobs).filter_map(|_| thread::Builder::new().spawn_scoped(scope, job).ok());
        let others: Vec<_> = others.collect();
        let mine = job();
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        [mine].into_iter().chain(others).collect()
    });
    let mut batches = Vec::new();
    let mut first_error: Option<LineError> = None;
    for read in read {
        match read {
            Ok(read) => batches.extend(read),
            // Whoever had an earlier batch has read it to its end, so the first error of all is among these.
            Err(error) if first_error.as_ref().is_none_or(|first| error.line < first.line) => first_error = Some(error),
            Err(_) => {}
        }
    }
    if let Some(error) = first_error {
        return Err(error);
    }
    batches.sort_unstable_by_key(|&(number, _)| number);
    let mut packed = Packed::new(first.shape, format);
    packed.push(pack(format, &first));
    batches.into_iter().flat_map(|(_, sites)| sites).for_each(|site| packed.push(site));
    Ok(Some(packed))
}

/// What the threads share.
struct Source<R> {
    lines: Lines<R>,
    batches: u64,
    at_end: bool,
}

/// Lines that one thread has taken.
#[derive(Default)]
struct Batch {
    number: u64,
    text: Vec<u8>,
    /// The number of each line, and where in the text it ends.
    lines: Vec<(u64, usize)>,
    /// Why no more can be read.
    error: Option<LineError>,
}

/// The sites of batches, by their numbers.
type Batches = Vec<(u64, Vec<PackedSite>)>;

fn read_batches<R: BufRead>(
    source: &Mutex<Source<R>>,
    mut parser: Parser,
    format: DataFormat,
) -> Result<Batches, LineError> {
    let lock = || source.lock().unwrap_or_else(PoisonError::into_inner);
    let mut read = Vec::new();
    let mut batch = Batch::default();
    while lock().take(&mut batch) {
        let sites = batch.sites(&mut parser, format).inspect_err(|_| lock().at_end = true)?;
        read.push((batch.number, sites));
    }
    Ok(read)
}

impl<R: BufRead> Source<R> {
    /// Fills `batch` anew; false where nothing is left.
    fn take(&mut self, batch: &mut Batch) -> bool {
        batch.text.clear();
        batch.lines.clear();
        batch.number = self.batches;
        self.batches += 1;
        while !self.at_end && batch.text.len() < BATCH {
            match self.lines.next(&mut batch.text) {
                Ok(Some(line)) => batch.lines.push((line, batch.text.len())),
                Ok(None) => self.at_end = true,
                Err(error) => {
                    batch.error = Some(error);
                    self.at_end = true;
                }
            }
        }
        !batch.lines.is_empty() || batch.error.is_some()
    }
}

impl Batch {
    fn sites(&mut self, parser: &mut Parser, format: DataFormat) -> Result<Vec<PackedSite>, LineError> {
        let mut sites = Vec::with_capacity(self.lines.len());
        let mut start = 0;
        for &(line, end) in &self.lines {
            let site = parser.site(&self.text[start..end]).map_err(|problem| LineError { line, problem })?;
            sites.push(pack(format, &site));
            start = end;
        }
        self.error.take().map_or(Ok(sites), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor, Error, Read};

    use super::*;

    const GOOD: &str =
        r#"{"shape":{"h":2,"w":3,"c":4},"cells":[{"h":1,"w":2,"c":3,"value":1},{"h":0,"w":1,"c":0,"bit":7}]}"#;

    /// Enough for many batches; every line has a value of its own.
    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|number| GOOD.replace(":1},", &format!(":{number}}},"))).collect()
    }

    fn read(text: &str, jobs: usize) -> Result<Option<Packed>, String> {
        read_all(text.as_bytes(), DataFormat::ChannelsFirst, jobs).map_err(|error| error.to_string())
    }

    #[test]
    fn any_number_of_threads_gives_what_one_reader_gives() {
        for count in [0, 1, 2, 7000] {
            let text = lines(count).join("\n\n");
            let expected =
                Packed::collect(DataFormat::ChannelsFirst, Reader::new(text.as_bytes())).expect("good lines");
            for jobs in [1, 2, 5] {
                assert_eq!(read(&text, jobs), Ok(expected.clone()), "{count} lines, {jobs} threads");
            }
        }
    }

    #[test]
    fn of_several_wrong_lines_the_first_is_named() {
        let mut lines = lines(7000);
        for wrong in [6999, 4000, 3999] {
            lines[wrong] = GOOD.replace("\"h\":2", "\"h\":9");
            for jobs in [1, 2, 5] {
                let error = read(&lines.join("\n"), jobs).unwrap_err();
                let line = wrong + 1;
                assert_eq!(error, format!("line {line}: shape 9x3x4, where the lines before have 2x3x4"));
            }
        }
    }

    #[test]
    fn an_input_that_breaks_off_is_an_error_unless_a_line_before_is_wrong() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> Result<usize, Error> {
                Err(Error::from_raw_os_error(5))
            }
        }
        let read = |lines: &[String]| {
            let input = Cursor::new(lines.join("\n") + "\n").chain(Broken);
            read_all(BufReader::new(input), DataFormat::ChannelsLast, 3).unwrap_err().to_string()
        };
        let mut lines = lines(3000);
        assert!(read(&lines).starts_with("line 3001: "), "{}", read(&lines));
        lines[1234] = "{".to_owned();
        assert!(read(&lines).starts_with("line 1235: not a site"), "{}", read(&lines));
    }
}
