//! Sites filled into a config: the placeholders of the simulators give way to arrays.
//!
//! The arrays of a hundred large sites are hundreds of megabytes of text, so they never become JSON values: the config
//! is written with short marks in their place, and the text of the arrays goes straight where the marks are.

mod dense;
mod sparse;

use json_patch::jsonptr::PointerBuf;
use serde_json::{Number, Value, json};
use thiserror::Error;

use crate::explain::Explain;
use crate::graph::{Address, Graph};
use crate::h5::MOST_TEXT;
use crate::json;
use crate::simulator::{COUNT_KEY, INJECTIONS_KEY, MASKS_KEY, SLOTS, is_simulator};
use crate::site::dense::DenseError;
use crate::site::{DataFormat, Site};
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
    /// Site k is the one that `select(k)` plays. All have one shape.
    pub sites: &'a [Site],
    /// The order of the axes that the model computes in.
    pub data_format: DataFormat,
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
    /// More text than an attribute holds.
    #[error(
        "the arrays of {sites} sites would make a config of {bytes} bytes; an HDF5 attribute holds {MOST_TEXT} at most"
    )]
    TooLong {
        /// How many sites.
        sites: usize,
        /// The length of the text.
        bytes: u64,
    },
}

impl Explain for FillError {
    fn hint(&self) -> Option<String> {
        match self {
            FillError::NoSimulator { .. } => None,
            FillError::NotDense { .. } => Some("--sparse writes the cells only, and can carry bit flips".into()),
            FillError::TooLong { .. } => Some(
                "--sparse writes the cells only; or split the sites over several files (classes-sites --first)".into(),
            ),
        }
    }
}

