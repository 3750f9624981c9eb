//! Layers that change the size of images alone: padding, cropping, up-sampling, resizing.

use serde_json::Value;

use super::axis::{Axes, laid_out};
use super::format_of;
use super::settings::{Settings, each_spatial, size};
use crate::keras::classes::Spatial;

/// Those of one dimension that have no data format take the axis behind the batch, whatever it is.
pub(super) fn takes_any_axis(settings: Settings, rank: usize) -> bool {
    rank == 1 && format_of(settings.config).is_none()
}

pub(super) fn output(settings: Settings, kind: Spatial, rank: usize, input: &Axes) -> Option<Axes> {
    let channels_first = settings.is_channels_first();
    let mut output = match kind {
        Spatial::Resizing => {
            return resized(settings, input, Some(settings.size(&["height"])?), Some(settings.size(&["width"])?));
        }
        Spatial::AnyHeight => return resized(settings, input, None, image_size(settings, input, 1)),
        Spatial::AnyWidth => return resized(settings, input, image_size(settings, input, 0), None),
        Spatial::UpSampling => {
            let factors = settings.sizes_or(&["size", "length"], rank, 2)?;
            each_spatial(input, rank, channels_first, |axis, length| length.checked_mul(factors[axis]))?
        }
        Spatial::Padding | Spatial::Cropping => {
            let ends = ends(settings.first(&["padding", "cropping"])?, rank)?;
            each_spatial(input, rank, channels_first, |axis, length| {
                let both = ends[axis].0.checked_add(ends[axis].1)?;
                match kind {
                    Spatial::Cropping => length.checked_sub(both).filter(|&left| left > 0),
                    _ => length.checked_add(both),
                }
            })?
        }
    };
    if takes_any_axis(settings, rank) {
        output.iter_mut().zip(input).for_each(|(axis, before)| axis.origin = before.origin);
    }
    Some(output)
}

/// What is added or cut at the two ends of each axis: a number for all, one an axis, or a pair an axis.
fn ends(value: &Value, rank: usize) -> Option<Vec<(usize, usize)>> {
    let Some(list) = value.as_array() else {
        return Some(vec![(size(value)?, size(value)?); rank]);
    };
    let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
        None => Some((size(pair)?, size(pair)?)),
        Some([before, after]) => Some((size(before)?, size(after)?)),
        _ => None,
    };
    match (list.as_slice(), rank) {
        // One axis, flat.
        ([before, after], 1) => Some(vec![(size(before)?, size(after)?)]),
        // Keras 1: top, bottom, left, right.
        ([top, bottom, left, right], 2) => Some(vec![(size(top)?, size(bottom)?), (size(left)?, size(right)?)]),
        (list, _) if list.len() == rank => list.iter().map(pair).collect(),
        _ => None,
    }
}

fn first_image_axis(settings: Settings, input: &Axes) -> Option<usize> {
    // These layers also take images without a batch axis.
    let behind_batch = input.len().checked_sub(3).filter(|&batch| batch < 2)?;
    Some(behind_batch + usize::from(settings.is_channels_first()))
}

fn image_size(settings: Settings, input: &Axes, axis: usize) -> Option<usize> {
    input.get(first_image_axis(settings, input)? + axis)?.size
}

fn resized(settings: Settings, input: &Axes, height: Option<usize>, width: Option<usize>) -> Option<Axes> {
    let first = first_image_axis(settings, input)?;
    let mut output = match input.len() {
        4 => laid_out(input.clone(), settings.is_channels_first()),
        _ => input.clone(),
    };
    output[first].size = height;
    output[first + 1].size = width;
    Some(output)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{assert_outputs, assert_unknown};

    const IMAGE: &[i64] = &[-1, 13, 10, 6];

    #[test]
    fn padding_adds_to_both_ends() {
        assert_outputs(&[
            ("ZeroPadding2D", json!({"padding": [[0, 1], [2, 3]]}), IMAGE, &[-1, 14, 15, 6]),
            ("ZeroPadding2D", json!({"padding": [1, 3]}), IMAGE, &[-1, 15, 16, 6]),
            ("ZeroPadding2D", json!({"padding": [0, 1, 2, 3], "dim_ordering": "tf"}), IMAGE, &[-1, 14, 15, 6]),
            ("ZeroPadding2D", json!({"padding": 2, "data_format": "channels_first"}), IMAGE, &[-1, 13, 14, 10]),
            ("ZeroPadding1D", json!({"padding": [1, 2]}), &[-1, 9, 5], &[-1, 12, 5]),
            ("ZeroPadding3D", json!({"padding": [[1, 1], [2, 2], [3, 3]]}), &[-1, 5, 13, 10, 6], &[-1, 7, 17, 16, 6]),
        ]);
    }

    #[test]
    fn cropping_takes_from_both_ends_and_leaves_something() {
        assert_outputs(&[("Cropping2D", json!({"cropping": [[0, 3], [4, 2]]}), IMAGE, &[-1, 10, 4, 6])]);
        assert_unknown("Cropping2D", &json!({"cropping": [[0, 3], [4, 6]]}), IMAGE);
    }

    #[test]
    fn up_sampling_multiplies() {
        assert_outputs(&[
            ("UpSampling2D", json!({"size": [2, 5]}), IMAGE, &[-1, 26, 50, 6]),
            ("UpSampling1D", json!({"size": 2}), &[-1, 9, 5], &[-1, 18, 5]),
        ]);
    }

    #[test]
    fn images_are_resized_along_the_axes_of_their_format() {
        let size = json!({"height": 7, "width": 9});
        let first = json!({"height": 7, "width": 9, "data_format": "channels_first"});
        assert_outputs(&[
            ("Resizing", size.clone(), IMAGE, &[-1, 7, 9, 6]),
            ("CenterCrop", size, IMAGE, &[-1, 7, 9, 6]),
            ("Resizing", first, &[-1, 6, 13, 10], &[-1, 6, 7, 9]),
            ("RandomHeight", json!({"factor": 0.1}), IMAGE, &[-1, -1, 10, 6]),
            ("RandomWidth", json!({"factor": 0.1}), IMAGE, &[-1, 13, -1, 6]),
        ]);
    }
}
