use std::io::{self, Cursor, Error, Read};

use super::*;
use crate::fault::Site;
use crate::layout::{DataFormat, Shape};
use crate::sites::each::Each;
use crate::sites::lines::{LineSource, Reader};
use crate::sites::npy::Pair;
use crate::sites::packed::{Packed, pack};
use crate::sites::{lines, npy};

const LINES: &str = r#"{"shape":{"h":1,"w":2,"c":3},"cells":[{"h":0,"w":1,"c":2,"value":"NaN"}]}

  {"by":"hand", "cells":[{"h":0,"w":0,"c":1,"value":-1.5}], "shape":{"c":3,"w":2,"h":1}}
"#;

const FEATURES: &str = r#"{"shape":[7],"cells":[{"at":[0],"value":2},{"at":[6],"value":"Infinity"}]}"#;
const STEPS: &str = r#"{"shape":[3,4],"cells":[{"at":[0,3],"value":2},{"at":[2,1],"value":5}]}"#;
const VOLUME: &str = r#"{"shape":[2,1,2,3],"cells":[{"at":[0,0,1,2],"value":2},{"at":[1,0,1,1],"value":5}]}"#;

fn as_lines(text: &str, jobs: usize) -> Result<String, String> {
    let mut out = Vec::new();
    let source = LineSource::open(text.as_bytes());
    let written = source.and_then(|source| lines::write(source, jobs, &mut out, &Progress::silent()));
    written.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

fn as_packed(text: &str, jobs: usize) -> Result<Packed, String> {
    let source = LineSource::open(text.as_bytes());
    source
        .and_then(|source| pack(source, DataFormat::ChannelsFirst, jobs))
        .map(|(packed, _)| packed)
        .map_err(|error| error.to_string())
}

#[test]
fn lines_go_on_as_they_came_without_blank_ones() {
    let expected: Vec<_> = LINES.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(as_lines(LINES, 2).unwrap(), expected.join("\n") + "\n");
}

#[test]
fn numpy_files_hold_the_same_sites_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    let pair = |format| {
        let file = |name| folder.path().join(name);
        Pair::open(&file("injections.npy"), &file("masks.npy"), format).unwrap()
    };
    for (text, axes) in [(LINES, &[1, 2, 3][..]), (FEATURES, &[7]), (STEPS, &[3, 4]), (VOLUME, &[2, 1, 2, 3])] {
        let cells_of = |site: Site| {
            let places = site.cells.iter().map(|cell| site.shape.place([cell.h, cell.w, cell.c]));
            let faults = site.cells.iter().map(|cell| format!("{:?}", cell.fault));
            places.zip(faults).collect::<Vec<_>>()
        };
        let expected: Vec<_> = Reader::new(text.as_bytes()).map(|site| cells_of(site.unwrap())).collect();
        for format in DataFormat::ALL {
            let source = LineSource::open(text.as_bytes()).unwrap();
            npy::write(source, 2, folder.path(), format, &Progress::silent()).unwrap();
            let found = pair(format);
            assert_eq!((found.len(), found.shape()), (expected.len(), Shape::of_axes(axes).unwrap()));
            assert_eq!(found.map(|site| cells_of(site.unwrap())).collect::<Vec<_>>(), expected);
            // And back: what is read from arrays is written as lines.
            let (mut out, found) = (Vec::new(), pair(format));
            let source = Each { shape: found.shape(), sites: found };
            lines::write(source, 2, &mut out, &Progress::silent()).unwrap();
            let again: Vec<_> = Reader::new(out.as_slice()).map(|site| cells_of(site.unwrap())).collect();
            assert_eq!(again, expected);
        }
    }
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
        let written = LineSource::open(text.as_bytes())
            .and_then(|source| npy::write(source, 2, folder.path(), DataFormat::ChannelsLast, &Progress::silent()));
        assert_eq!(written.map(drop).unwrap_err().to_string(), message);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
    assert_eq!(as_lines("", 1).unwrap_err(), "no sites");
}

const GOOD: &str =
    r#"{"shape":{"h":2,"w":3,"c":4},"cells":[{"h":1,"w":2,"c":3,"value":1},{"h":0,"w":1,"c":0,"bit":7}]}"#;

/// Enough for many batches; every line has a value of its own.
fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| GOOD.replace(":1},", &format!(":{number}}},"))).collect()
}

#[test]
fn any_number_of_threads_gives_what_one_reader_gives() {
    for count in [1, 2, 7000] {
        let text = many(count).join("\n\n");
        let sites: Vec<Site> = Reader::new(text.as_bytes()).map(Result::unwrap).collect();
        let source = Each { shape: sites[0].shape, sites: sites.into_iter().map(Ok::<_, PassError>) };
        let (expected, _) = pack(source, DataFormat::ChannelsFirst, 1).unwrap();
        assert_eq!(expected.len(), count);
        for jobs in [1, 2, 5] {
            assert_eq!(as_packed(&text, jobs), Ok(expected.clone()), "{count} lines, {jobs} threads");
        }
    }
}

#[test]
fn of_several_wrong_lines_the_first_is_named_and_those_before_it_go_on() {
    let mut lines = many(7000);
    for wrong in [6999, 4000, 3999] {
        lines[wrong] = GOOD.replace("\"h\":2", "\"h\":9");
        for jobs in [1, 2, 5] {
            let line = wrong + 1;
            let expected = format!("line {line}: shape 9x3x4, where the lines before have 2x3x4");
            assert_eq!(as_packed(&lines.join("\n"), jobs), Err(expected.clone()));
            let mut out = Vec::new();
            let text = lines.join("\n");
            let source = LineSource::open(text.as_bytes()).unwrap();
            let written = lines::write(source, jobs, &mut out, &Progress::silent());
            assert_eq!(written.map(drop).unwrap_err().to_string(), expected);
            assert_eq!(String::from_utf8(out).unwrap(), lines[..wrong].join("\n") + "\n");
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
        let source = LineSource::open(input).unwrap();
        lines::write(source, 3, io::sink(), &Progress::silent()).map(drop).unwrap_err().to_string()
    };
    let mut lines = many(3000);
    assert!(read(&lines).starts_with("line 3001: "), "{}", read(&lines));
    lines[1234] = "{".to_owned();
    assert!(read(&lines).starts_with("line 1235: not a site"), "{}", read(&lines));
}
