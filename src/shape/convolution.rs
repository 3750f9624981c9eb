//! Convolutions of all kinds.

use super::axis::Axes;
use super::settings::{Settings, each_spatial, with_channels};
use super::window::{Padding, Window};
use crate::keras::classes::{Convolution, Rule};

const STRIDES: [&str; 3] = ["strides", "subsample", "subsample_length"];
const DILATION: [&str; 2] = ["dilation_rate", "atrous_rate"];
const FILTERS: [&str; 2] = ["filters", "nb_filter"];
pub(super) const PADDING: [&str; 2] = ["padding", "border_mode"];

/// What a convolution over height and width does at each of its places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// The distance of the places.
    pub strides: [usize; 2],
    /// The distance of the cells that the kernel reads.
    pub dilation: [usize; 2],
    /// Whether each output channel reads all input channels, and the kernel once.
    pub is_full: bool,
}

pub(super) fn reach(settings: Settings) -> Option<Reach> {
    let Rule::Convolution(_, 2) = settings.rule() else { return None };
    let two = |sizes: Option<Vec<usize>>| sizes?.try_into().ok();
    let groups = settings.get("groups").map_or(Some(1), |_| settings.size(&["groups"]))?;
    Some(Reach {
        kernel: two(kernel(settings, 2))?,
        strides: two(settings.sizes_or(&STRIDES, 2, 1))?,
        dilation: two(settings.sizes_or(&DILATION, 2, 1))?,
        is_full: settings.kind.is("Conv2D") && groups == 1,
    })
}

pub(super) fn output(settings: Settings, kind: Convolution, rank: usize, input: &Axes) -> Option<Axes> {
    let channels_first = settings.is_channels_first();
    let kernel = kernel(settings, rank)?;
    let strides = settings.sizes_or(&STRIDES, rank, 1)?;
    let dilation = settings.sizes_or(&DILATION, rank, 1)?;
    let padding = Padding::read(settings.text(&PADDING)?)?;
    let window = |axis: usize| Window { size: kernel[axis], stride: strides[axis], dilation: dilation[axis] };
    let spatial = match kind {
        Convolution::Transposed => {
            let extra = settings.get("output_padding").is_some();
            let extra = if extra { Some(settings.sizes(&["output_padding"], rank)?) } else { None };
            each_spatial(input, rank, channels_first, |axis, length| {
                window(axis).transposed(length, padding, extra.as_ref().map(|extra| extra[axis]))
            })?
        }
        _ => each_spatial(input, rank, channels_first, |axis, length| window(axis).places(length, padding))?,
    };
    let channels = match kind {
        Convolution::Depthwise => {
            let before = input[if channels_first { 1 } else { rank + 1 }].size;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{assert_outputs, assert_unknown};

    const IMAGE: &[i64] = &[-1, 13, 10, 6];

    #[test]
    fn convolutions_count_the_places_of_their_kernel() {
        let config = |size: &[i64], strides: &[i64], padding: &str, dilation: &[i64]| {
            json!({"filters": 8, "kernel_size": size, "strides": strides, "padding": padding,
                "dilation_rate": dilation, "groups": 2, "data_format": "channels_last"})
        };
        assert_outputs(&[
            ("Conv2D", config(&[3, 2], &[2, 1], "valid", &[1, 1]), IMAGE, &[-1, 6, 9, 8]),
            ("Conv2D", config(&[3, 3], &[2, 2], "same", &[1, 1]), IMAGE, &[-1, 7, 5, 8]),
            ("Conv2D", config(&[3, 3], &[1, 1], "valid", &[3, 2]), IMAGE, &[-1, 7, 6, 8]),
            ("Conv2D", config(&[3, 3], &[2, 2], "same", &[1, 1]), &[-1, -1, -1, 6], &[-1, -1, -1, 8]),
            ("SeparableConv2D", config(&[2, 3], &[2, 2], "valid", &[1, 1]), IMAGE, &[-1, 6, 4, 8]),
            ("Conv1D", config(&[3], &[1], "causal", &[2]), &[-1, 9, 5], &[-1, 9, 8]),
            ("Conv3D", config(&[2, 2, 2], &[2, 2, 2], "valid", &[1, 1, 1]), &[-1, 5, 13, 10, 6], &[-1, 2, 6, 5, 8]),
        ]);
    }

    #[test]
    fn depthwise_convolutions_multiply_the_channels() {
        let config = |format| json!({"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "depth_multiplier": 2, "data_format": format});
        assert_outputs(&[
            ("DepthwiseConv2D", config("channels_last"), IMAGE, &[-1, 13, 10, 12]),
            ("DepthwiseConv2D", config("channels_first"), &[-1, 6, 13, 10], &[-1, 12, 13, 10]),
        ]);
    }

    #[test]
    fn transposed_convolutions_grow_and_take_output_padding() {
        let config = |size: i64, stride: i64, padding: &str, extra: Option<[i64; 2]>| {
            json!({"filters": 7, "kernel_size": [size, size], "strides": [stride, stride], "padding": padding,
                "output_padding": extra})
        };
        assert_outputs(&[
            ("Conv2DTranspose", config(3, 2, "valid", None), IMAGE, &[-1, 27, 21, 7]),
            ("Conv2DTranspose", config(1, 3, "valid", None), IMAGE, &[-1, 39, 30, 7]),
            ("Conv2DTranspose", config(4, 2, "same", None), IMAGE, &[-1, 26, 20, 7]),
            ("Conv2DTranspose", config(3, 2, "same", Some([1, 1])), IMAGE, &[-1, 26, 20, 7]),
            ("Conv2DTranspose", config(4, 3, "same", Some([2, 2])), IMAGE, &[-1, 38, 29, 7]),
            ("Conv2DTranspose", config(4, 3, "valid", Some([1, 1])), IMAGE, &[-1, 41, 32, 7]),
        ]);
    }

    #[test]
    fn keras_1_names_are_understood() {
        let config = json!({"nb_filter": 8, "nb_row": 3, "nb_col": 2, "subsample": [2, 1], "border_mode": "valid",
            "dim_ordering": "th"});
        assert_outputs(&[("Convolution2D", config, &[-1, 6, 13, 10], &[-1, 8, 6, 9])]);
        let config = json!({"nb_filter": 8, "nb_row": 3, "nb_col": 3, "border_mode": "full", "dim_ordering": "tf"});
        assert_outputs(&[("Convolution2D", config, IMAGE, &[-1, 15, 12, 8])]);
    }

    #[test]
    fn what_keras_refuses_is_unknown() {
        let config = |size: i64, stride: i64| json!({"filters": 8, "kernel_size": [size, 1], "strides": stride, "padding": "valid"});
        assert_unknown("Conv2D", &config(14, 1), IMAGE);
        assert_unknown("Conv2D", &config(0, 1), IMAGE);
        assert_unknown("Conv2D", &config(3, 0), IMAGE);
        assert_unknown("Conv2D", &config(3, 1), &[-1, 13, 10]);
        assert_unknown("Conv2DTranspose", &config(i64::MAX, i64::MAX), IMAGE);
        assert_unknown("Conv2D", &json!({"filters": -8, "kernel_size": "3"}), IMAGE);
    }
}
