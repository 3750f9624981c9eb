//! Pooling, over windows, over everything, and to a fixed size.

use super::axis::{Axes, laid_out};
use super::convolution::PADDING;
use super::settings::{Settings, each_spatial};
use super::window::{Padding, Window};
use crate::keras::classes::Pooling;

pub(super) fn output(settings: Settings, kind: Pooling, rank: usize, input: &Axes) -> Option<Axes> {
    let channels_first = settings.is_channels_first();
    match kind {
        Pooling::Windowed => {
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
        Pooling::Global => {
            let channels = if channels_first { 1 } else { rank + 1 };
            let keeps = settings.flag("keepdims");
            (input.len() == rank + 2).then(|| {
                let axes = laid_out(input.clone(), channels_first).into_iter().enumerate();
                axes.filter_map(|(place, axis)| match place == 0 || place == channels {
                    true => Some(axis),
                    false => keeps.then_some(axis.resized(Some(1))),
                })
                .collect()
            })
        }
        Pooling::Adaptive => {
            let sizes = settings.sizes(&["output_size"], rank)?;
            let first = if channels_first { 2 } else { 1 };
            (input.len() == rank + 2).then(|| {
                let mut output = laid_out(input.clone(), channels_first);
                output[first..first + rank].iter_mut().zip(sizes).for_each(|(axis, size)| axis.size = Some(size));
                output
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::assert_outputs;

    const IMAGE: &[i64] = &[-1, 13, 10, 6];

    #[test]
    fn windows_are_counted_and_step_by_their_size_unless_told() {
        let config = |strides: Option<[i64; 2]>, padding: &str| json!({"pool_size": [3, 2], "strides": strides, "padding": padding, "data_format": "channels_last"});
        assert_outputs(&[
            ("MaxPooling2D", config(Some([2, 2]), "valid"), IMAGE, &[-1, 6, 5, 6]),
            ("AveragePooling2D", config(None, "same"), IMAGE, &[-1, 5, 5, 6]),
            ("MaxPooling1D", json!({"pool_size": [2], "strides": [3], "padding": "same"}), &[-1, 9, 5], &[-1, 3, 5]),
            (
                "AveragePooling1D",
                json!({"pool_length": 2, "stride": 3, "border_mode": "same"}),
                &[-1, 9, 5],
                &[-1, 3, 5],
            ),
            ("MaxPooling3D", json!({"pool_size": 2, "padding": "valid"}), &[-1, 5, 13, 10, 6], &[-1, 2, 6, 5, 6]),
        ]);
    }

    #[test]
    fn global_pooling_keeps_the_channels_alone() {
        let first = json!({"data_format": "channels_first", "keepdims": true});
        assert_outputs(&[
            ("GlobalAveragePooling2D", json!({}), IMAGE, &[-1, 6]),
            ("GlobalMaxPooling2D", json!({"keepdims": true}), IMAGE, &[-1, 1, 1, 6]),
            ("GlobalMaxPooling2D", first, &[-1, 6, 13, 10], &[-1, 6, 1, 1]),
            ("GlobalAveragePooling1D", json!({"data_format": "channels_last"}), &[-1, 9, 5], &[-1, 5]),
        ]);
    }

    #[test]
    fn adaptive_pooling_has_the_size_it_is_told() {
        let config = json!({"output_size": [4, 3], "data_format": "channels_last"});
        assert_outputs(&[("AdaptiveAveragePooling2D", config, IMAGE, &[-1, 4, 3, 6])]);
    }
}
