//! What the families' tests share. Their expected shapes are those of Keras 2 (tf_keras 2.21) and Keras 3.15, which agree.

use serde_json::Value;

use super::rules::layer;
use super::settings::Settings;
use super::{Dims, axis};
use crate::keras::classes::{Kind, find};

/// A shape, the batch first; -1 is an unknown size.
pub(super) fn dims(sizes: &[i64]) -> Dims {
    sizes.iter().map(|&size| usize::try_from(size).ok()).collect()
}

/// A class, its arguments, a shape and the first output's shape.
pub(super) type Case<'a> = (&'a str, Value, &'a [i64], &'a [i64]);

pub(super) fn outputs(class: &str, config: &Value, inputs: &[&[i64]]) -> Option<Vec<Dims>> {
    let inputs: Vec<_> = inputs.iter().enumerate().map(|(index, input)| axis::input(index, &dims(input))).collect();
    let outputs = layer(Settings { kind: find(class).map_or(Kind::Other, Kind::Keras), config }, &inputs)?;
    Some(outputs.iter().map(|axes| axis::sizes(axes)).collect())
}

pub(super) fn assert_outputs(cases: &[Case]) {
    for (class, config, input, output) in cases {
        assert_eq!(outputs(class, config, &[input]), Some(vec![dims(output)]), "{class} {config} on {input:?}");
    }
}

pub(super) fn assert_unknown(class: &str, config: &Value, input: &[i64]) {
    assert_eq!(outputs(class, config, &[input]), None, "{class} {config} on {input:?}");
}
