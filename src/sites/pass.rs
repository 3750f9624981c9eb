//! Sites that come as lines and go on as they are, or as NumPy files.

use std::io::{self, BufRead, Write};
use std::path::Path;

use thiserror::Error;

use super::dense::{Dense, DenseError};
use super::lines::{LineError, Reader};
use super::npy::{self, NpyError};
use crate::layout::DataFormat;
use crate::progress::Progress;

/// Why sites do not go on.
#[derive(Debug, Error)]
pub enum PassError {
    /// A line is wrong.
    #[error("{0}")]
    Line(#[from] LineError),
    /// A site has no dense form.
    #[error("line {line}: {error}")]
    Dense {
        /// The line, from 1.
        line: u64,
        /// Why not.
        error: DenseError,
    },
    /// There is no line.
    #[error("no sites")]
    NoSites,
    /// The files cannot be written.
    #[error("{0}")]
    Npy(#[from] NpyError),
    /// The output refuses.
    #[error("{0}")]
    Out(#[from] io::Error),
}

/// Checks each line and writes it as it came. `progress` counts them.
///
/// # Errors
/// A bad line, no line at all, or `out` refuses.
pub fn lines(input: impl BufRead, mut out: impl Write, progress: &Progress) -> Result<(), PassError> {
    let mut sites = Reader::new(input);
    let mut none = true;
    while let Some(site) = sites.next() {
        site?;
        none = false;
        out.write_all(sites.text())?;
        out.write_all(b"\n")?;
        progress.add(1);
    }
    out.flush()?;
    if none { Err(PassError::NoSites) } else { Ok(()) }
}

/// Writes the sites into `folder` as `injections.npy` and `masks.npy`. `progress` counts them.
///
/// # Errors
/// A bad line, no line at all, a bit flip, or the disk refuses; there are no new files then.
pub fn npy(input: impl BufRead, folder: &Path, format: DataFormat, progress: &Progress) -> Result<(), PassError> {
    let mut sites = Reader::new(input);
    let mut site = sites.next().ok_or(PassError::NoSites)??;
    let refused = |line, error| PassError::Dense { line, error };
    let mut dense = Dense::new(site.shape, format).map_err(|error| refused(sites.line(), error))?;
    let mut out = npy::Writer::create(folder, site.shape, format)?;
    loop {
        dense.set(&site).map_err(|error| refused(sites.line(), error))?;
        out.write(&dense)?;
        progress.add(1);
        match sites.next() {
            Some(next) => site = next?,
            None => return Ok(out.finish()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Shape;
    use crate::sites::npy::Pair;

    const LINES: &str = r#"{"shape":{"h":1,"w":2,"c":3},"cells":[{"h":0,"w":1,"c":2,"value":"NaN"}]}

  {"by":"hand", "cells":[{"h":0,"w":0,"c":1,"value":-1.5}], "shape":{"c":3,"w":2,"h":1}}
"#;

    #[test]
    fn lines_go_on_as_they_came_without_blank_ones() {
        let mut out = Vec::new();
        lines(LINES.as_bytes(), &mut out, &Progress::silent()).unwrap();
        let expected: Vec<_> = LINES.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected.join("\n") + "\n");
    }

    #[test]
    fn numpy_files_hold_the_same_sites_in_both_formats() {
        let folder = tempfile::tempdir().unwrap();
        let sites = |format| {
            npy(LINES.as_bytes(), folder.path(), format, &Progress::silent()).unwrap();
            let file = |name| folder.path().join(name);
            let pair = Pair::open(&file("injections.npy"), &file("masks.npy"), format).unwrap();
            assert_eq!((pair.len(), pair.shape()), (2, Shape::new(1, 2, 3).unwrap()));
            pair.map(|site| format!("{site:?}", site = site.unwrap())).collect::<Vec<_>>()
        };
        let expected: Vec<_> = Reader::new(LINES.as_bytes()).map(|site| format!("{:?}", site.unwrap())).collect();
        assert_eq!(sites(DataFormat::ChannelsLast), expected);
        assert_eq!(sites(DataFormat::ChannelsFirst), expected);
    }

    #[test]
    fn what_cannot_go_on_leaves_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let flip = LINES.replace("\"value\":-1.5", "\"bit\":3");
        for (text, message) in [
            ("\n", "no sites"),
            (
                &LINES.replace("\"h\":0,\"w\":0", "\"h\":1,\"w\":0"),
                "line 3: cell h 1, w 0, c 1 lies outside the shape 1x2x3",
            ),
            (
                &flip,
                "line 3: a bit flip at h 0, w 0, c 1 needs the sparse form: its value is known only when the model runs",
            ),
        ] {
            let error = npy(text.as_bytes(), folder.path(), DataFormat::ChannelsLast, &Progress::silent()).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        }
        assert_eq!(lines(b"".as_slice(), io::sink(), &Progress::silent()).unwrap_err().to_string(), "no sites");
    }
}
