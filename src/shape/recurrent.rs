//! Recurrent layers, and layers around recurrent cells.

use super::axis::{Axes, Axis};
use super::convolution;
use super::settings::Settings;
use crate::keras::classes::{Convolution, Rule};

/// The outputs of a recurrent layer: its sequence or its last step, then the states where it returns them. What else it is
/// called on are states to begin with.
pub(super) fn outputs(settings: Settings, input: &Axes) -> Option<Vec<Axes>> {
    let (&[batch, steps], features) = input.split_first_chunk()?;
    if settings.flag("time_major") {
        return None;
    }
    let vector = |units| vec![batch, Axis::channels(Some(units))];
    let (step, states) = match settings.rule() {
        Rule::Recurrent(states) if features.len() == 1 => {
            let step = vector(settings.size(&["units", "output_dim"])?);
            (step.clone(), vec![step; states])
        }
        Rule::ConvolvingRecurrent(rank) => {
            let step = convolution::output(settings, Convolution::Plain, rank, &[&[batch], features].concat())?;
            (step.clone(), vec![step; 2])
        }
        Rule::Cells if features.len() == 1 => {
            let (units, states) = cell(Settings::of(settings.get("cell")?)?)?;
            (vector(units), states.into_iter().map(vector).collect())
        }
        _ => return None,
    };
    let mut output = step;
    if settings.flag("return_sequences") {
        output.insert(1, steps);
    }
    let states = if settings.flag("return_state") { states } else { Vec::new() };
    Some([vec![output], states].concat())
}

/// How many numbers a cell puts out, and how many are in each of its states; of several, those of the last, and all states.
fn cell(settings: Settings) -> Option<(usize, Vec<usize>)> {
    let class = settings.kind.class()?;
    let states = match class.name {
        "SimpleRNNCell" | "GRUCell" => 1,
        "LSTMCell" => 2,
        "StackedRNNCells" => {
            let cells = settings.get("cells")?.as_array()?.iter();
            let mut cells: Vec<_> = cells.map(|held| cell(Settings::of(held)?)).collect::<Option<_>>()?;
            let units = cells.last()?.0;
            if settings.flag("reverse_state_order") {
                cells.reverse();
            }
            return Some((units, cells.into_iter().flat_map(|(_, states)| states).collect()));
        }
        _ => return None,
    };
    let units = settings.size(&["units", "output_dim"])?;
    Some((units, vec![units; states]))
}

/// The outputs of both directions, merged or side by side, then the states of one and of the other.
pub(super) fn both_ways(settings: Settings, input: &Axes) -> Option<Vec<Axes>> {
    let forward = outputs(settings.held()?, input)?;
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
