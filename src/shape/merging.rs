//! Layers that make one tensor of several.

use super::axis::{Axes, Axis, of_all};
use super::settings::{Settings, integers, place};
use super::tensor_op::{broadcast, concatenated};
use crate::keras::classes::Merging;

pub(super) fn output(settings: Settings, kind: Merging, inputs: &[Axes]) -> Option<Axes> {
    let axis = |key| settings.get(key).map_or(Some(-1), |axis| axis.as_i64());
    match kind {
        Merging::Elementwise => elementwise(inputs),
        Merging::Concatenated => concatenated(inputs, axis("axis")?),
        Merging::Dot => {
            let axes = integers(settings.get("axes")?)?;
            match (inputs, axes.as_slice()) {
                ([a, b], &[axis]) => dot(a, b, axis, axis),
                ([a, b], &[axis_a, axis_b]) => dot(a, b, axis_a, axis_b),
                _ => None,
            }
        }
        // Keras 1.
        Merging::ByMode => match settings.text(&["mode"])? {
            "sum" | "mul" | "ave" | "max" => elementwise(inputs),
            "concat" => concatenated(inputs, axis("concat_axis")?),
            _ => None,
        },
    }
}

/// Tensors of lower rank get axes of size 1 behind the batch axis, and all are broadcast.
fn elementwise(inputs: &[Axes]) -> Option<Axes> {
    let (first, others) = inputs.split_first()?;
    let merged = others.iter().try_fold(first.clone(), |merged, other| {
        let ((&a, merged), (b, other)) = (merged.split_first()?, other.split_first()?);
        let batch = a.resized(if a.size == b.size { a.size } else { None });
        Some([vec![batch], broadcast(merged, other)?].concat())
    })?;
    Some(of_all(merged))
}

fn dot(a: &Axes, b: &Axes, axis_a: i64, axis_b: i64) -> Option<Axes> {
    let (axis_a, axis_b) = (place(axis_a, a.len())?, place(axis_b, b.len())?);
    if axis_a == 0 || axis_b == 0 || matches!((a[axis_a].size, b[axis_b].size), (Some(a), Some(b)) if a != b) {
        return None;
    }
    let but = |axes: &Axes, gone: usize, from: usize| {
        let kept = axes.iter().enumerate().skip(from).filter(move |(axis, _)| *axis != gone);
        kept.map(|(_, &axis)| axis).collect::<Axes>()
    };
    let mut output = [but(a, axis_a, 0), but(b, axis_b, 1)].concat();
    if output.len() == 1 {
        output.push(Axis::new(Some(1)));
    }
    Some(output)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{dims, outputs};

    fn merged(class: &str, config: Value, inputs: &[&[i64]]) -> Option<Vec<Option<usize>>> {
        outputs(class, &config, inputs).map(|mut outputs| outputs.remove(0))
    }

    #[test]
    fn sums_broadcast_and_align_behind_the_batch() {
        for (inputs, output) in [
            ([&[-1, 13, 10, 6][..], &[-1, 1, 1, 6]], &[-1, 13, 10, 6][..]),
            ([&[-1, 13, 10, 6], &[-1, 6]], &[-1, 13, 10, 6]),
            ([&[-1, -1, -1, 6], &[-1, 1, 1, 6]], &[-1, -1, -1, 6]),
            ([&[-1, -1, 10, 6], &[-1, 13, 10, 6]], &[-1, 13, 10, 6]),
        ] {
            assert_eq!(merged("Add", json!({}), &inputs), Some(dims(output)), "{inputs:?}");
        }
        assert_eq!(merged("Add", json!({}), &[&[-1, 13, 10, 6], &[-1, 13, 10, 5]]), None);
    }

    #[test]
    fn concatenation_adds_along_its_axis() {
        let image: &[i64] = &[-1, 13, 10, 6];
        assert_eq!(
            merged("Concatenate", json!({"axis": -1}), &[image, &[-1, 13, 10, 5]]),
            Some(dims(&[-1, 13, 10, 11]))
        );
        assert_eq!(merged("Concatenate", json!({"axis": 1}), &[image, &[-1, 4, 10, 6]]), Some(dims(&[-1, 17, 10, 6])));
        assert_eq!(merged("Concatenate", json!({"axis": 1}), &[image, &[-1, -1, 10, 6]]), Some(dims(&[-1, -1, 10, 6])));
        assert_eq!(merged("Concatenate", json!({"axis": 4}), &[image, image]), None);
        let keras_1 = json!({"mode": "concat", "concat_axis": 1});
        assert_eq!(merged("Merge", keras_1, &[image, &[-1, 4, 10, 6]]), Some(dims(&[-1, 17, 10, 6])));
    }

    #[test]
    fn dot_products_join_what_is_left() {
        assert_eq!(merged("Dot", json!({"axes": 2}), &[&[-1, 5, 4], &[-1, 7, 4]]), Some(dims(&[-1, 5, 7])));
        assert_eq!(merged("Dot", json!({"axes": 1}), &[&[-1, 5], &[-1, 5]]), Some(dims(&[-1, 1])));
        assert_eq!(merged("Dot", json!({"axes": [3, 1]}), &[&[-1, 2, 5, 4], &[-1, 4, 6]]), Some(dims(&[-1, 2, 5, 6])));
        assert_eq!(merged("Dot", json!({"axes": [0, 1]}), &[&[-1, 5], &[-1, 5]]), None);
    }
}
