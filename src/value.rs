//! Value classes: which kinds of values corrupted cells hold, and the float32 of each kind.

mod mix;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::rng::Rng;

pub use mix::Mix;

/// The kind of a wrong value, as the campaigns classified it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueClass {
    /// Within what the layer puts out without faults, and not 0.
    InRange,
    /// Finite, and beyond that.
    OutOfRange,
    /// 0.0
    Zero,
    /// NaN; the campaigns counted infinities here as well.
    Nan,
    /// The fault-free value with one bit flipped. That value is not known here: drawn as [`ValueClass::OutOfRange`].
    Flip,
}

/// A text that names no value class.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{0}' is not a value class: in_range, out_of_range, zero, nan, flip")]
pub struct ValueClassError(String);

impl ValueClass {
    /// All value classes.
    pub const ALL: [ValueClass; 5] =
        [ValueClass::InRange, ValueClass::OutOfRange, ValueClass::Zero, ValueClass::Nan, ValueClass::Flip];

    /// The class of a wrong value where the fault-free ones span `min..=max`; that a bit has flipped it does not tell.
    pub fn of(value: f32, min: f32, max: f32) -> Self {
        match value {
            value if !value.is_finite() => ValueClass::Nan,
            0.0 => ValueClass::Zero,
            value if (min..=max).contains(&value) => ValueClass::InRange,
            _ => ValueClass::OutOfRange,
        }
    }

    /// The name in models and on lines.
    pub fn name(self) -> &'static str {
        match self {
            ValueClass::InRange => "in_range",
            ValueClass::OutOfRange => "out_of_range",
            ValueClass::Zero => "zero",
            ValueClass::Nan => "nan",
            ValueClass::Flip => "flip",
        }
    }
}

impl fmt::Display for ValueClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ValueClass {
    type Err = ValueClassError;

    fn from_str(text: &str) -> Result<Self, ValueClassError> {
        ValueClass::ALL.into_iter().find(|class| class.name() == text).ok_or_else(|| ValueClassError(text.to_owned()))
    }
}

/// The golden range: what a layer's output spans without faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    min: f32,
    max: f32,
    below: u32,
    above: u32,
}

/// Why two numbers make no golden range.
#[derive(Debug, Error, PartialEq)]
pub enum RangeError {
    /// An end is NaN or infinite.
    #[error("the range {min} to {max} has an end that is not a finite float32")]
    NotFinite {
        /// The smaller end.
        min: f32,
        /// The larger end.
        max: f32,
    },
    /// The ends are equal, or the wrong way round.
    #[error("the range {min} to {max} is empty: min must be less than max")]
    Empty {
        /// The smaller end.
        min: f32,
        /// The larger end.
        max: f32,
    },
    /// No value can be out of range.
    #[error("the range {min} to {max} leaves no float32 outside")]
    Everything {
        /// The smaller end.
        min: f32,
        /// The larger end.
        max: f32,
    },
}

/// How many positive normal float32 there are; as many are negative.
const NORMALS: u32 = 254 << 23;

/// The place of a float32 among all normal ones in ascending order: how many of them are less than it.
fn less(x: f32) -> u32 {
    let magnitude = x.abs().to_bits();
    if magnitude < f32::MIN_POSITIVE.to_bits() {
        NORMALS
    } else if x > 0.0 {
        NORMALS + (magnitude - f32::MIN_POSITIVE.to_bits())
    } else {
        f32::MAX.to_bits() - magnitude
    }
}

/// The normal float32 that has `place` normal ones below it.
fn normal(place: u32) -> f32 {
    if place < NORMALS {
        -f32::from_bits(f32::MAX.to_bits() - place)
    } else {
        f32::from_bits(f32::MIN_POSITIVE.to_bits() + (place - NORMALS))
    }
}

impl Range {
    /// # Errors
    /// An end that is not finite, `min` not less than `max`, or a range that leaves no normal float32 outside.
    pub fn new(min: f32, max: f32) -> Result<Self, RangeError> {
        if !min.is_finite() || !max.is_finite() {
            return Err(RangeError::NotFinite { min, max });
        }
        if min >= max {
            return Err(RangeError::Empty { min, max });
        }
        let (below, above) = (less(min), 2 * NORMALS - less(max) - u32::from(max.is_normal()));
        if below + above == 0 {
            return Err(RangeError::Everything { min, max });
        }
        Ok(Range { min, max, below, above })
    }

