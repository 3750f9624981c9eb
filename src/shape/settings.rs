//! Reading a layer's constructor arguments.

use serde_json::Value;

use super::axis::{Axes, Axis, laid_out};
use super::{Dims, format_of};
use crate::keras::classes::{Kind, Rule, resolve};
use crate::layout::DataFormat;

/// What a layer's class stands for, and its constructor arguments.
#[derive(Clone, Copy)]
pub(super) struct Settings<'a> {
    pub kind: Kind,
    pub config: &'a Value,
}

impl<'a> Settings<'a> {
    /// Those of an object with `class_name` and `config`.
    pub fn of(entry: &'a Value) -> Option<Self> {
        Some(Settings { kind: resolve(entry, entry.get("class_name")?.as_str()?), config: entry.get("config")? })
    }

    /// The rule for its output's shape.
    pub fn rule(&self) -> Rule {
        match self.kind {
            Kind::Keras(class) => class.shape,
            Kind::Simulator | Kind::Clip => Rule::Same,
            Kind::Operation | Kind::Other => Rule::Unknown,
        }
    }

    /// An argument; null is none.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    /// An argument by the first of its names that is there: Keras 1 called many differently.
    pub fn first(&self, keys: &[&str]) -> Option<&'a Value> {
        keys.iter().find_map(|key| self.get(key))
    }

    pub fn text(&self, keys: &[&str]) -> Option<&'a str> {
        self.first(keys)?.as_str()
    }

    pub fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn size(&self, keys: &[&str]) -> Option<usize> {
        size(self.first(keys)?)
    }

    /// A size for each of `rank` spatial axes, written as a list or as one number for all.
    pub fn sizes(&self, keys: &[&str], rank: usize) -> Option<Vec<usize>> {
        sizes(self.first(keys)?, rank)
    }

    /// As [`Self::sizes`], with a value for an argument that is absent or null.
    pub fn sizes_or(&self, keys: &[&str], rank: usize, default: usize) -> Option<Vec<usize>> {
        self.first(keys).map_or_else(|| Some(vec![default; rank]), |value| sizes(value, rank))
    }

    /// The layer that a wrapper holds.
    pub fn held(&self) -> Option<Settings<'a>> {
        Settings::of(self.get("layer")?)
    }

    pub fn is_channels_first(&self) -> bool {
        format_of(self.config) == Some(DataFormat::ChannelsFirst)
    }
}

/// A size; Python's floats that are whole count as well.
pub(super) fn size(value: &Value) -> Option<usize> {
    let whole =
        || value.as_f64().filter(|size| size.fract() == 0.0 && (0.0..1e15).contains(size)).map(|size| size as u64);
    usize::try_from(value.as_u64().or_else(whole)?).ok()
}

/// A size for each of `rank` axes, written as a list or as one number for all.
pub(super) fn sizes(value: &Value, rank: usize) -> Option<Vec<usize>> {
    match value.as_array() {
        Some(list) => list.iter().map(size).collect::<Option<Vec<_>>>().filter(|sizes| sizes.len() == rank),
        None => Some(vec![size(value)?; rank]),
    }
}

/// A shape as JSON: sizes and nulls.
pub(super) fn dims(value: &Value) -> Option<Dims> {
    value.as_array()?.iter().map(|dim| if dim.is_null() { Some(None) } else { size(dim).map(Some) }).collect()
}

/// A list of whole numbers, or one of them.
pub(super) fn integers(value: &Value) -> Option<Vec<i64>> {
    match value.as_array() {
        Some(list) => list.iter().map(Value::as_i64).collect(),
        None => Some(vec![value.as_i64()?]),
    }
}

/// An axis counted from either end, as one counted from the start.
pub(super) fn place(axis: i64, rank: usize) -> Option<usize> {
    let from_start = if axis < 0 { axis.checked_add(i64::try_from(rank).ok()?)? } else { axis };
    usize::try_from(from_start).ok().filter(|&axis| axis < rank)
}

/// The product of sizes; `None` where one is unknown or the product is beyond all memory.
pub(super) fn product(axes: &[Axis]) -> Option<usize> {
    axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.size?))
}

/// Applies `change` to each spatial size of a tensor with `rank` spatial axes, whose channels stand last or first.
pub(super) fn each_spatial(
    input: &Axes,
    rank: usize,
    channels_first: bool,
    mut change: impl FnMut(usize, usize) -> Option<usize>,
) -> Option<Axes> {
    if input.len() != rank + 2 {
        return None;
    }
    let first = if channels_first { 2 } else { 1 };
    let mut output = laid_out(input.clone(), channels_first);
    for axis in 0..rank {
        if let Some(length) = input[first + axis].size {
            output[first + axis].size = Some(change(axis, length)?);
        }
    }
    Some(output)
}

/// Puts another number of channels in a tensor.
pub(super) fn with_channels(mut axes: Axes, channels: Option<usize>, channels_first: bool) -> Option<Axes> {
    let axis = if channels_first { 1 } else { axes.len().checked_sub(1)? };
    axes.get_mut(axis)?.size = channels;
    Some(axes)
}
