//! Sites filled into a config: the placeholders of the simulators give way to arrays.
//!
//! The arrays of a hundred large sites are hundreds of megabytes of text, so they never become JSON values: handles stand
//! in their place, and the arrays are written straight into the config's text where the handles are.

mod dense;
mod error;
mod length;
mod numbers;
mod sparse;

use std::cell::Cell;
use std::io::{self, Write};

pub use error::FillError;

use json_patch::jsonptr::PointerBuf;
use serde_json::{Value, json};

use crate::graph::{Address, Graph};
use crate::json::{self, Arrays, BARE_NUMBERS, Spelling};
use crate::keras::classes::Kind;
use crate::keras::simulator::{COUNT_KEY, INJECTIONS_KEY, MASKS_KEY, SLOTS};
use crate::model_file::Limit;
use crate::sites::packed::Packed;
use length::{length, room_for_c_string};

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
    numbers::restore(&mut document, &|token| json::handle(arrays.len() + token))
        .map_err(|at| FillError::UnknownNumber { at })?;
    pieces.extend(BARE_NUMBERS.map(|token| Box::new(numbers::Bare(token)) as Box<dyn Piece>));
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
    let of_one = dense::least_length(&sites.axes()).saturating_mul(2);
    let bytes = of_one.saturating_mul(sites.len() as u64);
    if bytes > limit.most {
        return Err(FillError::TooLong { bytes, limit, sites: Some((sites.len(), (limit.most / of_one) as usize)) });
    }
    Ok([dense::Part::Injections, dense::Part::Masks]
        .map(|part| Box::new(dense::Arrays { sites, part }) as Box<dyn Piece + 'a>))
}

#[cfg(test)]
mod tests;