    /// The smallest fault-free value.
    pub fn min(self) -> f32 {
        self.min
    }

    /// The largest fault-free value.
    pub fn max(self) -> f32 {
        self.max
    }

    /// A value of `class`. By class:
    ///
    /// - `in_range`: `min + unit * (max - min)` in f64, rounded to float32; again where that is 0.
    /// - `out_of_range`, `flip`: uniform over the bit patterns of all finite normal float32 outside the range, in
    ///   ascending order. Subnormals are left out: TensorFlow's arithmetic flushes them to zero.
    /// - `zero`: 0.0; `nan`: the quiet NaN 0x7fc00000.
    #[inline]
    pub fn draw(self, class: ValueClass, rng: &mut Rng) -> f32 {
        match class {
            ValueClass::InRange => {
                let (min, max) = (f64::from(self.min), f64::from(self.max));
                loop {
                    let value = (min + rng.unit() * (max - min)) as f32;
                    if value != 0.0 {
                        return value;
                    }
                }
            }
            ValueClass::OutOfRange | ValueClass::Flip => {
                let place = rng.below(self.below + self.above);
                if place < self.below { normal(place) } else { normal(2 * NORMALS - self.above + (place - self.below)) }
            }
            ValueClass::Zero => 0.0,
            ValueClass::Nan => f32::from_bits(0x7fc0_0000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Streams;

    #[test]
    fn places_and_normals_are_inverse() {
        for x in [f32::MIN, -1.5, -f32::MIN_POSITIVE, f32::MIN_POSITIVE, 1.0, f32::MAX] {
            assert_eq!(normal(less(x)), x);
        }
        assert_eq!(less(f32::MIN), 0);
        assert_eq!(less(f32::MAX), 2 * NORMALS - 1);
        assert_eq!(less(-f32::MIN_POSITIVE), NORMALS - 1);
        for x in [0.0, -0.0, 1e-45, -1e-45, f32::MIN_POSITIVE] {
            assert_eq!(less(x), NORMALS);
        }
    }

    #[test]
    fn the_ends_of_the_range_are_inside() {
        let range = Range::new(-2.0, 3.0).unwrap();
        assert_eq!(normal(range.below - 1), (-2.0f32).next_down());
        assert_eq!(normal(2 * NORMALS - range.above), 3.0f32.next_up());
    }

    #[test]
    fn the_only_float_outside_is_found() {
        let range = Range::new(f32::MIN.next_up(), f32::MAX).unwrap();
        let mut rng = Streams::new("one").site(0);
        assert_eq!(range.draw(ValueClass::OutOfRange, &mut rng), f32::MIN);
        let range = Range::new(f32::MIN, f32::MAX.next_down()).unwrap();
        assert_eq!(range.draw(ValueClass::Flip, &mut rng), f32::MAX);
    }

    #[test]
    fn a_bad_range_is_refused() {
        for (min, max, message) in [
            (1.0, 1.0, "the range 1 to 1 is empty: min must be less than max"),
            (0.0, -0.0, "the range 0 to -0 is empty: min must be less than max"),
            (2.0, 1.0, "the range 2 to 1 is empty: min must be less than max"),
            (f32::NAN, 1.0, "the range NaN to 1 has an end that is not a finite float32"),
            (0.0, f32::INFINITY, "the range 0 to inf has an end that is not a finite float32"),
        ] {
            assert_eq!(Range::new(min, max).unwrap_err().to_string(), message);
        }
        assert!(matches!(Range::new(f32::MIN, f32::MAX), Err(RangeError::Everything { .. })));
    }

    #[test]
    fn a_range_of_one_subnormal_beside_zero_never_gives_zero() {
        let range = Range::new(0.0, f32::from_bits(1)).unwrap();
        let mut rng = Streams::new("tiny").site(0);
        for _ in 0..100 {
            assert_eq!(range.draw(ValueClass::InRange, &mut rng), f32::from_bits(1));
        }
    }

    #[test]
    fn names_are_read_back() {
        for class in ValueClass::ALL {
            assert_eq!(class.name().parse(), Ok(class));
        }
        assert_eq!(
            "inf".parse::<ValueClass>().unwrap_err().to_string(),
            "'inf' is not a value class: in_range, out_of_range, zero, nan, flip"
        );
    }
}