/// All simulators of a model, at every depth, in the order of the config.
pub fn simulators(root: &Graph) -> Vec<Simulator> {
    let addresses = root.walk().into_iter();
    addresses
        .filter_map(|address| {
            let trail = root.trail(&address);
            let layer = trail.last().filter(|layer| is_simulator(layer.class))?;
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
pub fn text(mut document: Value, fillings: &[Filling]) -> Result<Vec<u8>, FillError> {
    restore_numbers(&mut document);
    let mark = free_mark(&document);
    let mut pieces: Vec<Box<dyn Piece + '_>> = Vec::new();
    for filling in fillings {
        let config = document
            .pointer_mut(filling.config_at.as_str())
            .and_then(Value::as_object_mut)
            .ok_or_else(|| FillError::NoSimulator { at: filling.config_at.clone() })?;
        let [injections, masks] = pieces_of(filling)?;
        for (key, piece) in [(INJECTIONS_KEY, injections), (MASKS_KEY, masks)] {
            config.insert(key.to_owned(), json!(format!("{mark}{}", pieces.len())));
            pieces.push(piece);
        }
        config.insert(COUNT_KEY.to_owned(), json!(filling.sites.len()));
    }
    let mut marked = Vec::new();
    // Writing to memory fails for no document that was parsed.
    let _ = json::write_ascii(&document, &mut marked);
    drop(document);

    let bytes = marked.len() as u64 + pieces.iter().map(|piece| piece.length()).sum::<u64>();
    if bytes > MOST_TEXT {
        return Err(FillError::TooLong { sites: fillings.iter().map(|filling| filling.sites.len()).sum(), bytes });
    }
    let mut out = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    let mut rest = marked.as_slice();
    for (index, at, length) in marks(&marked, &mark) {
        let done = marked.len() - rest.len();
        out.extend_from_slice(&marked[done..at]);
        if let Some(piece) = pieces.get(index) {
            piece.write(&mut out);
        }
        rest = &marked[at + length..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

/// Text that takes the place of a mark.
trait Piece {
    /// At least as many bytes as `write` writes.
    fn length(&self) -> u64;
    fn write(&self, out: &mut Vec<u8>);
}

fn pieces_of<'a>(filling: &Filling<'a>) -> Result<[Box<dyn Piece + 'a>; 2], FillError> {
    if filling.sparse {
        return Ok([
            Box::new(sparse::Cells { sites: filling.sites, data_format: filling.data_format }),
            Box::new(sparse::NoMasks),
        ]);
    }
    for (index, site) in filling.sites.iter().enumerate() {
        dense::check(site).map_err(|error| FillError::NotDense { index, error })?;
    }
    Ok([dense::Part::Injections, dense::Part::Masks].map(|part| {
        let arrays = dense::Arrays { sites: filling.sites, data_format: filling.data_format, part };
        Box::new(arrays) as Box<dyn Piece + 'a>
    }))
}

/// A text that no string of the document holds.
fn free_mark(document: &Value) -> String {
    let text = document.to_string();
    let mut number = 0;
    loop {
        let mark = format!("@sites-{number}-");
        if !text.contains(&mark) {
            return mark;
        }
        number += 1;
    }
}

/// Each mark in the text: its number, where its quotes begin, and its length with them.
fn marks(text: &[u8], mark: &str) -> Vec<(usize, usize, usize)> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    text.match_indices(&format!("\"{mark}"))
        .filter_map(|(at, start)| {
            let number = text[at + start.len()..].split('"').next()?;
            Some((number.parse().ok()?, at, start.len() + number.len() + 1))
        })
        .collect()
}

/// Inside the dense arrays of a simulator, "NaN", "Infinity" and "-Infinity" become Python's bare tokens again.
fn restore_numbers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match key.as_str() {
                    INJECTIONS_KEY | MASKS_KEY => restore_in_array(value),
                    _ => restore_numbers(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(restore_numbers),
        _ => {}
    }
}

fn restore_in_array(value: &mut Value) {
    let Value::Array(values) = value else { return };
    for value in values {
        match value {
            Value::String(text) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => {
                *value = Value::Number(Number::from_string_unchecked(std::mem::take(text)));
            }
            nested => restore_in_array(nested),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Cell, Fault, Shape};

    fn document() -> Value {
        json!({"a": "é", "config": {"available_injection_sites": "INJ_SITES", "masks": "MASKS",
            "num_inj_sites": "NUM_INJECTION_SITES"}, "b": 1})
    }

    fn filled(sites: &[Site], data_format: DataFormat, sparse: bool) -> Result<String, FillError> {
        let config_at = PointerBuf::from_tokens(["config"]);
        let filling = Filling { config_at: &config_at, sites, data_format, sparse };
        text(document(), &[filling]).map(|text| String::from_utf8(text).expect("ASCII"))
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
             [{\"index\": [5,1], \"value\": [\"-Infinity\",0.1]}, {\"index\": [3], \"bit\": [31]}, \
             {\"index\": [3,0], \"value\": [null,7], \"bit\": [0,null]}], \"masks\": [], \"num_inj_sites\": 3}, \"b\": 1}"
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
    fn numbers_that_json_lacks_go_back_to_pythons_tokens() {
        let document =
            json!({"available_injection_sites": [["NaN", 1], ["-Infinity", "x"]], "masks": [], "name": ["NaN"]});
        let text = text(document, &[]).expect("fits");
        assert_eq!(
            String::from_utf8(text).expect("ASCII"),
            r#"{"available_injection_sites": [[NaN, 1], [-Infinity, "x"]], "masks": [], "name": ["NaN"]}"#
        );
        let sparse = json!({"available_injection_sites": [{"index": [1], "value": ["NaN"]}]});
        let text = super::text(sparse, &[]).expect("fits");
        assert_eq!(
            String::from_utf8(text).expect("ASCII"),
            r#"{"available_injection_sites": [{"index": [1], "value": ["NaN"]}]}"#
        );
    }

    #[test]
    fn a_mark_in_the_users_own_text_is_no_mark() {
        let mut document = document();
        document["a"] = json!("@sites-0-0");
        let config_at = PointerBuf::from_tokens(["config"]);
        let sites = [site(&[(0, 0, 0, Fault::Value(1.0))])];
        let filling =
            Filling { config_at: &config_at, sites: &sites, data_format: DataFormat::ChannelsLast, sparse: false };
        let text = String::from_utf8(text(document, &[filling]).expect("fits")).expect("ASCII");
        assert!(
            text.starts_with(
                "{\"a\": \"@sites-0-0\", \"config\": {\"available_injection_sites\": [[[[1,0,0],[0,0,0]]]], "
            ),
            "{text}"
        );
    }
}
