//! Convolutions of all kinds.

use super::Dims;
use super::settings::{Settings, dimensions, each_spatial, with_channels};
use super::window::{Padding, Window};

const STRIDES: [&str; 3] = ["strides", "subsample", "subsample_length"];
const DILATION: [&str; 2] = ["dilation_rate", "atrous_rate"];
const FILTERS: [&str; 2] = ["filters", "nb_filter"];
pub(super) const PADDING: [&str; 2] = ["padding", "border_mode"];

enum Kind {
    Plain,
    Depthwise,
    Transposed,
}

fn kind(class: &str) -> Option<Kind> {
    match class {
        "Conv1D" | "Conv2D" | "Conv3D" | "SeparableConv1D" | "SeparableConv2D" => Some(Kind::Plain),
        "Convolution1D" | "Convolution2D" | "Convolution3D" | "SeparableConvolution2D" => Some(Kind::Plain),
        "AtrousConvolution1D" | "AtrousConvolution2D" => Some(Kind::Plain),
        "DepthwiseConv1D" | "DepthwiseConv2D" => Some(Kind::Depthwise),
        "Conv1DTranspose" | "Conv2DTranspose" | "Conv3DTranspose" => Some(Kind::Transposed),
        _ => None,
    }
}

pub(super) fn spatial_rank(class: &str) -> Option<usize> {
    kind(class)?;
    dimensions(class.trim_end_matches("Transpose"))
}

pub(super) fn output(settings: Settings, input: &Dims) -> Option<Dims> {
    let kind = kind(settings.class)?;
    let rank = spatial_rank(settings.class)?;
    let channels_first = settings.is_channels_first();
    let kernel = kernel(settings, rank)?;
    let strides = settings.sizes_or(&STRIDES, rank, 1)?;
    let dilation = settings.sizes_or(&DILATION, rank, 1)?;
    let padding = Padding::read(settings.text(&PADDING)?)?;
    let window = |axis: usize| Window { size: kernel[axis], stride: strides[axis], dilation: dilation[axis] };
    let spatial = match kind {
        Kind::Transposed => {
            let extra = settings.get("output_padding").is_some();
            let extra = if extra { Some(settings.sizes(&["output_padding"], rank)?) } else { None };
            each_spatial(input, rank, channels_first, |axis, length| {
                window(axis).transposed(length, padding, extra.as_ref().map(|extra| extra[axis]))
            })?
        }
        _ => each_spatial(input, rank, channels_first, |axis, length| window(axis).places(length, padding))?,
    };
    let channels = match kind {
        Kind::Depthwise => {
            let before = input[if channels_first { 1 } else { rank + 1 }];
            match (before, settings.size(&["depth_multiplier"])) {
                (Some(before), multiplier) => Some(before.checked_mul(multiplier.unwrap_or(1))?),
                (None, _) => None,
            }
        }
        _ => Some(settings.size(&FILTERS)?),
    };
    with_channels(spatial, channels, channels_first)
}

/// The kernel's size; Keras 1 has an argument for each axis.
fn kernel(settings: Settings, rank: usize) -> Option<Vec<usize>> {
    settings.sizes(&["kernel_size"], rank).or_else(|| {
        let keys: &[&str] = match rank {
            1 => &["filter_length"],
            2 => &["nb_row", "nb_col"],
            _ => &["kernel_dim1", "kernel_dim2", "kernel_dim3"],
        };
        keys.iter().map(|key| settings.size(&[key])).collect()
    })
}
