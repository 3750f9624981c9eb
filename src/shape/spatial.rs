//! Layers that change the size of images alone: padding, cropping, up-sampling, resizing.

use serde_json::Value;

use super::Dims;
use super::settings::{Settings, dimensions, each_spatial, size};

pub(super) fn spatial_rank(class: &str) -> Option<usize> {
    match class {
        "ZeroPadding1D" | "ZeroPadding2D" | "ZeroPadding3D" => dimensions(class),
        "Cropping1D" | "Cropping2D" | "Cropping3D" => dimensions(class),
        "UpSampling1D" | "UpSampling2D" | "UpSampling3D" => dimensions(class),
        _ => None,
    }
}

pub(super) fn output(settings: Settings, input: &Dims) -> Option<Dims> {
    let class = settings.class;
    match class {
        "Resizing" | "CenterCrop" | "RandomCrop" => {
            return resized(settings, input, Some(settings.size(&["height"])?), Some(settings.size(&["width"])?));
        }
        "RandomHeight" => return resized(settings, input, None, image_size(settings, input, 1)),
        "RandomWidth" => return resized(settings, input, image_size(settings, input, 0), None),
        _ => {}
    }
    let rank = spatial_rank(class)?;
    let channels_first = settings.is_channels_first();
    if class.starts_with("UpSampling") {
        let factors = settings.sizes_or(&["size", "length"], rank, 2)?;
        return each_spatial(input, rank, channels_first, |axis, length| length.checked_mul(factors[axis]));
    }
    let ends = ends(settings.first(&["padding", "cropping"])?, rank)?;
    each_spatial(input, rank, channels_first, |axis, length| {
        let both = ends[axis].0.checked_add(ends[axis].1)?;
        if class.starts_with("Cropping") {
            length.checked_sub(both).filter(|&left| left > 0)
        } else {
            length.checked_add(both)
        }
    })
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

fn first_image_axis(settings: Settings, input: &Dims) -> Option<usize> {
    // These layers also take images without a batch axis.
    let behind_batch = input.len().checked_sub(3).filter(|&batch| batch < 2)?;
    Some(behind_batch + usize::from(settings.is_channels_first()))
}

fn image_size(settings: Settings, input: &Dims, axis: usize) -> Option<usize> {
    *input.get(first_image_axis(settings, input)? + axis)?
}

fn resized(settings: Settings, input: &Dims, height: Option<usize>, width: Option<usize>) -> Option<Dims> {
    let first = first_image_axis(settings, input)?;
    let mut output = input.clone();
    output[first] = height;
    output[first + 1] = width;
    Some(output)
}
