//! Sites filled into a config: the placeholders of the simulators give way to arrays.
//!
//! The arrays of a hundred large sites are hundreds of megabytes of text, so they never become JSON values: handles stand
//! in their place, and the arrays are written straight into the config's text where the handles are.

mod dense;
mod sparse;

use std::cell::Cell;
use std::io::{self, Write};

use json_patch::jsonptr::{PointerBuf, Token};
use serde_json::{Value, json};
use thiserror::Error;

use crate::graph::{Address, Graph};
use crate::json::{self, Arrays, BARE_NUMBERS, Spelling, UnknownNumber};
use crate::keras::classes::Kind;
use crate::keras::simulator::{COUNT_KEY, INJECTIONS_KEY, MASKS_KEY, SLOTS};
use crate::model_file::Limit;
use crate::sites::dense::DenseError;
use crate::sites::packed::Packed;
use crate::text::shown;

/// A simulator in a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulator {
    /// Its path: `simulator` or `outer/simulator`.
    pub path: String,
    /// Where it is in the graph.
    pub address: Address,
    /// Where its `config` is in the document.
    pub config_at: PointerBuf,
    /// Whether a placeholder waits for sites.
    pub is_open: bool,
}

/// The sites of one simulator.
#[derive(Debug)]
pub struct Filling<'a> {
    /// The simulator's `config` in the document.
    pub config_at: &'a PointerBuf,
    /// Site k is the one that `select(k)` plays; in the order of axes that the model computes in.
    pub sites: &'a Packed,
    /// Write the corrupted cells only.
    pub sparse: bool,
}

/// Why sites cannot be written into a config.
#[derive(Debug, Error, PartialEq)]
pub enum FillError {
    /// No simulator where one was.
    #[error("there is no simulator at {at}", at = shown(.at.as_str()))]
    NoSimulator {
        /// The place.
        at: PointerBuf,
    },
    /// A site without a dense form.
    #[error("site {index}: {error}")]
    NotDense {
        /// Which site, from 0.
        index: usize,
        /// Why.
        error: DenseError,
    },
    /// More text than the file can hold.
    #[error("the new config would have at least {bytes} bytes, and {} holds {} at most{}",
        limit.holder, limit.most, most_sites(*.sites))]
    TooLong {
        /// The length of the text.
        bytes: u64,
        /// What it can have.
        limit: Limit,
        /// How many sites were to be filled in, and how many of them would fit.
        sites: Option<(usize, usize)>,
    },
    /// An object that looks as if it stood for a number.
    #[error("the object at {at} has the class name of a number that JSON lacks, and is none of {}", json::BARE_NUMBERS.join(", "), at = shown(.at.as_str()))]
    UnknownNumber {
        /// Where.
        at: PointerBuf,
    },
    /// More text than there is memory for.
    #[error("the new config has {bytes} bytes, and there is not enough memory for it")]
    Memory {
        /// The length of the text.
        bytes: u64,
    },
}

fn most_sites(sites: Option<(usize, usize)>) -> String {
    sites.map_or_else(String::new, |(sites, most)| format!(": {most} of the {sites} sites"))
}

/// All simulators of a model, at every depth, in the order of the config.
pub fn simulators(root: &Graph) -> Vec<Simulator> {
    let addresses = root.walk().into_iter();
    addresses
        .filter_map(|address| {
            let trail = root.trail(&address);
            let layer = trail.last().filter(|layer| layer.kind == Kind::Simulator)?;
            let mut config_at = layer.at.clone();
            config_at.push_back("config");
            let is_open = SLOTS
                .iter()
                .any(|(key, placeholder)| layer.config.get(key).and_then(Value::as_str) == Some(placeholder));
            Some(Simulator { path: root.path(&address), address, config_at, is_open })
        })
        .collect()
}

