//! Pooling, over windows, over everything, and to a fixed size.

use super::Dims;
use super::convolution::PADDING;
use super::settings::{Settings, dimensions, each_spatial};
use super::window::{Padding, Window};

enum Kind {
    Windowed,
    Global,
    Adaptive,
}

fn kind(class: &str) -> Option<Kind> {
    let base = class.strip_suffix("Pooling1D").or_else(|| class.strip_suffix("Pooling2D"));
    match base.or_else(|| class.strip_suffix("Pooling3D"))? {
        "Max" | "Average" => Some(Kind::Windowed),
        "GlobalMax" | "GlobalAverage" => Some(Kind::Global),
        "AdaptiveMax" | "AdaptiveAverage" => Some(Kind::Adaptive),
        _ => None,
    }
}

pub(super) fn spatial_rank(class: &str) -> Option<usize> {
    kind(class)?;
    dimensions(class)
}

pub(super) fn output(settings: Settings, input: &Dims) -> Option<Dims> {
    let kind = kind(settings.class)?;
    let rank = dimensions(settings.class)?;
    let channels_first = settings.is_channels_first();
    match kind {
        Kind::Windowed => {
            let sizes = settings.sizes(&["pool_size", "pool_length"], rank)?;
            let strides = match settings.first(&["strides", "stride"]) {
                Some(_) => settings.sizes(&["strides", "stride"], rank)?,
                None => sizes.clone(),
            };
            let padding = Padding::read(settings.text(&PADDING)?)?;
            each_spatial(input, rank, channels_first, |axis, length| {
                Window { size: sizes[axis], stride: strides[axis], dilation: 1 }.places(length, padding)
            })
        }
        Kind::Global => {
            let channels = if channels_first { 1 } else { rank + 1 };
            let keeps = settings.flag("keepdims");
            (input.len() == rank + 2).then(|| {
                let axes = input.iter().enumerate();
                axes.filter_map(|(axis, &dim)| match axis == 0 || axis == channels {
                    true => Some(dim),
                    false => keeps.then_some(Some(1)),
                })
                .collect()
            })
        }
        Kind::Adaptive => {
            let sizes = settings.sizes(&["output_size"], rank)?;
            let first = if channels_first { 2 } else { 1 };
            let mut output = input.clone();
            (input.len() == rank + 2).then(|| {
                output[first..first + rank].iter_mut().zip(sizes).for_each(|(dim, size)| *dim = Some(size));
                output
            })
        }
    }
}
