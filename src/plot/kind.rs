//! The kinds of corrupted cells that a picture tells apart.

use crate::fault::Fault;
use crate::value::ValueClass;

/// A kind of cell, the least grave first: where a square of the picture stands for several cells, it has the colour of the
/// gravest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    InRange,
    Zero,
    /// A value of which the line does not say how it compares to the golden range.
    Unclassed,
    Flip,
    OutOfRange,
    Nan,
}

impl Kind {
    pub const ALL: [Kind; 6] = [Kind::InRange, Kind::Zero, Kind::Unclassed, Kind::Flip, Kind::OutOfRange, Kind::Nan];

    /// The kind of a cell, by the class that its line gives, else by its value.
    pub fn of(fault: Fault, class: Option<ValueClass>) -> Kind {
        match (class, fault) {
            (Some(ValueClass::InRange), _) => Kind::InRange,
            (Some(ValueClass::OutOfRange), _) => Kind::OutOfRange,
            (Some(ValueClass::Zero), _) => Kind::Zero,
            (Some(ValueClass::Nan), _) => Kind::Nan,
            (Some(ValueClass::Flip), _) | (None, Fault::Bit(_)) => Kind::Flip,
            // The campaigns counted infinities as NaN.
            (None, Fault::Value(value)) if !value.is_finite() => Kind::Nan,
            (None, Fault::Value(0.0)) => Kind::Zero,
            (None, Fault::Value(_)) => Kind::Unclassed,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Kind::InRange => "in_range",
            Kind::Zero => "zero",
            Kind::Unclassed => "other value",
            Kind::Flip => "flip",
            Kind::OutOfRange => "out_of_range",
            Kind::Nan => "nan",
        }
    }

    /// The name of the colour in the picture's style sheet.
    pub fn css(self) -> &'static str {
        match self {
            Kind::InRange => "i",
            Kind::Zero => "z",
            Kind::Unclassed => "u",
            Kind::Flip => "f",
            Kind::OutOfRange => "o",
            Kind::Nan => "n",
        }
    }

    /// The colour. Any two of them differ by at least 22 (CIE76) to people of each kind of colour-blindness, and in a black
    /// and white print those that occur together differ in lightness.
    pub fn colour(self) -> &'static str {
        match self {
            Kind::InRange => "#4a9bd4",
            Kind::Zero => "#e6b000",
            Kind::Unclassed => "#5a5a5a",
            Kind::Flip => "#9c4f96",
            Kind::OutOfRange => "#b8350a",
            Kind::Nan => "#000000",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_without_a_class_is_known_by_its_value() {
        for (fault, kind) in [
            (Fault::Value(-1.5), Kind::Unclassed),
            (Fault::Value(-0.0), Kind::Zero),
            (Fault::Value(f32::NAN), Kind::Nan),
            (Fault::Value(f32::NEG_INFINITY), Kind::Nan),
            (Fault::Bit(3), Kind::Flip),
        ] {
            assert_eq!(Kind::of(fault, None), kind);
        }
        assert_eq!(Kind::of(Fault::Value(0.0), Some(ValueClass::InRange)), Kind::InRange);
    }

    #[test]
    fn the_kinds_stand_in_the_order_of_their_numbers() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }
}