/// Writes the document as the text of a `model_config`, with the sites of each filling in place of the placeholders.
/// `arrays` holds those that the document has already, `limit` is how long the text may be.
pub fn text(mut document: Value, arrays: &Arrays, fillings: &[Filling], limit: Limit) -> Result<Vec<u8>, FillError> {
    let mut pieces: Vec<Box<dyn Piece + '_>> = Vec::new();
    restore_numbers(&mut document, &|token| json::handle(arrays.len() + token))
        .map_err(|at| FillError::UnknownNumber { at })?;
    pieces.extend(BARE_NUMBERS.map(|token| Box::new(Bare(token)) as Box<dyn Piece>));
    for filling in fillings {
        let config = document
            .pointer_mut(filling.config_at.as_str())
            .and_then(Value::as_object_mut)
            .ok_or_else(|| FillError::NoSimulator { at: filling.config_at.clone() })?;
        let [injections, masks] = pieces_of(filling, limit)?;
        for (key, piece) in [(INJECTIONS_KEY, injections), (MASKS_KEY, masks)] {
            config.insert(key.to_owned(), json::handle(arrays.len() + pieces.len()));
            pieces.push(piece);
        }
        config.insert(COUNT_KEY.to_owned(), json!(filling.sites.len()));
    }
    let put_array = |index: usize, out: &mut dyn Write| match index.checked_sub(arrays.len()) {
        None => arrays.write(index, Spelling::Bare, out),
        Some(index) => pieces.get(index).map_or(Ok(()), |piece| piece.write(out)),
    };

    // Room that is not written to costs nothing, so a bound of the length will do where there is as much.
    let bound = Some(most(&document, arrays, &pieces)).filter(|&most| most <= limit.most);
    let mut text = match bound.and_then(room_for_c_string) {
        Some(room) => room,
        None => {
            let bytes = length(|out| json::write_python(&document, &put_array, out));
            if bytes > limit.most {
                return Err(too_long(bytes, limit, fillings, &pieces));
            }
            room_for_c_string(bytes).ok_or(FillError::Memory { bytes })?
        }
    };
    // Writing to memory fails for no document that was parsed.
    let _ = json::write_python(&document, &put_array, &mut text);
    Ok(text)
}

