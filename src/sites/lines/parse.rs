//! What a line says.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::LineProblem;
use crate::fault::{Cell, Fault, Site};
use crate::layout::{MOST_AXES, Place, Shape};

#[derive(Deserialize)]
#[serde(expecting = "an object with shape and cells")]
struct Line<'a> {
    shape: Axes,
    #[serde(borrow)]
    cells: Vec<Object<CellLine<'a>>>,
    #[serde(borrow)]
    layer: Option<&'a RawValue>,
}

/// The sizes of a tensor's axes: an image's by name or in a list, others in a list.
struct Axes(Numbers);

#[derive(Deserialize)]
#[serde(expecting = "an object with h, w and c")]
struct Named {
    h: usize,
    w: usize,
    c: usize,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a place and a value")]
struct CellLine<'a> {
    h: Option<usize>,
    w: Option<usize>,
    c: Option<usize>,
    at: Option<Numbers>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    bit: Option<u64>,
}

/// A few numbers, one for each axis; there may be one more than a tensor has, so that it is seen that they are too many.
#[derive(Clone, Copy)]
struct Numbers {
    numbers: [usize; MOST_AXES + 1],
    count: usize,
}

impl Numbers {
    fn as_slice(&self) -> &[usize] {
        &self.numbers[..self.count]
    }

    fn read<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut read = Numbers { numbers: [0; MOST_AXES + 1], count: 0 };
        while let Some(number) = list.next_element()? {
            // Those behind the last are counted no more: it is wrong already.
            if let Some(place) = read.numbers.get_mut(read.count) {
                *place = number;
                read.count += 1;
            }
        }
        Ok(read)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Numbers;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list with a number for each axis")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Numbers, A::Error> {
                Numbers::read(list)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Axes;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object with h, w and c, or a list of axes")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Axes, A::Error> {
                let Named { h, w, c } = Named::deserialize(MapAccessDeserializer::new(map))?;
                let mut numbers = [0; MOST_AXES + 1];
                numbers[..3].copy_from_slice(&[h, w, c]);
                Ok(Axes(Numbers { numbers, count: 3 }))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Axes, A::Error> {
                Numbers::read(list).map(Axes)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A thing that has to be written with its names: serde would also take a list in their place.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ByName<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object with names")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(ByName(PhantomData))
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
        let Axes(axes) = line.shape;
        let shape = Shape::of_axes(axes.as_slice())?;
        if line.cells.is_empty() {
            return Err(LineProblem::NoCells);
        }
        let expected = *self.shape.get_or_insert(shape);
        if shape != expected {
            return Err(LineProblem::OtherShape { expected: expected.into(), found: shape.into() });
        }
        let cells = line.cells.iter().map(|Object(cell)| cell.check(shape)).collect::<Result<Vec<_>, _>>()?;
        self.places.clear();
        self.places.extend(cells.iter().map(|x| (x.c * shape.h + x.h) * shape.w + x.w));
        self.places.sort_unstable();
        if let Some(pair) = self.places.windows(2).find(|pair| pair[0] == pair[1]) {
            let (plane, place) = (shape.plane(), pair[0]);
            let cell = [place % plane / shape.w, place % shape.w, place / plane];
            return Err(LineProblem::Twice(shape.place(cell)));
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
        let [h, w, c] = self.place(shape)?;
        let fault = match (self.value, self.bit) {
            (Some(value), None) => Fault::Value(float(value.get())?),
            (None, Some(bit @ 0..=31)) => Fault::Bit(bit as u8),
            (None, Some(bit)) => return Err(LineProblem::Bit(bit)),
            (None, None) => return Err(LineProblem::NoFault(shape.place([h, w, c]))),
            (Some(_), Some(_)) => return Err(LineProblem::TwoFaults(shape.place([h, w, c]))),
        };
        Ok(Cell { h, w, c, fault })
    }

    /// Height, width and channel.
    fn place(&self, shape: Shape) -> Result<[usize; 3], LineProblem> {
        let outside = |cell| LineProblem::Outside { cell, shape: shape.into() };
        match (self.at, self.h, self.w, self.c) {
            (None, Some(h), Some(w), Some(c)) => {
                let named = || Place(vec![h, w, c]);
                match (shape.is_image(), shape.contains(h, w, c)) {
                    (true, true) => Ok([h, w, c]),
                    (true, false) => Err(outside(named())),
                    (false, _) => Err(LineProblem::NoImage { cell: named(), shape: shape.into() }),
                }
            }
            (Some(at), None, None, None) => {
                shape.cell(at.as_slice()).ok_or_else(|| outside(Place(at.as_slice().to_vec())))
            }
            (Some(at), ..) => Err(LineProblem::TwoPlaces { at: Place(at.as_slice().to_vec()) }),
            (None, ..) => Err(LineProblem::Nowhere),
        }
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
