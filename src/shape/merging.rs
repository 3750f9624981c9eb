//! Layers that make one tensor of several.

use super::Dims;
use super::settings::{Settings, integers, place};
use super::tensor_op::{broadcast, concatenated};

pub(super) fn output(settings: Settings, inputs: &[Dims]) -> Option<Dims> {
    match settings.class {
        "Add" | "Subtract" | "Multiply" | "Average" | "Maximum" | "Minimum" => elementwise(inputs),
        // Of InceptionResNetV2 in keras.applications: the first plus the second, scaled.
        "CustomScaleLayer" => elementwise(inputs),
        "Concatenate" => concatenated(inputs, settings.get("axis").map_or(Some(-1), |axis| axis.as_i64())?),
        "Dot" => {
            let axes = integers(settings.get("axes")?)?;
            match (inputs, axes.as_slice()) {
                ([a, b], &[axis]) => dot(a, b, axis, axis),
                ([a, b], &[axis_a, axis_b]) => dot(a, b, axis_a, axis_b),
                _ => None,
            }
        }
        // Keras 1.
        "Merge" => match settings.text(&["mode"])? {
            "sum" | "mul" | "ave" | "max" => elementwise(inputs),
            "concat" => concatenated(inputs, settings.get("concat_axis").map_or(Some(-1), |axis| axis.as_i64())?),
            _ => None,
        },
        _ => None,
    }
}

/// Tensors of lower rank get axes of size 1 behind the batch axis, and all are broadcast.
fn elementwise(inputs: &[Dims]) -> Option<Dims> {
    let (first, others) = inputs.split_first()?;
    others.iter().try_fold(first.clone(), |merged, other| {
        let ((&a, merged), (&b, other)) = (merged.split_first()?, other.split_first()?);
        let batch = if a == b { a } else { None };
        Some([vec![batch], broadcast(merged, other)?].concat())
    })
}

fn dot(a: &Dims, b: &Dims, axis_a: i64, axis_b: i64) -> Option<Dims> {
    let (axis_a, axis_b) = (place(axis_a, a.len())?, place(axis_b, b.len())?);
    if axis_a == 0 || axis_b == 0 || matches!((a[axis_a], b[axis_b]), (Some(a), Some(b)) if a != b) {
        return None;
    }
    let but = |dims: &Dims, gone: usize, from: usize| {
        let kept = dims.iter().enumerate().skip(from).filter(move |(axis, _)| *axis != gone);
        kept.map(|(_, &dim)| dim).collect::<Dims>()
    };
    let mut output = [but(a, axis_a, 0), but(b, axis_b, 1)].concat();
    if output.len() == 1 {
        output.push(Some(1));
    }
    Some(output)
}
