//! Recurrent layers.

use super::axis::{Axes, Axis};
use super::convolution;
use super::settings::Settings;

/// The outputs of a recurrent layer: its sequence or its last step, then the states where it returns them.
pub(super) fn outputs(settings: Settings, input: &Axes) -> Option<Vec<Axes>> {
    match settings.class {
        "Bidirectional" => bidirectional(settings, input),
        _ => one_way(settings, input),
    }
}

fn one_way(settings: Settings, input: &Axes) -> Option<Vec<Axes>> {
    let (&[batch, steps], features) = input.split_first_chunk()?;
    if settings.flag("time_major") {
        return None;
    }
    let (step, states) = match settings.class {
        "LSTM" | "CuDNNLSTM" | "GRU" | "CuDNNGRU" | "SimpleRNN" if features.len() == 1 => {
            let states = if settings.class.ends_with("LSTM") { 2 } else { 1 };
            (vec![batch, Axis::channels(Some(settings.size(&["units", "output_dim"])?))], states)
        }
        "ConvLSTM1D" | "ConvLSTM2D" | "ConvLSTM3D" => {
            let class =
                ["Conv1D", "Conv2D", "Conv3D"].into_iter().find(|class| class.ends_with(&settings.class[8..]))?;
            let convolution = Settings { class, config: settings.config };
            (convolution::output(convolution, &[&[batch], features].concat())?, 2)
        }
        _ => return None,
    };
    let mut output = step.clone();
    if settings.flag("return_sequences") {
        output.insert(1, steps);
    }
    let states = if settings.flag("return_state") { states } else { 0 };
    Some([vec![output], vec![step; states]].concat())
}

fn bidirectional(settings: Settings, input: &Axes) -> Option<Vec<Axes>> {
    let forward = one_way(settings.held()?, input)?;
    let (output, states) = forward.split_first()?;
    let outputs = match settings.text(&["merge_mode"]) {
        Some("concat") => {
            let mut both = output.clone();
            // ConvLSTM in channels_first is concatenated along its last axis all the same.
            let last = both.last_mut()?;
            last.size = last.size.map_or(Some(None), |size| size.checked_mul(2).map(Some))?;
            vec![both]
        }
        Some("sum" | "mul" | "ave") => vec![output.clone()],
        None => vec![output.clone(), output.clone()],
        Some(_) => return None,
    };
    Some([outputs.as_slice(), states, states].concat())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{dims, outputs};

    fn assert_all(class: &str, config: Value, input: &[i64], expected: &[&[i64]]) {
        let expected: Vec<_> = expected.iter().map(|output| dims(output)).collect();
        assert_eq!(outputs(class, &config, &[input]), Some(expected), "{class} {config}");
    }

    #[test]
    fn sequences_and_states_come_where_they_are_asked_for() {
        let asked = |sequences, states| json!({"units": 4, "return_sequences": sequences, "return_state": states});
        assert_all("LSTM", asked(true, false), &[-1, 9, 5], &[&[-1, 9, 4]]);
        assert_all("LSTM", asked(false, true), &[-1, 9, 5], &[&[-1, 4], &[-1, 4], &[-1, 4]]);
        assert_all("GRU", asked(true, true), &[-1, 9, 5], &[&[-1, 9, 4], &[-1, 4]]);
    }

    #[test]
    fn convolutional_ones_have_images() {
        let config = json!({"filters": 3, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same",
            "dilation_rate": [1, 1], "data_format": "channels_last", "return_sequences": true});
        assert_all("ConvLSTM2D", config, &[-1, 5, 13, 10, 6], &[&[-1, 5, 7, 5, 3]]);
    }

    #[test]
    fn both_directions_are_merged_or_stand_side_by_side() {
        let both = |mode: Option<&str>| {
            let config = json!({"units": 4, "return_sequences": true, "return_state": true});
            json!({"merge_mode": mode, "layer": {"class_name": "LSTM", "config": config}})
        };
        let state: &[i64] = &[-1, 4];
        assert_all("Bidirectional", both(Some("concat")), &[-1, 9, 5], &[&[-1, 9, 8], state, state, state, state]);
        assert_all("Bidirectional", both(Some("sum")), &[-1, 9, 5], &[&[-1, 9, 4], state, state, state, state]);
        assert_all("Bidirectional", both(None), &[-1, 9, 5], &[&[-1, 9, 4], &[-1, 9, 4], state, state, state, state]);
    }
}
