//! What a line says.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::LineProblem;
use crate::fault::{Cell, Fault, Site};
use crate::layout::Shape;

#[derive(Deserialize)]
#[serde(expecting = "an object with shape and cells")]
struct Line<'a> {
    shape: Object<Axes>,
    #[serde(borrow)]
    cells: Vec<Object<CellLine<'a>>>,
    #[serde(borrow)]
    layer: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with h, w and c")]
struct Axes {
    h: usize,
    w: usize,
    c: usize,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with h, w, c and value")]
struct CellLine<'a> {
    h: usize,
    w: usize,
    c: usize,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    bit: Option<u64>,
}

/// A thing that has to be written with its names: serde would also take a list in their place, in which axes could be
/// mistaken for each other.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Named<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object with names")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Named(PhantomData))
    }
}

/// Makes sites of lines, which must have one shape.
#[derive(Default)]
pub struct Parser {
    /// The shape that every site must have, once it is known.
    shape: Option<Shape>,
    places: Vec<usize>,
    layers: BTreeSet<String>,
}

impl Parser {
    /// One whose sites must have this shape.
    pub(super) fn new(shape: Shape) -> Self {
        Parser { shape: Some(shape), ..Parser::default() }
    }

    /// The layers that the sites were drawn for, as far as they say so.
    pub fn layers(&self) -> &BTreeSet<String> {
        &self.layers
    }

    pub(super) fn site(&mut self, text: &[u8]) -> Result<Site, LineProblem> {
        let line: Line = serde_json::from_slice(text).map(|Object(line)| line).map_err(syntax)?;
        let Object(axes) = line.shape;
        let shape = Shape::new(axes.h, axes.w, axes.c)?;
        if line.cells.is_empty() {
            return Err(LineProblem::NoCells);
        }
        let expected = *self.shape.get_or_insert(shape);
        if shape != expected {
            return Err(LineProblem::OtherShape { expected, found: shape });
        }
        let cells = line.cells.iter().map(|Object(cell)| cell.check(shape)).collect::<Result<Vec<_>, _>>()?;
        self.places.clear();
        self.places.extend(cells.iter().map(|x| (x.c * shape.h + x.h) * shape.w + x.w));
        self.places.sort_unstable();
        if let Some(pair) = self.places.windows(2).find(|pair| pair[0] == pair[1]) {
            let (plane, place) = (shape.plane(), pair[0]);
            return Err(LineProblem::Twice { h: place % plane / shape.w, w: place % shape.w, c: place / plane });
        }
        // A name; anything else is a remark like all others.
        if let Some(layer) = line.layer.and_then(|layer| serde_json::from_str::<String>(layer.get()).ok())
            && !self.layers.contains(&layer)
        {
            self.layers.insert(layer);
        }
        Ok(Site { shape, cells })
    }
}

impl CellLine<'_> {
    fn check(&self, shape: Shape) -> Result<Cell, LineProblem> {
        let &CellLine { h, w, c, .. } = self;
        if !shape.contains(h, w, c) {
            return Err(LineProblem::Outside { h, w, c, shape });
        }
        let fault = match (self.value, self.bit) {
            (Some(value), None) => Fault::Value(float(value.get())?),
            (None, Some(bit @ 0..=31)) => Fault::Bit(bit as u8),
            (None, Some(bit)) => return Err(LineProblem::Bit(bit)),
            (None, None) => return Err(LineProblem::NoFault { h, w, c }),
            (Some(_), Some(_)) => return Err(LineProblem::TwoFaults { h, w, c }),
        };
        Ok(Cell { h, w, c, fault })
    }
}

/// Reads a JSON number, or one of the strings for what JSON has no number for, as float32.
fn float(text: &str) -> Result<f32, LineProblem> {
    let value = match text {
        "\"NaN\"" => Some(f32::NAN),
        "\"Infinity\"" => Some(f32::INFINITY),
        "\"-Infinity\"" => Some(f32::NEG_INFINITY),
        // From the text, not through f64: a number is rounded once.
        number => number.parse().ok().filter(|value: &f32| value.is_finite()),
    };
    value.ok_or_else(|| LineProblem::Value { value: text.to_owned() })
}

/// serde_json counts lines within the one line that it was given: keep only the column.
fn syntax(error: serde_json::Error) -> LineProblem {
    let message = error.to_string().replace("expected usize", "expected a whole number from 0");
    let place = format!(" at line {} column {}", error.line(), error.column());
    LineProblem::Json { message: message.strip_suffix(&place).unwrap_or(&message).to_owned(), column: error.column() }
}