/// A bound for the length of a document's text in bytes.
fn most(document: &Value, arrays: &Arrays, pieces: &[Box<dyn Piece + '_>]) -> u64 {
    let of_arrays = Cell::new(0u64);
    let count_array = |index: usize, _: &mut dyn Write| {
        let most = match index.checked_sub(arrays.len()) {
            None => arrays.most(index),
            Some(index) => pieces.get(index).map_or(0, |piece| piece.most()),
        };
        of_arrays.set(of_arrays.get().saturating_add(most));
        Ok(())
    };
    length(|out| json::write_python(document, &count_array, out)).saturating_add(of_arrays.get())
}

/// Room for a text of so many bytes, and for the NUL that ends it as a C string.
fn room_for_c_string(bytes: u64) -> Option<Vec<u8>> {
    let mut room = Vec::new();
    room.try_reserve_exact(usize::try_from(bytes.checked_add(1)?).ok()?).ok()?;
    Some(room)
}

/// How many bytes are written.
fn length(write: impl FnOnce(&mut Length) -> io::Result<()>) -> u64 {
    let mut length = Length(0);
    let _ = write(&mut length);
    length.0
}

/// Counts bytes.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// With a guess at how many sites would do: as many as their share of the room.
fn too_long(bytes: u64, limit: Limit, fillings: &[Filling], pieces: &[Box<dyn Piece + '_>]) -> FillError {
    let sites: usize = fillings.iter().map(|filling| filling.sites.len()).sum();
    let of_sites = length(|out| pieces[BARE_NUMBERS.len()..].iter().try_for_each(|piece| piece.write(out)));
    let most = limit.most.checked_sub(bytes - of_sites).map(|room| {
        let share = u128::from(room) * sites as u128 / u128::from(of_sites.max(1));
        share as usize
    });
    FillError::TooLong { bytes, limit, sites: most.filter(|_| sites > 0).map(|most| (sites, most)) }
}

/// Text that takes the place of a handle.
trait Piece {
    /// A bound for its length in bytes.
    fn most(&self) -> u64;

    fn write(&self, out: &mut dyn Write) -> io::Result<()>;
}

fn pieces_of<'a>(filling: &Filling<'a>, limit: Limit) -> Result<[Box<dyn Piece + 'a>; 2], FillError> {
    let sites = filling.sites;
    if filling.sparse {
        return Ok([Box::new(sparse::Cells { sites }), Box::new(sparse::NoMasks)]);
    }
    if let Some((index, error)) = sites.first_flip() {
        return Err(FillError::NotDense { index, error });
    }
    // Before anything is made of it: a line of a few bytes can name a shape of gigabytes.
    let of_one = dense::least_length(sites.axes()).saturating_mul(2);
    let bytes = of_one.saturating_mul(sites.len() as u64);
    if bytes > limit.most {
        return Err(FillError::TooLong { bytes, limit, sites: Some((sites.len(), (limit.most / of_one) as usize)) });
    }
    Ok([dense::Part::Injections, dense::Part::Masks]
        .map(|part| Box::new(dense::Arrays { sites, part }) as Box<dyn Piece + 'a>))
}

/// One of [`BARE_NUMBERS`].
struct Bare(&'static str);

impl Piece for Bare {
    fn most(&self) -> u64 {
        self.0.len() as u64
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.0.as_bytes())
    }
}

/// The plain forms of [`BARE_NUMBERS`] give way to what `handle` has for their places there: objects, and strings in site arrays
/// that are not held aside, because there is more in them than numbers. The error is the place of an object that is no number.
fn restore_numbers(value: &mut Value, handle: &dyn Fn(usize) -> Value) -> Result<(), PointerBuf> {
    match json::bare_number(value) {
        Ok(None) => json::unescape(value),
        Ok(Some(token)) => *value = handle(token),
        Err(UnknownNumber) => return Err(PointerBuf::new()),
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if [INJECTIONS_KEY, MASKS_KEY].contains(&key.as_str()) {
                    restore_in_array(value, handle);
                }
                restore_numbers(value, handle).map_err(|at| inside(at, key.as_str()))?;
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                restore_numbers(value, handle).map_err(|at| inside(at, index))?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn inside<'t>(mut at: PointerBuf, token: impl Into<Token<'t>>) -> PointerBuf {
    at.push_front(token);
    at
}

fn restore_in_array(value: &mut Value, handle: &dyn Fn(usize) -> Value) {
    let Value::Array(values) = value else { return };
    for value in values {
        match value {
            Value::String(text) => {
                if let Some(token) = BARE_NUMBERS.iter().position(|token| token == text) {
                    *value = handle(token);
                }
            }
            nested => restore_in_array(nested, handle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Cell, Fault, Site};
    use crate::layout::{DataFormat, Shape};
    use crate::sites::each::Each;
    use crate::sites::packed;
    use crate::sites::pass::PassError;

    const LIMIT: Limit = Limit { most: u32::MAX as u64, holder: "an attribute" };

    fn document() -> Value {
        json!({"a": "é", "config": {"available_injection_sites": "INJ_SITES", "masks": "MASKS",
            "num_inj_sites": "NUM_INJECTION_SITES"}, "b": 1})
    }

    fn filled(sites: &[Site], data_format: DataFormat, sparse: bool) -> Result<String, FillError> {
        let config_at = PointerBuf::from_tokens(["config"]);
        let filling = Filling { config_at: &config_at, sites: &packed(sites, data_format), sparse };
        text(document(), &Arrays::default(), &[filling], LIMIT).map(|text| String::from_utf8(text).expect("ASCII"))
    }

    fn packed(sites: &[Site], data_format: DataFormat) -> Packed {
        let each = Each { shape: sites[0].shape, sites: sites.iter().cloned().map(Ok::<_, PassError>) };
        packed::pack(each, data_format, 1).expect("good sites").0
    }

    fn site(cells: &[(usize, usize, usize, Fault)]) -> Site {
        let cells = cells.iter().map(|&(h, w, c, fault)| Cell { h, w, c, fault }).collect();
        Site { shape: Shape::new(1, 2, 3).expect("a shape"), cells }
    }

    #[test]
    fn dense_arrays_have_the_axes_of_the_data_format() {
        let sites = [
            site(&[(0, 1, 2, Fault::Value(-1.5)), (0, 0, 1, Fault::Value(f32::NAN))]),
            site(&[(0, 1, 0, Fault::Value(2.0))]),
        ];
        assert_eq!(
            filled(&sites, DataFormat::ChannelsLast, false).expect("fits"),
            "{\"a\": \"\\u00e9\", \"config\": {\"available_injection_sites\": \
             [[[[0,NaN,0],[0,0,-1.5]]],[[[0,0,0],[2,0,0]]]], \
             \"masks\": [[[[1,0,1],[1,1,0]]],[[[1,1,1],[0,1,1]]]], \"num_inj_sites\": 2}, \"b\": 1}"
        );
        assert_eq!(
            filled(&sites[1..], DataFormat::ChannelsFirst, false).expect("fits"),
            "{\"a\": \"\\u00e9\", \"config\": {\"available_injection_sites\": [[[[0,2]],[[0,0]],[[0,0]]]], \
             \"masks\": [[[[1,0]],[[1,1]],[[1,1]]]], \"num_inj_sites\": 1}, \"b\": 1}"
        );
    }

    #[test]
    fn sparse_sites_hold_flat_indexes_with_values_or_bits() {
        let sites = [
            site(&[(0, 1, 2, Fault::Value(f32::NEG_INFINITY)), (0, 0, 1, Fault::Value(0.1))]),
            site(&[(0, 1, 0, Fault::Bit(31))]),
            site(&[(0, 1, 0, Fault::Bit(0)), (0, 0, 0, Fault::Value(7.0))]),
        ];
        assert_eq!(
            filled(&sites, DataFormat::ChannelsLast, true).expect("fits"),
            "{\"a\": \"\\u00e9\", \"config\": {\"available_injection_sites\": \
             [{\"index\": [1,5], \"value\": [0.1,\"-Infinity\"]}, {\"index\": [3], \"bit\": [31]}, \
             {\"index\": [0,3], \"value\": [7,null], \"bit\": [null,0]}], \"masks\": [], \"num_inj_sites\": 3}, \"b\": 1}"
        );
    }

    #[test]
    fn a_bit_flip_has_no_dense_form() {
        let error = filled(&[site(&[(0, 1, 0, Fault::Bit(3))])], DataFormat::ChannelsLast, false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "site 0: a bit flip at h 0, w 1, c 0 needs the sparse form: its value is known only when the model runs"
        );
    }

    #[test]
    fn arrays_that_are_there_already_go_back_in_pythons_spelling() {
        let written = |text: &str| {
            let mut arrays = Arrays::default();
            let document = json::parse(text, &mut arrays).expect("JSON").value;
            String::from_utf8(super::text(document, &arrays, &[], LIMIT).expect("fits")).expect("ASCII")
        };
        // Held aside or, with a string among the numbers, not.
        assert_eq!(
            written(r#"{"available_injection_sites": [["NaN", 1], ["-Infinity", NaN]], "masks": [], "name": ["NaN"]}"#),
            r#"{"available_injection_sites": [[NaN,1],[-Infinity,NaN]], "masks": [], "name": ["NaN"]}"#
        );
        assert_eq!(
            written(r#"{"masks": [["NaN", 1], ["-Infinity", "x"]]}"#),
            r#"{"masks": [[NaN, 1], [-Infinity, "x"]]}"#
        );
        let sparse = r#"{"available_injection_sites": [{"index": [1], "value": ["NaN"]}]}"#;
        assert_eq!(written(sparse), sparse);
    }

    #[test]
    fn numbers_that_json_lacks_go_back_in_pythons_spelling() {
        let written = |text: &str, is_saved: bool| {
            let mut arrays = Arrays::default();
            let parse = if is_saved { json::parse_saved } else { json::parse };
            let document = parse(text, &mut arrays).expect("JSON").value;
            super::text(document, &arrays, &[], LIMIT).map(|text| String::from_utf8(text).expect("ASCII"))
        };
        let saved = concat!(
            r#"{"max_value": Infinity, "a": [[-Infinity], {"b": NaN}], "name": "Infinity", "masks": NaN, "#,
            r#""own": {"class_name": "__float__", "value": "NaN"}, "more": {"class_name": "____float__"}}"#
        );
        assert_eq!(written(saved, true).expect("fits"), saved);
        let mut printed = Vec::new();
        let arrays = &mut Arrays::default();
        json::Printable::read(saved, arrays).expect("JSON").write_pretty(arrays, &mut printed).expect("memory");
        assert_eq!(written(std::str::from_utf8(&printed).expect("UTF-8"), false).expect("fits"), saved);
        // Python's json reads the plain form and writes a number of its own bare.
        let mixed = r#"[Infinity, {"value": "-Infinity", "class_name": "__float__"}]"#;
        assert_eq!(written(mixed, false).expect("fits"), "[Infinity, -Infinity]");
        assert_eq!(
            written(r#"{"a/b": [1, {"class_name": "__float__", "value": "inf"}]}"#, false).unwrap_err().to_string(),
            "the object at /a~1b/1 has the class name of a number that JSON lacks, and is none of NaN, Infinity, -Infinity"
        );
    }

    #[test]
    fn old_arrays_stay_beside_new_ones() {
        let mut arrays = Arrays::default();
        let text = r#"{"old": {"masks": [[2, "NaN"]]}, "config": {"masks": "MASKS"}}"#;
        let document = json::parse(text, &mut arrays).expect("JSON").value;
        let sites = packed(&[site(&[(0, 0, 0, Fault::Value(1.0))])], DataFormat::ChannelsLast);
        let config_at = PointerBuf::from_tokens(["config"]);
        let text =
            super::text(document, &arrays, &[Filling { config_at: &config_at, sites: &sites, sparse: false }], LIMIT);
        assert_eq!(
            String::from_utf8(text.expect("fits")).expect("ASCII"),
            "{\"old\": {\"masks\": [[2,NaN]]}, \"config\": {\"masks\": [[[[0,1,1],[1,1,1]]]], \
             \"available_injection_sites\": [[[[1,0,0],[0,0,0]]]], \"num_inj_sites\": 1}}"
        );
    }

    #[test]
    fn more_text_than_an_attribute_holds_is_refused_with_the_numbers() {
        // 1400 sites of 112x112x64, a cell each: 4.5 GB, none of it made.
        let shape = Shape::new(112, 112, 64).expect("a shape");
        let site = Site { shape, cells: vec![Cell { h: 0, w: 0, c: 0, fault: Fault::Value(7.0) }] };
        let sites = packed(&vec![site; 1400], DataFormat::ChannelsLast);
        let config_at = PointerBuf::from_tokens(["config"]);
        let filling = Filling { config_at: &config_at, sites: &sites, sparse: false };
        assert_eq!(
            text(document(), &Arrays::default(), &[filling], LIMIT).unwrap_err().to_string(),
            "the new config would have at least 4566648800 bytes, and an attribute holds 4294967295 at most: 1316 of the 1400 sites"
        );
        // A line of 80 bytes can ask for as much.
        let shape = Shape::new(65_535, 32_767, 2).expect("a shape");
        let huge = Site { shape, cells: vec![Cell { h: 0, w: 0, c: 0, fault: Fault::Value(7.0) }] };
        let error = filled(&[huge], DataFormat::ChannelsLast, false).unwrap_err();
        assert!(error.to_string().ends_with("at most: 0 of the 1 sites"), "{error}");
    }
}
